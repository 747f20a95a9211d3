import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { globBytes } from "./byte-glob.ts";
import { byteString, pathBytes } from "./byte-string.ts";

describe("globBytes", () => {
  test.each([
    "*.conf",
    "a*.conf",
    "?.conf",
    "[ab].conf",
    "[!a].conf",
    "[a-c]*",
    "*/*.conf",
    "sub/*",
    "*b*",
    "nothing*",
    "sub/one.conf",
    "a.conf",
    "missing.conf",
    "a+(b).conf",
    "**.conf",
  ])("%s finds what the runtime finds", (pattern) => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "sub"));
    const names = [
      "a.conf",
      "b.conf",
      "ab.conf",
      "c.txt",
      ".hidden.conf",
      "sub/one.conf",
      "a+(b).conf",
    ];
    for (const name of names) writeFileSync(join(folder.path, name), "");
    const found = globBytes(`${byteString(folder.path)}/${pattern}`);
    // An extended pattern of the runtime is a name like any other in a shell.
    const theirs = pattern.includes("(")
      ? [join(folder.path, pattern)]
      : globSync(join(folder.path, pattern));
    expect(found).toEqual(theirs.map(byteString).toSorted());
  });

  test("names need not be text, and a dot in front is only found when asked for", () => {
    if (process.platform !== "linux") return console.log("no such names here: not tested");
    using folder = temporaryFolder();
    for (const name of ["i\xff.inc", "i\xc3\xa4.inc", ".i.inc"]) {
      writeFileSync(pathBytes(`${folder.path}/${name}`), "");
    }
    expect(globBytes(`${folder.path}/*.inc`)).toEqual(
      ["i\xc3\xa4.inc", "i\xff.inc"].map((name) => `${folder.path}/${name}`),
    );
    expect(globBytes(`${folder.path}/?\xff.inc`)).toEqual([`${folder.path}/i\xff.inc`]);
    expect(globBytes(`${folder.path}/.*.inc`)).toEqual([`${folder.path}/.i.inc`]);
    expect(globBytes("/nowhere/*")).toEqual([]);
  });
});
