/** Broken and hostile request bytes: the same answer, the same end, and nobody else notices. */
import { hasRedisServer, WireClient } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Both, startBoth } from "./both-servers.ts";

const corpus = [
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
  "*2147483648\r\n",
  "*3000000000\r\n",
  "*1\r\n\r\n",
  "*1\r\nx\r\n",
  "*1\r\n*1\r\n",
  "*1\r\n\xff\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$+4\r\nPING\r\n",
  "*1\r\n$04\r\nPING\r\n",
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
  "SET k 1\r\nINCR k\r\n*1\r\n$x\r\nINCR k\r\n",
  "QUIT\r\nPING\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
  "x".repeat(66_000),
  `*${"1".repeat(66_000)}`,
  `*1\r\n$${"1".repeat(66_000)}`,
  `*1\r\n${"\0".repeat(66_000)}`,
];

describe.runIf(hasRedisServer())("malformed requests", () => {
  let both: Both;
  let witnesses: WireClient[];
  beforeAll(async () => {
    both = await startBoth();
    witnesses = [await both.redis.connect(), await both.ours.connect()];
    for (const witness of witnesses) await witness.request("SET", "w", "alive");
  });
  afterAll(() => both?.stop());

  /** What a server says to bytes before it, or we, end the connection. */
  async function answerTo(port: number, bytes: string): Promise<string> {
    const client = await WireClient.connect({ port });
    client.write(bytes);
    client.endWriting();
    const text = await client.rest(2000);
    client.close();
    return text;
  }

  test.each(corpus)("the same bytes back: %#", async (bytes) => {
    const [theirs, ours] = await Promise.all([
      answerTo(both.redis.port, bytes),
      answerTo(both.ours.port, bytes),
    ]);
    expect(ours, JSON.stringify(bytes.slice(0, 80))).toBe(theirs);
    for (const witness of witnesses)
      expect(await witness.request("GET", "w")).toBe("$5\r\nalive\r\n");
  });

  test("the same to 300 mutated requests", async () => {
    const pieces = corpus.filter((bytes) => bytes.length < 100);
    const alphabet = "*$\r\n0123456789 \"'\\x-PINGECHO\0\x01\xff";
    let state = 12345;
    const below = (count: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * count);
    };
    const cases = Array.from({ length: 300 }, () => {
      let text = "";
      for (let left = below(3) + 1; left > 0; left--) text += pieces[below(pieces.length)];
      for (let left = below(4); left > 0; left--) {
        const at = below(text.length);
        text = text.slice(0, at) + alphabet[below(alphabet.length)] + text.slice(at + 1);
      }
      return text;
    });
    for (const bytes of cases) {
      const [theirs, ours] = await Promise.all([
        answerTo(both.redis.port, bytes),
        answerTo(both.ours.port, bytes),
      ]);
      expect(ours, JSON.stringify(bytes)).toBe(theirs);
    }
  });

  test("requests cut into single bytes are requests all the same", async () => {
    const client = await both.ours.connect();
    for (const byte of "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\nPING\r\n") {
      client.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.replies(2)).toBe("$3\r\na\r\n\r\n+PONG\r\n");
  });

  test("clients that vanish in the middle of a request leave nothing behind", async () => {
    for (let count = 0; count < 50; count++) {
      const client = await WireClient.connect({ port: both.ours.port });
      client.write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nhalf");
      client.close();
    }
    await expect
      .poll(
        async () =>
          /connected_clients:(\d+)/.exec(
            (await witnesses[1]?.request("INFO", "clients")) ?? "",
          )?.[1],
        {
          timeout: 5000,
        },
      )
      .toBe("2");
  });
});
