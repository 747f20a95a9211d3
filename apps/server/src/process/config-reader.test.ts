import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { ConfigReader } from "./config-reader.ts";

test("what one has read is found by the next, in order, though it is there no more", () => {
  using folder = temporaryFolder();
  const [a, b] = ["a.conf", "b.conf"].map((name) => join(folder.path, name)) as [string, string];
  const pattern = join(folder.path, "*.conf");
  writeFileSync(a, Buffer.from("port 1 # \xff", "latin1"));
  writeFileSync(b, "port 2");
  const first = new ConfigReader();
  const look = (reader: ConfigReader) => {
    const names = reader.glob(pattern);
    const text = reader.readFile(a);
    // As when `dir` has made the name that of another file.
    if (reader === first) writeFileSync(a, "port 3");
    return { names, text, later: reader.readFile(a) };
  };
  const seen = look(first);
  expect(seen).toEqual({ names: [a, b], text: "port 1 # \xff", later: "port 3" });
  rmSync(a);
  rmSync(b);
  expect(look(new ConfigReader(JSON.parse(JSON.stringify(first.readings))))).toEqual(seen);
});

test("what the first did not read is looked for", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "kv.conf");
  writeFileSync(path, "port 1");
  const reader = new ConfigReader([{ source: "file", name: "other", found: "port 2" }]);
  expect(reader.readFile(path)).toBe("port 1");
  expect(() => reader.readFile(`${path}.missing`)).toThrow(/ENOENT/);
});
