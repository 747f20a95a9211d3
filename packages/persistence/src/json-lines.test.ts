/** The program of docs/json-lines.md prints what is in a file. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { harness } from "@kv/testing";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "kv-json-"));
afterAll(() => rmSync(folder, { recursive: true }));
const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs it on a file of these bytes. */
function printed(bytes: Uint8Array): { lines: unknown[]; trouble: string } {
  const path = join(folder, "dump.rdb");
  writeFileSync(path, bytes);
  const document = readFileSync(`${root}docs/json-lines.md`, "utf8");
  const program = /```ts\n([\s\S]*?)```/.exec(document)?.[1] ?? "";
  const options = ["--conditions=@kv/source", "--input-type=module-typescript", "-e", program];
  const run = spawnSync(process.execPath, [...options, path], { cwd: root, encoding: "utf8" });
  const lines = run.stdout.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line) => JSON.parse(line)), trouble: run.stderr };
}

test("a dump as JSON lines", () => {
  const kv = harness();
  kv.send("SET", "s", "text", "PXAT", 2_000_000_000_000);
  kv.send("SET", "n", 12345);
  kv.send("RPUSH", "l", "a", 7, "");
  kv.send("SADD", "i", 1, 2);
  kv.send("ZADD", "z", 1.5, "a", "-inf", "b");
  kv.send("HSET", "h", "f", "v");
  for (let i = 0; i < 1000; i++) kv.send("RPUSH", "long", `element ${i}`.repeat(30));
  kv.send("SELECT", 3);
  kv.send("XADD", "x", "5-1", "f", "v", "g", "w");
  kv.send("SAVE");
  const file = kv.host.disk.contents("dump.rdb") as Uint8Array;
  const { lines, trouble } = printed(file);
  expect(trouble).toBe("");
  const byKey = new Map(lines.map((line) => [(line as { key: string }).key, line]));
  expect(byKey.get("s")).toEqual({
    ...{ database: 0, key: "s", type: "string" },
    ...{ expiryMs: 2_000_000_000_000, value: "text" },
  });
  expect(byKey.get("n")).toEqual({ database: 0, key: "n", type: "string", value: "12345" });
  expect(byKey.get("l")).toMatchObject({ type: "list", value: ["a", "7", ""] });
  expect(byKey.get("i")).toMatchObject({ type: "set", value: ["1", "2"] });
  expect(byKey.get("h")).toMatchObject({ type: "hash", value: [["f", "v"]] });
  expect(byKey.get("z")).toMatchObject({
    type: "zset",
    value: [
      ["b", "-Infinity"],
      ["a", 1.5],
    ],
  });
  expect((byKey.get("long") as { value: unknown[] }).value).toHaveLength(1000);
  expect(byKey.get("x")).toEqual({
    ...{ database: 3, key: "x", type: "stream" },
    value: [
      [
        "5-1",
        [
          ["f", "v"],
          ["g", "w"],
        ],
      ],
    ],
  });
  expect(lines).toHaveLength(8);

  expect(printed(file.slice(0, file.length - 20)).trouble).toContain(
    "Unexpected EOF reading RDB file",
  );
});
