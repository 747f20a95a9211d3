/**
 * The same bytes go to a real redis-server and to our reader: both must see the same requests and
 * the same protocol error, and read the same numbers. Skipped, saying so, where there is none.
 */

import { connect } from "node:net";
import { hasRedisServer, ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArgVector } from "./arg-vector.ts";
import { formatDouble, parseDouble, parseInt64 } from "./number-codec.ts";
import { type Reply, ReplyError } from "./reply.ts";
import { ReplyParser } from "./reply-parser.ts";
import { defaultRequestLimits, ReadStatus } from "./request-limits.ts";
import { RequestReader } from "./request-parser.ts";
import { encodeRequest } from "./request-writer.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** One that asks nobody for a password, and one that does. */
let open: ServerProcess;
let locked: ServerProcess;

/** Everything the server answers to `bytes` before it, or we, end the connection. */
function exchange(port: number, bytes: Uint8Array): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    const parser = new ReplyParser({ strings: "latin1" });
    const replies: Reply[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk: Uint8Array) => {
      parser.feed(chunk);
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        replies.push(reply);
      }
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(replies));
    socket.end(bytes);
  });
}

/** What our reader sees: how many requests, and the error if there is one. */
function read(bytes: Uint8Array, authenticated: boolean): { requests: number; error: string } {
  const limits = { ...defaultRequestLimits(), authenticated };
  const reader = new RequestReader(limits);
  const batch = new ArgVector();
  const view = new DataView(bytes.buffer);
  let status = reader.read(bytes, view, 0, bytes.length, batch);
  let requests = batch.commandCount;
  while (status === ReadStatus.MORE) {
    batch.clear();
    status = reader.more(batch);
    requests += batch.commandCount;
  }
  return { requests, error: reader.error };
}

function split(replies: Reply[]): { requests: number; error: string } {
  const last = replies[replies.length - 1];
  const broken = last instanceof ReplyError && last.message.startsWith("ERR Protocol error");
  return {
    requests: replies.length - (broken ? 1 : 0),
    error: broken ? (last as ReplyError).message.slice(4) : "",
  };
}

/** What the writer will make of an error text. */
function asReplied(error: string): string {
  return error.replace(/[\r\n]/g, " ");
}

/** A small generator, so that a failing case can be run again from its number. */
function generator(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * below);
  };
}

describe.runIf(hasRedisServer())("against redis-server", () => {
  beforeAll(async () => {
    open = await ServerProcess.start();
    locked = await ServerProcess.start({ config: { requirepass: "secret" } });
  });
  afterAll(async () => {
    await open.stop();
    await locked.stop();
  });

  const handmade = [
    "*1\r\n$4\r\nPING\r\n",
    "PING\nPING\r\n\r\n\n PING \r\n",
    "*0\r\n*-1\r\n*-9223372036854775808\r\nPING\r\n",
    "*-9223372036854775809\r\n",
    "*1\rX$4\rYPINGzz*1\r\n$4\r\nPING\r\n",
    "*-0\r\n",
    "*00\r\n",
    "* 1\r\n",
    "*\r\n",
    "*1 \r\n$4\r\nPING\r\n",
    "*1\n$4\nPING\n",
    "*2147483648\r\n",
    "*3000000000\r\n",
    "*1\r\n\r\n",
    "*1\r\n\r",
    "*1\r\nx",
    "*1\r\nx\r",
    "*1\r\nx\r\n",
    "*1\r\n*1\r\n",
    "*1\r\n\xff\r\n",
    "*1\r\n\n\r\n",
    "*1\r\n$-0\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$+4\r\nPING\r\n",
    "*1\r\n$04\r\nPING\r\n",
    "*1\r\n$536870912\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$99999999999999999999\r\n",
    "*1\r\n$4\0\r\nPING\r\n",
    "*1\0\r\n$4\r\nPING\r\n",
    "PI\0NG\r\nPING\r\n",
    'ECHO "a b"\r\nECHO \'a b\'\r\nECHO a"b c"\r\n',
    'ECHO "a"b\r\n',
    "ECHO 'a'b\r\n",
    'ECHO "a\r\n',
    "ECHO 'a\\'\r\n",
    'ECHO "a\\"\r\n',
    'ECHO "\\xzz\\x4"\r\n',
    'ECHO "\r"\r\n',
    'ECHO a\x0bb\r\nECHO a"\x0b"\x0b\r\n',
    `*11\r\n${"$1\r\nx\r\n".repeat(11)}`,
    "*2\r\n$4\r\nECHO\r\n$16385\r\nx",
    `*2\r\n$4\r\nECHO\r\n$16384\r\n${"x".repeat(16384)}\r\n`,
    "x".repeat(66_000),
    `*${"1".repeat(66_000)}`,
    `*1\r\n$${"1".repeat(66_000)}`,
    `*1\r\n${"\0".repeat(66_000)}`,
  ];

  test.each(handmade)("the same requests and the same error: %#", async (text) => {
    const bytes = latin1Bytes(text);
    for (const authenticated of [true, false]) {
      const ours = read(bytes, authenticated);
      const theirs = split(await exchange(authenticated ? open.port : locked.port, bytes));
      expect({ ...ours, error: asReplied(ours.error) }, text.slice(0, 80)).toEqual(theirs);
    }
  });

  test("the same after 1,500 random mutations", async () => {
    const pieces = handmade.filter((text) => text.length < 300);
    const alphabet = "*$\r\n0123456789 \"'\\x-PINGECHO\0\x01\xff";
    for (let from = 0; from < 1500; from += 50) {
      const cases = Array.from({ length: 50 }, (_, i) => from + i);
      await Promise.all(
        cases.map(async (seed) => {
          const pick = generator(seed);
          let text = "";
          for (let i = pick(4) + 1; i > 0; i--) text += pieces[pick(pieces.length)];
          const bytes = latin1Bytes(text);
          for (let i = pick(4); i > 0; i--) {
            bytes[pick(bytes.length)] = alphabet.charCodeAt(pick(alphabet.length));
          }
          const authenticated = pick(4) > 0;
          const ours = read(bytes, authenticated);
          const theirs = split(await exchange(authenticated ? open.port : locked.port, bytes));
          expect(
            { ...ours, error: asReplied(ours.error) },
            `seed ${seed}: ${JSON.stringify(latin1(bytes))}`,
          ).toEqual(theirs);
        }),
      );
    }
  });

  const numbers = [
    ..."0 1 -1 -0 +1 01 007 1. .5 . 5e3 1e 1e+ 1e+2 1E-2 1e400 -1e400 1e-400 4.9e-324 2e-324".split(
      " ",
    ),
    ..."inf -inf +inf INF Infinity -infinity infinit nan NaN -nan 0x 0x10 0X1F 0x1.8p3".split(" "),
    ..."0x1p-1074 0x.8 0x1p 0x1p+ 0xg 0x1.fffffffffffff8p0 -0x10 1_000 1,5 --1 ++1 +-1".split(" "),
    ..."9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809".split(
      " ",
    ),
    ..."9007199254740991 9007199254740992 9007199254740993 18446744073709551615".split(" "),
    ..."123456789012345678901234567890 0.1 0.30000000000000004 1.7976931348623157e308".split(" "),
    ..."1.7976931348623159e308 2.2250738585072011e-308 3.0000000000000000000000000001".split(" "),
    ..."0.000000000000000000000000000000001 100000000000000000000000 0e999 0.0e-999".split(" "),
    "",
    " 1",
    "1 ",
    "1\n",
    "\t1",
    "1\0",
    "0x1 ",
    "1e5 ",
  ];

  test.each(numbers)("a double, as a score: %j", async (text) => {
    const bytes = latin1Bytes(text);
    const key = `z${Math.abs(bytes.reduce((sum, byte) => sum * 31 + byte, text.length) % 1e9)}`;
    const requests = [
      encodeRequest(["ZADD", key, bytes, "m"]),
      encodeRequest(["ZSCORE", key, "m"]),
    ];
    const [added, score] = await exchange(
      open.port,
      latin1Bytes(requests.map((request) => latin1(request)).join("")),
    );
    const ours = parseDouble(bytes, 0, bytes.length);
    if (added instanceof ReplyError) {
      expect(added.message).toBe("ERR value is not a valid float");
      expect(ours).toBeNaN();
    } else {
      // A small sorted set keeps whole scores as integers, which have no negative zero.
      expect(ours + 0).toBe(Number(`${score}`.replace("inf", "Infinity")));
    }
  });

  test.each(numbers)("an integer, as an increment: %j", async (text) => {
    const bytes = latin1Bytes(text);
    const key = encodeRequest(["DEL", "n"]);
    const increment = encodeRequest(["INCRBY", "n", bytes]);
    const [, reply] = await exchange(open.port, new Uint8Array([...key, ...increment]));
    const ours = parseInt64(bytes, 0, bytes.length);
    if (reply instanceof ReplyError) expect(ours).toBe(null);
    else expect(ours).toBe(BigInt(reply as number | bigint));
  });

  test("a printed double reads back the same there", async () => {
    for (const x of [0.1, 1e20, 1e21, -1.5e-7, 12345.678901234, 5e-324, 1.7976931348623157e308]) {
      const requests = [
        encodeRequest(["ZADD", "printed", formatDouble(x), "m"]),
        encodeRequest(["ZSCORE", "printed", "m"]),
      ];
      const bytes = new Uint8Array(requests.flatMap((request) => [...request]));
      const replies = await exchange(open.port, bytes);
      expect(Number(replies[1])).toBe(x);
    }
  });
});
