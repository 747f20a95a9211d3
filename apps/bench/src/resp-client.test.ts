import { describe, expect, test } from "vitest";
import { encodeCommand, parseInfo, parseReply, RespError } from "./resp-client.ts";

describe("the steering client", () => {
  test("a command is an array of bulk strings", () => {
    expect(encodeCommand(["SET", "k", 12])).toBe("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n");
  });

  test.each([
    { wire: "+OK\r\n", value: "OK" },
    { wire: ":-3\r\n", value: -3 },
    { wire: "$-1\r\n", value: null },
    { wire: "$4\r\na\r\nb\r\n", value: "a\r\nb" },
    { wire: "*-1\r\n", value: null },
    { wire: "*3\r\n:1\r\n*1\r\n$0\r\n\r\n+x\r\n", value: [1, [""], "x"] },
  ])("reads $wire, and waits at every cut before its end", ({ wire, value }) => {
    expect(parseReply(wire, 0)).toEqual({ value, end: wire.length });
    for (let cut = 0; cut < wire.length; cut++) {
      expect(parseReply(wire.slice(0, cut), 0)).toBe(undefined);
    }
  });

  test("an error is a value until somebody throws it", () => {
    expect(parseReply("-ERR no\r\n", 0)?.value).toEqual(new RespError("ERR no"));
  });

  test("INFO is fields between headings", () => {
    const info = parseInfo("# Memory\r\nused_memory:5\r\n\r\nexecutable:/a:b\r\n");
    expect([...info]).toEqual([
      ["used_memory", "5"],
      ["executable", "/a:b"],
    ]);
  });
});
