/** kv-check-aof run as a program: what it reads from standard input, what it leaves of the files. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "kv-check-aof-"));
afterAll(() => rmSync(folder, { recursive: true }));

const source = fileURLToPath(new URL("./check-aof.ts", import.meta.url));
const script = `process.argv[1] = "/bin/kv-check-aof"; (await import(${JSON.stringify(source)})).main();`;
const options = ["--conditions=@kv/source", "--input-type=module", "--eval", script, "tool"];

function run(words: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, ...words], {
    cwd: folder,
    input,
    encoding: "latin1",
  });
  expect(stderr).toBe("");
  return { status, lines: stdout.split("\n") };
}

const usage =
  "Usage: kv-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>";
const ping = "*1\r\n$4\r\nPING\r\n";
const write = (name: string, text: string) => writeFileSync(join(folder, name), text, "latin1");
const read = (name: string) => readFileSync(join(folder, name), "latin1");

describe("kv-check-aof", () => {
  test("shortens a file when it is told yes, and only then", () => {
    const torn = `${ping}*1\r\n$5\r\nMULTI\r\n${ping}`;
    write("a.aof", torn);
    expect(run(["a.aof"]).status).toBe(1);
    for (const answer of ["", "n\n"]) {
      const { status, lines } = run(["--fix", "a.aof"], answer);
      expect({ status, last: lines.at(-2) }).toEqual({
        status: 1,
        last: "Continue? [y/N]: Aborting...",
      });
      expect(read("a.aof")).toBe(torn);
    }
    const { status, lines } = run(["--fix", "a.aof"], "Y\n");
    expect({ status, last: lines.at(-2) }).toEqual({
      status: 0,
      last: "Continue? [y/N]: Successfully truncated AOF a.aof",
    });
    expect(read("a.aof")).toBe(ping);
    expect(run(["a.aof"]).status).toBe(0);
  });

  test("goes through a manifest in another folder, and back to a time", () => {
    write("m", "file 'caf\xe9' seq 1 type i\n");
    const name = Buffer.from("caf\xe9", "latin1");
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), `${ping}#TS:9\r\n${ping}`);
    const { status, lines } = run(["--truncate-to-timestamp", "8", join(folder, "m")]);
    expect(lines.slice(1)).toEqual([
      "Start to check INCR files.",
      "Successfully truncated AOF caf\xe9 to timestamp 8",
      "All AOF files and manifest are valid",
      "",
    ]);
    expect(status).toBe(0);
    expect(readFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), "latin1")).toBe(ping);
  });

  test.each([
    { what: "no file", words: [], lines: [usage] },
    { what: "two files", words: ["a", "b"], lines: [usage] },
    {
      what: "a path that leads nowhere",
      words: ["a".repeat(4097)],
      lines: ["Error: filepath is too long (exceeds PATH_MAX)", usage],
    },
    {
      what: "no time",
      words: ["--truncate-to-timestamp", "1x", "a"],
      lines: ["Invalid timestamp, aborting..."],
    },
    { what: "a folder", words: ["."], lines: ["Cannot open file .: Is a directory"] },
  ])("refuses: $what", ({ words, lines }) => {
    expect(run(words)).toEqual({ status: 1, lines: [...lines, ""] });
  });
});
