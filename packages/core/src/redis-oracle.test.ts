/**
 * The structures of this package against redis-server itself: whatever it answers is right. Needs
 * the redis-server binary; a machine without it says so and passes.
 */
import { hasRedisServer, requestText, ServerProcess } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globMatch } from "./glob.ts";
import { Arena } from "./memory/arena.ts";
import { listpackBytes, validateListpack } from "./memory/listpack.ts";
import { Encoding, encodingOf, valueRef } from "./table/entry.ts";
import { createHash, HashValue } from "./values/hash/hash-value.ts";

/** One character is one byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function matches(pattern: string, text: string): boolean {
  return globMatch(latin1(pattern), 0, pattern.length, latin1(text), 0, text.length, false);
}

describe.runIf(hasRedisServer())("redis-server agrees", () => {
  test("KEYS finds the same keys", { timeout: 60_000 }, async () => {
    const texts: string[] = [];
    const alphabet = ["a", "B", "-", "]", "\\", "^", "\x90"];
    for (const x of alphabet) {
      texts.push(x);
      for (const y of alphabet) {
        texts.push(x + y);
        for (const z of alphabet) texts.push(x + y + z);
      }
    }
    const unit = fc.constantFrom("[", "]", "^", "-", "\\", "*", "?", "a", "B", "b", "\x90", "\x01");
    const patterns = fc
      .sample(fc.string({ unit, minLength: 1, maxLength: 8 }), { numRuns: 3000, seed: 7 })
      .filter((pattern) => pattern !== "*");

    const replies = await ask([
      ...texts.map((text) => ["SET", text, "1"]),
      ...patterns.map((pattern) => ["KEYS", pattern]),
    ]);
    let found = 0;
    patterns.forEach((pattern, index) => {
      const reply = replies[texts.length + index] as string[];
      const ours = texts.filter((text) => matches(pattern, text));
      expect({ pattern, keys: ours.sort() }).toEqual({ pattern, keys: reply.sort() });
      found += ours.length;
    });
    expect(found).toBeGreaterThan(1000); // The patterns are not all hopeless.
  });

  test("a small hash has the same bytes in DUMP", { timeout: 30_000 }, async () => {
    const edges = [
      ..."0 127 128 -1 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608".split(" "),
      ..."-8388608 -8388609 2147483647 2147483648 -2147483648 -2147483649".split(" "),
      ..."9223372036854775807 9223372036854775808 -9223372036854775808 -0 01 1x".split(" "),
    ];
    const lengths = [0, 1, 61, 62, 63, 64, 125, 126, 127, 128, 4094, 4095, 4096];
    const long = (length: number) => "v".repeat(length);
    const values = [...edges, ...lengths.map(long)];
    const steps = [
      ["HSET", ...values.flatMap((value) => [value, value])],
      ["HSET", "7", "first", "hello", "x"],
      ["HDEL", "128", ""],
      ["HSET", "0", long(16376), "127", "1", "1x", "-300"],
      ["HSET", long(16377), long(16378), long(16379), long(16380)],
    ];
    const replies = await ask([
      ["CONFIG", "SET", "hash-max-listpack-value", "100000"],
      ["CONFIG", "SET", "rdbcompression", "no"],
      ...steps.map(([name, ...rest]) => [name as string, "h", ...rest]),
      ["DUMP", "h"],
    ]);
    const dump = latin1(replies.at(-1) as string);

    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const entry = createHash(arena, 0, latin1("h"), 0, 1);
    const hash = new HashValue(arena, 1).attach(entry);
    const limits = { listpackEntriesMax: 512, listpackValueBytesMax: 100_000 };
    for (const [name, ...rest] of steps) {
      for (let i = 0; i < rest.length; ) {
        const field = latin1(rest[i++] as string);
        const view = new DataView(field.buffer);
        if (name === "HDEL") {
          hash.delete(field, view, 0, field.length);
        } else {
          const value = latin1(rest[i++] as string);
          hash.set(field, view, 0, field.length, value, 0, value.length, limits);
        }
      }
    }

    // Type 16 (hash as a listpack), the length in 5 bytes, the listpack, 2 bytes of version, CRC64.
    expect([...dump.slice(0, 2)]).toEqual([16, 0x80]);
    const theirs = dump.slice(6, -10);
    expect(validateListpack(theirs, 0, theirs.length, true)).toBe(true);
    expect(encodingOf(arena, entry)).toBe(Encoding.LISTPACK);
    const lp = valueRef(arena, entry);
    const from = (lp & 0x7ffffff) << 3;
    const bytes = arena.bytes[lp >>> 27] as Uint8Array;
    expect(bytes.slice(from, from + listpackBytes(arena, lp))).toEqual(theirs);
  });
});

/** Sends the commands to a redis-server of our own and returns its replies, bytes as latin1. */
async function ask(commands: string[][]): Promise<unknown[]> {
  const server = await ServerProcess.start();
  try {
    const client = await server.connect();
    for (const command of commands) client.write(requestText(command));
    return parseReplies(await client.replies(commands.length), commands.length);
  } finally {
    await server.stop();
  }
}

/** Statuses and (arrays of) bulk strings: all that these commands answer. */
function parseReplies(text: string, count: number): unknown[] {
  let at = 0;
  const line = () => {
    const end = text.indexOf("\r\n", at);
    const content = text.slice(at, end);
    at = end + 2;
    return content;
  };
  const reply = (): unknown => {
    const head = line();
    if (head[0] === "*") return Array.from({ length: Number(head.slice(1)) }, reply);
    if (head[0] !== "$") return head;
    const bulk = text.slice(at, at + Number(head.slice(1)));
    at += bulk.length + 2;
    return bulk;
  };
  return Array.from({ length: count }, reply);
}
