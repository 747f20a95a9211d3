/** The tools that check files, where what they print goes nowhere. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../src/testing/server-process.ts";

const bin = fileURLToPath(new URL("../bin/", import.meta.url));
const files = {
  "kv-check-rdb": "REDIS0003\xfe\0\0\x01k\x01v\xff",
  "kv-check-aof": "*1\r\n$4\r\nPING\r\n",
};

describe.each(Object.entries(files))("%s", (tool, content) => {
  /** Runs it on a good file or with a word, with what is behind it on the command line of a shell. */
  function run(behind: string, word?: string) {
    using folder = temporaryFolder();
    const path = join(folder.path, "file");
    writeFileSync(path, content, "latin1");
    const script = join(bin, `${tool}.mjs`);
    const command = `{ "$0" "$1" "$2"; echo "status $?" >&2; } ${behind}`;
    const { stderr } = spawnSync("sh", ["-c", command, process.execPath, script, word ?? path], {
      encoding: "utf8",
    });
    return stderr.split("\n");
  }

  test("says nothing where all is well", () => {
    expect(run("> /dev/null")).toEqual(["status 0", ""]);
  });

  test.skipIf(process.platform !== "linux")("says what is wrong with a full disk", () => {
    for (const word of [undefined, "--help", "--version"])
      expect(run("> /dev/full", word)).toEqual([
        expect.stringMatching(
          /^kv-check-\S+: cannot write to standard output: No space left on device$/,
        ),
        "status 1",
        "",
      ]);
  });

  test("ends without a word where nobody reads any more", () => {
    expect(run("| true")).toEqual(["status 1", ""]);
  });
});
