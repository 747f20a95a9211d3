/**
 * The same files under redis-check-aof and here: the same lines, the same end, the same bytes left.
 * Needs the redis-check-aof binary; a machine without it says so and passes.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keyspace } from "@kv/core";
import { encodeRequest, latin1, latin1Bytes } from "@kv/resp";
import { Chance } from "@kv/testing";
import { afterAll, describe, expect, test } from "vitest";
import { putString } from "../keyspace-contents.ts";
import { nodeSyncStorage } from "../node.ts";
import { writeSnapshot } from "../save.ts";
import { checkAof } from "./check.ts";

const hasOracle = spawnSync("redis-check-aof").status === 1;
if (!hasOracle) console.log("skipped: files under redis-check-aof (it is not installed)");

const folder = mkdtempSync(join(tmpdir(), "kv-check-aof-"));
afterAll(() => rmSync(folder, { recursive: true }));
let folderCount = 0;

/** Files by their names; a text has a character for each byte. */
type Files = Record<string, string>;

interface Asked {
  path: string;
  isFix?: boolean;
  answer?: string;
  toSeconds?: number;
}

interface Outcome {
  lines: string[];
  code: number;
  files: Files;
}

function inFolder(
  files: Files,
  action: (folder: string) => { text: string; code: number },
): Outcome {
  const place = join(folder, `${folderCount++}`);
  mkdirSync(join(place, "sub"), { recursive: true });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(place, name), text, "latin1");
  const { text, code } = action(place);
  const left = Object.keys(files).map((name) => [name, readFileSync(join(place, name), "latin1")]);
  return { lines: text.split("\n"), code, files: Object.fromEntries(left) };
}

function underRedis(files: Files, { path, isFix, answer = "", toSeconds }: Asked): Outcome {
  return inFolder(files, (cwd) => {
    const mode = isFix ? ["--fix"] : toSeconds ? ["--truncate-to-timestamp", `${toSeconds}`] : [];
    const run = spawnSync("redis-check-aof", [...mode, path], {
      cwd,
      input: answer,
      encoding: "latin1",
    });
    return { text: withoutChance(run.stdout), code: run.status ?? -1 };
  });
}

function underOurs(files: Files, { path, isFix, answer = "", toSeconds }: Asked): Outcome {
  return inFolder(files, (cwd) => {
    let text = "";
    const confirms = (question: string) => {
      text += question;
      return answer.startsWith("y");
    };
    const isGood = checkAof(nodeSyncStorage(cwd), path, {
      nowMs: Date.now(),
      print: (line) => {
        // What only we say.
        if (!line.endsWith("as a power failure leaves them")) text += `${line}\n`;
      },
      ...(isFix ? { confirms } : {}),
      ...(toSeconds === undefined ? {} : { toSeconds }),
    });
    return { text: withoutChance(text), code: isGood ? 0 : 1 };
  });
}

/** What differs from run to run, or is told apart here: heads of the log, bytes behind the end. */
function withoutChance(text: string): string {
  return text
    .replace(/^\d+:C .* # \n?/gm, "")
    .replace(/\n\n/g, "\n")
    .replace(/(got: )[0-9a-f]{4,}/g, "$1...")
    .replace(/got: '(\\x..|[^!-~])?'?$/gm, "got: '.'")
    .replace("redis-check-aof", "kv-check-aof");
}

function expectSame(files: Files, asked: Asked, why = ""): Outcome {
  const theirs = underRedis(files, asked);
  expect(underOurs(files, asked), `${why}${JSON.stringify({ files, asked })}`).toEqual(theirs);
  return theirs;
}

const command = (...words: string[]): string =>
  latin1(encodeRequest(words.map((word) => latin1Bytes(word))));
const PING = command("PING");
const MULTI = command("MULTI");
const EXEC = command("EXEC");
const SET = command("SET", "key", "value");

const keyspace = new Keyspace({ random32: () => 0xc0ffee });
putString(keyspace.databases[0], "key", "value");
let snapshot = "";
writeSnapshot(keyspace, (bytes, start, end) => (snapshot += latin1(bytes, start, end)), {
  facts: { redisVersion: "7.0.15", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 },
});

const whole = `${PING}#TS:100\r\n${MULTI}${SET}${EXEC}#TS:200\r\n${SET}`;

describe.skipIf(!hasOracle)("redis-check-aof says the same", () => {
  test("of a file cut at every byte, and mends it alike", () => {
    for (let size = 0; size <= whole.length; size += 5) {
      const torn = whole.slice(0, size);
      // Redis calls a file good that ends within an annotation.
      if (/#[^\n]*$/.test(torn)) continue;
      expectSame({ "a.aof": torn }, { path: "a.aof", isFix: true, answer: size % 7 ? "y" : "n" });
    }
  });

  test.each([
    `${PING}PING\r\n`,
    `${PING}x`,
    `${PING}*1\r\n:`,
    `${PING}*1\r\n$4\r\nPINGxx`,
    `${PING}*1\r\n$-1\r\n`,
    `${PING}*1x\r\n$4\r\nPING\r\n`,
    `${PING}*1\n$4\r\nPING\r\n`,
    `${PING}${"\0".repeat(3000)}`,
    `${PING}*1\r\n$4\r\nPI${"\0".repeat(3000)}`,
    `${PING}*1\r\n\0\0`,
    `${PING}${MULTI}${PING}${MULTI}`,
    `${PING}${EXEC}${PING}`,
    `${MULTI}${EXEC}${EXEC}`,
    `${MULTI}${PING}*1`,
    `#TS:1\r\n#\r\n${MULTI}#TS:2\r\n${PING}`,
    "x".repeat(3000),
    "",
    "REDIS",
    snapshot,
    snapshot + whole,
    `${snapshot}${whole}*1`,
    snapshot.slice(0, -1),
    `${snapshot.slice(0, -1)}x${whole}`,
    "REDIS0010",
  ])("of a file %#", (file) => {
    expectSame({ "sub/a.aof": file }, { path: "sub/a.aof", isFix: true, answer: "y" });
  });

  test.each([99, 100, 200, -5])("of a file cut at the time %i", (toSeconds) => {
    expectSame({ "a.aof": whole }, { path: "a.aof", toSeconds });
    expectSame({ "a.aof": `#TS:100\r\n${whole}*1` }, { path: "a.aof", toSeconds });
  });

  const manifest =
    "file b seq 1 type b\nfile h seq 1 type h\nfile i seq 1 type i\nfile j seq 2 type i\n";
  test.each<{ what: string; files: Files }>([
    { what: "good", files: { b: whole, i: whole, j: whole } },
    { what: "good, with a snapshot", files: { b: snapshot, i: whole, j: PING } },
    { what: "good, with a snapshot and commands", files: { b: snapshot + whole, i: "", j: whole } },
    { what: "torn at the end", files: { b: snapshot, i: whole, j: `${whole}*1` } },
    { what: "torn in a transaction", files: { b: whole, i: whole, j: `${whole}${MULTI}${PING}` } },
    { what: "torn before", files: { b: snapshot, i: `${whole}*1`, j: whole } },
    { what: "torn in the base", files: { b: `${whole}*1`, i: whole, j: whole } },
    { what: "whose snapshot is torn", files: { b: snapshot.slice(0, 30), i: whole, j: whole } },
    { what: "with a snapshot where none may be", files: { b: snapshot, i: snapshot, j: whole } },
    { what: "with a second MULTI", files: { b: PING, i: PING, j: MULTI + MULTI } },
    { what: "without its last file", files: { b: snapshot, i: whole } },
    { what: "without its base", files: { i: whole, j: whole } },
    { what: "that ends with zeros", files: { b: PING, i: PING, j: `${whole}\0\0\0\0` } },
  ])("of a manifest's files: $what", ({ files }) => {
    expectSame({ ...files, m: manifest }, { path: "m", isFix: true, answer: "y" });
    expectSame({ ...files, m: manifest }, { path: "./m", toSeconds: 150 });
  });

  test("of other manifests, and of what looks like one", () => {
    const files = { b: PING, i: PING, j: SET };
    for (const m of [
      `#a\n#${"x".repeat(1000)}\n${manifest}`,
      `#a\n#b\n${manifest}`,
      "file b seq 1 type b\n",
      "file i seq 1 type i\n",
      "file h seq 1 type h\n",
      "file b seq 1 type x\n",
      "file",
      "fil",
      "#only\n",
      `#only\n${PING}`,
    ])
      expectSame({ ...files, m }, { path: "m" }, m);
    expectSame(files, { path: "missing" });
  });

  test("of mutated files", () => {
    const seed = Number(process.env.KV_SEED ?? 1);
    const chance = new Chance(seed);
    for (let round = 0; round < Number(process.env.KV_ROUNDS ?? 12); round++) {
      const bytes = latin1Bytes(whole);
      for (let left = chance.below(2); left >= 0; left--) {
        const at = chance.below(bytes.length);
        bytes[at] = chance.percent(30)
          ? chance.below(128)
          : chance.of([...latin1Bytes("*$#\r\n1\0x")]);
      }
      const file = latin1(bytes);
      // Here more is asked of a file than Redis's tool does: see the head of file-check.ts.
      if (/#[^\n]*$|[*$](?!\d)|[*$]0\d|\*0/.test(file)) continue;
      expectSame({ "a.aof": file }, { path: "a.aof" }, `seed ${seed}, round ${round}: `);
    }
  });
});
