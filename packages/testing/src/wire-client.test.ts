import { encodeRequest, latin1, latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { replyEnd, requestText, splitReplies } from "./wire-client.ts";

describe("replyEnd", () => {
  const whole = [
    "+OK\r\n",
    "-ERR no\r\n",
    ":-1\r\n",
    "_\r\n",
    "#t\r\n",
    ",1.5\r\n",
    "(123456789012345678901\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "$0\r\n\r\n",
    "$4\r\n\r\n\r\n\r\n",
    "=7\r\ntxt:abc\r\n",
    "!5\r\nERR x\r\n",
    "*0\r\n",
    "*2\r\n*1\r\n:1\r\n$2\r\n*9\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n",
    "~2\r\n+a\r\n+b\r\n",
    ">3\r\n+message\r\n+c\r\n+m\r\n",
    "|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n",
  ];

  test.each(whole)("knows where %j ends, and that it does not end before", (text) => {
    expect(replyEnd(text)).toBe(text.length);
    expect(replyEnd(`${text}+next\r\n`)).toBe(text.length);
    for (let length = 0; length < text.length; length++)
      expect(replyEnd(text.slice(0, length))).toBe(-1);
  });

  test("replies one after the other are told apart", () => {
    expect(splitReplies(`${whole.join("")}$5\r\nhal`)).toEqual(whole);
  });
});

test("a request is what a client library sends, whatever bytes are in it", () => {
  const words = ["SET", "k\r\n", "\x00\xff", 12];
  const bytewise = words.map((word) => (typeof word === "string" ? latin1Bytes(word) : word));
  expect(requestText(words)).toBe(latin1(encodeRequest(bytewise)));
});
