import { latin1, latin1Bytes } from "@kv/resp";
import { Chance } from "@kv/testing";
import { describe, expect, test } from "vitest";
import {
  type AofManifest,
  baseName,
  incrementalName,
  MANIFEST_BYTES_MAX,
  ManifestError,
  manifestName,
  parseManifest,
  printManifest,
  temporaryIncrementalName,
  temporaryManifestName,
} from "./manifest.ts";

const FORMAT = "Invalid AOF manifest file format";

describe("a manifest", () => {
  test("has a base, files of the past, and the commands since", () => {
    const text =
      "file a.2.base.rdb seq 2 type b\n" +
      "file a.1.incr.aof seq 1 type h\n" +
      "file a.2.incr.aof seq 2 type i\n" +
      "file a.3.incr.aof seq 3 type i\n";
    expect(parseManifest(text)).toEqual({
      base: { name: "a.2.base.rdb", sequence: 2, type: "base" },
      history: [{ name: "a.1.incr.aof", sequence: 1, type: "history" }],
      incrementals: [
        { name: "a.2.incr.aof", sequence: 2, type: "incremental" },
        { name: "a.3.incr.aof", sequence: 3, type: "incremental" },
      ],
    });
  });

  test("is printed as Redis prints it, names quoted where need be", () => {
    const appendfilename = '" file seq \n\n.aof ';
    const manifest: AofManifest = {
      base: { name: baseName(appendfilename, 2, true), sequence: 2, type: "base" },
      history: [{ name: "plain.1.incr.aof", sequence: 1, type: "history" }],
      incrementals: [
        { name: incrementalName("caf\xc3\xa9'x", 7), sequence: 7, type: "incremental" },
      ],
    };
    const text = printManifest(manifest);
    expect(text).toBe(
      'file "\\" file seq \\n\\n.aof .2.base.rdb" seq 2 type b\n' +
        "file plain.1.incr.aof seq 1 type h\n" +
        'file "caf\\xc3\\xa9\'x.7.incr.aof" seq 7 type i\n',
    );
    expect(parseManifest(text)).toEqual(manifest);
  });

  test("is read back whatever bytes a name has, but for what no name can have", () => {
    for (let byte = 1; byte < 256; byte++) {
      if (byte === 47 || byte === 92) continue;
      const name = `a${String.fromCharCode(byte)}b`;
      const manifest: AofManifest = {
        base: { name, sequence: 1, type: "base" },
        history: [],
        incrementals: [],
      };
      expect(parseManifest(printManifest(manifest))).toEqual(manifest);
    }
  });

  test("may have comments, blanks, letters of any case, and keys of times to come", () => {
    const text = "# a comment\n \t file  a   SEQ 1 Type base size 12\r\n# another, and no end";
    const base = { name: "a", sequence: 1, type: "base" };
    expect(parseManifest(text)).toEqual({ base, history: [], incrementals: [] });
    expect(parseManifest("#\n")).toEqual({ base: undefined, history: [], incrementals: [] });
  });

  test("is refused after 4 MiB", () => {
    const line = `#${"x".repeat(1000)}\n`;
    const text = line.repeat(MANIFEST_BYTES_MAX / line.length + 1);
    expect(parseManifest(text)).toEqual(
      new ManifestError(0, undefined, "The AOF manifest file is too large"),
    );
  });
});

describe("what is no manifest", () => {
  test.each([
    { text: "\n", line: "", message: FORMAT },
    { text: " \t\r\n", line: "", message: FORMAT },
    { text: "file a seq 1\n", message: FORMAT },
    { text: "file a seq 1 type b more\n", message: FORMAT },
    { text: "file a seq 0 type b\n", message: FORMAT },
    { text: "file a seq x type b\n", message: FORMAT },
    { text: 'file a seq 1 type ""\n', message: FORMAT },
    { text: 'file "a seq 1 type b\n', message: FORMAT },
    { text: "*1\n", message: FORMAT },
    { text: "file a seq 9007199254740992 type b\n", message: FORMAT },
    { text: "file a seq 1 type x\n", message: "Unknown AOF file type" },
    { text: "file a seq 1 type B\n", message: "Unknown AOF file type" },
    { text: "file a/b seq 1 type b\n", message: "File can't be a path, just a filename" },
    { text: 'file "a\\\\b" seq 1 type b\n', message: "File can't be a path, just a filename" },
    { text: 'file "" seq 1 type b\n', message: "File can't be a path, just a filename" },
    { text: "file .. seq 1 type b\n", message: "File can't be a path, just a filename" },
    { text: "file a seq -1 type i\n", message: "Found a non-monotonic sequence number" },
  ])("$text: $message", ({ text, line = text.slice(0, -1), message }) => {
    expect(parseManifest(text)).toEqual(new ManifestError(1, line, message));
    const before = "file z seq 1 type h\n#\n";
    expect(parseManifest(before + text)).toEqual(new ManifestError(3, line, message));
  });

  test.each([
    { text: "", lineNumber: 0, message: "Found an empty AOF manifest" },
    { text: "file a seq 1 type b", message: "The AOF manifest file contains too long line" },
    { text: `${"a".repeat(1024)}\n`, message: "The AOF manifest file contains too long line" },
    { text: "file a seq 1 type b\0\n", message: "The AOF manifest file contains too long line" },
  ])("is not quoted when it has no line: $message", ({ text, lineNumber = 1, message }) => {
    expect(parseManifest(text)).toEqual(new ManifestError(lineNumber, undefined, message));
  });

  test("two bases, or numbers that do not rise", () => {
    expect(parseManifest("file a seq 1 type b\nfile b seq 2 type b\n")).toEqual(
      new ManifestError(2, "file b seq 2 type b", "Found duplicate base file information"),
    );
    expect(parseManifest("file a seq 2 type i\nfile b seq 2 type i\n")).toEqual(
      new ManifestError(2, "file b seq 2 type i", "Found a non-monotonic sequence number"),
    );
  });
});

test("files have the names that Redis gives them", () => {
  expect(manifestName("a.aof")).toBe("a.aof.manifest");
  expect(temporaryManifestName("a.aof")).toBe("temp-a.aof.manifest");
  expect(baseName("a.aof", 3, true)).toBe("a.aof.3.base.rdb");
  expect(baseName("a.aof", 3, false)).toBe("a.aof.3.base.aof");
  expect(incrementalName("a.aof", 4)).toBe("a.aof.4.incr.aof");
  expect(temporaryIncrementalName("a.aof")).toBe("temp-a.aof.incr");
});

test("mutated bytes give a manifest that is read back as it is printed, or an error", () => {
  const seed = Number(process.env.KV_SEED ?? 1);
  const chance = new Chance(seed);
  const whole =
    "# x\nfile a.1 seq 1 type b\nfile \"b \\x20\" seq 1 type h\nfile 'c' seq 2 type i\n";
  let goodCount = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = latin1Bytes(whole.repeat(chance.percent(10) ? 30 : 1));
    for (let left = chance.below(4); left >= 0; left--) {
      const byte = chance.percent(50) ? chance.below(256) : chance.of([34, 39, 92, 32, 10, 0, 49]);
      bytes[chance.below(bytes.length)] = byte;
    }
    const manifest = parseManifest(latin1(bytes));
    if (manifest instanceof ManifestError) {
      expect(manifest.line?.length ?? 0).toBeLessThan(1024);
      continue;
    }
    goodCount++;
    const why = `seed ${seed}, round ${round}`;
    expect(parseManifest(printManifest(manifest) || "#\n"), why).toEqual(manifest);
  }
  expect(goodCount).toBeGreaterThan(200);
});
