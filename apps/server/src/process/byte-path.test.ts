import { mkdirSync, renameSync, rmdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { absolutePath, enterFolder, workingFolder } from "./byte-path.ts";
import { pathBytes } from "./byte-string.ts";

describe("paths as bytes", () => {
  test("a folder is entered, named and found again, whatever it is called", () => {
    if (process.platform !== "linux") return console.log("no such names here: not tested");
    using folder = temporaryFolder();
    const start = workingFolder() as string;
    try {
      enterFolder(folder.path);
      mkdirSync(pathBytes("d\xff"));
      mkdirSync(pathBytes("d\xc3\xa4"));
      enterFolder("d\xff");
      expect(workingFolder()).toBe(`${folder.path}/d\xff`);
      expect(absolutePath("../d\xc3\xa4/./f\xfe")).toBe(`${folder.path}/d\xc3\xa4/f\xfe`);
      enterFolder("../d\xc3\xa4");
      expect(absolutePath("f")).toBe(`${folder.path}/d\xc3\xa4/f`);
      renameSync(pathBytes(`${folder.path}/d\xc3\xa4`), `${folder.path}/other`);
      expect(workingFolder()).toBe(`${folder.path}/other`);
      expect(() => enterFolder("missing\xff")).toThrow(/ENOENT/);
      expect(absolutePath("/a/../b\xff")).toBe("/b\xff");
    } finally {
      enterFolder(start);
    }
  });

  test("a folder that was removed has no name, and paths stay as they are", () => {
    if (process.platform !== "linux") return console.log("such a folder cannot be removed here");
    using folder = temporaryFolder();
    const start = workingFolder() as string;
    try {
      mkdirSync(`${folder.path}/gone`);
      enterFolder(`${folder.path}/gone`);
      rmdirSync(`${folder.path}/gone`);
      expect(workingFolder()).toBe(undefined);
      expect(absolutePath("kv.conf")).toBe("kv.conf");
      expect(absolutePath("/etc/../kv.conf")).toBe("/kv.conf");
    } finally {
      enterFolder(start);
    }
  });
});
