import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { PidFile } from "./pid-file.ts";

describe("PidFile", () => {
  test("is there while the server is", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "pid");
    const file = new PidFile();
    expect(file.write(path)).toBe(undefined);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    expect(file.remove()).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(file.remove()).toBe(false);
  });

  test("that cannot be written says why, and is not removed", () => {
    const file = new PidFile();
    expect(file.write("/nowhere/pid")).toBe("No such file or directory");
    expect(file.remove()).toBe(false);
  });
});
