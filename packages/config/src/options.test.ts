import { describe, expect, test } from "vitest";
import { ConfigStore } from "./config-store.ts";
import { type ConfigOptions, parseOptions } from "./options.ts";

describe("parseOptions", () => {
  test("takes typed values, and texts as in a file", () => {
    const words = parseOptions({
      maxmemory: "100mb",
      appendonly: true,
      "slowlog-max-len": 9223372036854775807n,
      bind: ["127.0.0.1", "::1"],
      save: [{ seconds: 60, changes: 1 }],
      "client-output-buffer-limit": { pubsub: { hardBytes: 1, softBytes: 2, softSeconds: 3 } },
      "shutdown-on-sigterm": ["force"],
      requirepass: "two words",
    });
    expect(Object.fromEntries(words)).toEqual({
      maxmemory: ["100mb"],
      appendonly: ["yes"],
      "slowlog-max-len": ["9223372036854775807"],
      bind: ["127.0.0.1", "::1"],
      save: ["60", "1"],
      "client-output-buffer-limit": ["pubsub", "1", "2", "3"],
      "shutdown-on-sigterm": ["force"],
      requirepass: ["two words"],
    });
  });

  test("takes the words of a text however many blanks are around them, as a file's", () => {
    const words = parseOptions({
      bind: " 127.0.0.1   ::1 ",
      save: "3600 1\n\t300 100\n",
      "client-output-buffer-limit": "normal 0  0 0",
      requirepass: " two  words ",
    });
    expect(Object.fromEntries(words)).toEqual({
      bind: ["127.0.0.1", "::1"],
      save: ["3600", "1", "300", "100"],
      "client-output-buffer-limit": ["normal", "0", "0", "0"],
      requirepass: [" two  words "],
    });
    expect(parseOptions({ save: " " }).get("save")).toEqual([""]);
    // A byte of UTF-8 is no blank.
    expect(parseOptions({ bind: "\xc3\xa0 \xc2\x85" }).get("bind")).toEqual([
      "\xc3\xa0",
      "\xc2\x85",
    ]);
  });

  test("names everything that is wrong, in one error", () => {
    const wrong = {
      maxmemory: "12q",
      appendonly: "maybe",
      port: 70000,
      timeout: 1.5,
      loglevel: "loud",
      save: [{ seconds: 0, changes: 1 }],
      bind: [1],
      nosuch: 1,
      user: "alice on",
      ["__proto__"]: 1,
    } as unknown as ConfigOptions;
    expect(() => parseOptions(wrong)).toThrow(
      "maxmemory: argument must be a memory value\n" +
        "appendonly: argument must be 'yes' or 'no'\n" +
        "port: argument must be between 0 and 65535 inclusive\n" +
        "timeout: argument couldn't be parsed into an integer\n" +
        "loglevel: argument(s) must be one of the following: debug, verbose, notice, warning, nothing\n" +
        "save: Invalid save parameters\n" +
        "bind: Too many bind addresses specified.\n" +
        "nosuch: no such option\n" +
        "user: a line of files, and no option\n" +
        "__proto__: no such option",
    );
  });

  test("a store begins with them", () => {
    const store = new ConfigStore(undefined, { options: { save: "", port: 7, hz: 1000 } });
    expect(store.print("save")).toBe("");
    expect(store.number("port")).toBe(7);
    expect(store.number("hz")).toBe(500);
  });
});
