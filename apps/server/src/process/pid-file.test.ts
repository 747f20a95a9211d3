import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { pathBytes } from "./byte-string.ts";
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

  test("is removed from where it was written, whatever it is called", () => {
    if (process.platform !== "linux") return console.log("no such names here: not tested");
    using folder = temporaryFolder();
    const path = `${folder.path}/p\xff`;
    const file = new PidFile();
    expect(file.write(path)).toBe(undefined);
    expect(readFileSync(pathBytes(path), "utf8")).toBe(`${process.pid}\n`);
    expect(file.remove()).toBe(true);
    expect(existsSync(pathBytes(path))).toBe(false);
  });

  test("is no FIFO", () => {
    if (process.platform === "win32") return console.log("no FIFOs here: not tested");
    using folder = temporaryFolder();
    const path = join(folder.path, "fifo");
    execFileSync("mkfifo", [path]);
    expect(new PidFile().write(path)).toBe("No such device or address");
  });

  test("that cannot be written says why, and is not removed", () => {
    const file = new PidFile();
    expect(file.write("/nowhere/pid")).toBe("No such file or directory");
    expect(file.remove()).toBe(false);
  });
});
