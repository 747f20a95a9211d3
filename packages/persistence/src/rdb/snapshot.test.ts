/** Round trips of generated keyspaces, and snapshots in the middle of random writes. */
import { Keyspace, NONE } from "@kv/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Contents,
  contentsOf,
  LIMITS,
  putField,
  putString,
  removeField,
  removeKey,
} from "../keyspace-contents.ts";
import { writeSnapshot } from "../save.ts";
import { RdbLoader } from "./load.ts";
import { RdbSnapshot, type RdbSnapshotOptions } from "./snapshot.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };

function emptyKeyspace(): Keyspace {
  return new Keyspace({ random32: () => 0xc0ffee, arena: { segmentBytes: 2 ** 17 } });
}

function loaded(parts: Uint8Array[], chunkBytes = 1000): Contents {
  const keyspace = emptyKeyspace();
  const loader = new RdbLoader(keyspace, { limits: LIMITS });
  for (const part of parts) {
    for (let at = 0; at < part.length; at += chunkBytes) {
      loader.feed(part, at, Math.min(at + chunkBytes, part.length));
    }
  }
  expect(loader.finish()).toBe(undefined);
  keyspace.check();
  return contentsOf(keyspace);
}

const key = fc.constantFrom("a", "b", "c", "d", "12", "-5", "", "key:1", "k".repeat(30));
const text = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 30 }),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 5 }), fc.nat(300))
    .map(([part, n]) => part.repeat(n)),
  fc.nat(3000).map((length) => "z".repeat(length)),
);
const latin1 = text.map((each) => each.replace(/[^\0-\xff]/g, "?"));
const expiry = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 45 }));
const database = fc.nat(2);

/** One thing that can happen to a keyspace. */
const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant("set" as const),
      database,
      key,
      text: latin1,
      expiry,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant("hset" as const),
      database,
      key,
      field: latin1,
      text: latin1,
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("del" as const), database, key }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("flush" as const), database }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant("swap" as const), database, other: database }),
  },
);
type Change = typeof change extends fc.Arbitrary<infer Each> ? Each : never;

function apply(keyspace: Keyspace, each: Change): void {
  const target = keyspace.databases[each.database];
  if (each.does === "set") putString(target, each.key, each.text, each.expiry);
  else if (each.does === "hset") putField(target, `h${each.key}`, each.field, each.text);
  else if (each.does === "del") {
    removeKey(target, each.key);
    removeKey(target, `h${each.key}`);
  } else if (each.does === "flush") target.flush(true);
  else keyspace.swap(each.database, each.other);
}

describe("an RDB snapshot", () => {
  test("holds what the keyspace held", () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom<10 | 11>(10, 11),
        fc.integer({ min: 1, max: 700 }),
        (changes, compress, checksum, version, chunkBytes) => {
          const keyspace = emptyKeyspace();
          for (const each of changes) apply(keyspace, each);
          const parts: Uint8Array[] = [];
          const sink = (bytes: Uint8Array, start: number, end: number) =>
            parts.push(bytes.slice(start, end));
          writeSnapshot(keyspace, sink, { facts: FACTS, compress, checksum, version, chunkBytes });
          keyspace.check();
          expect(loaded(parts, chunkBytes)).toEqual(contentsOf(keyspace));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("holds the instant of its beginning, however it overlaps with writes and others", () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.array(fc.oneof(change, fc.constant("step" as const), fc.constant("begin" as const)), {
          maxLength: 60,
        }),
        (before, meanwhile) => {
          const keyspace = emptyKeyspace();
          for (const each of before) apply(keyspace, each);
          const snapshots: { snapshot: RdbSnapshot; parts: Uint8Array[]; expected: Contents }[] =
            [];
          const begin = () => {
            const parts: Uint8Array[] = [];
            const expected = contentsOf(keyspace);
            const options: RdbSnapshotOptions = { facts: FACTS, chunkBytes: 64 };
            const snapshot = new RdbSnapshot(
              keyspace,
              (bytes, start, end) => parts.push(bytes.slice(start, end)),
              options,
            );
            snapshots.push({ snapshot, parts, expected });
          };
          begin();
          for (const each of meanwhile) {
            if (each === "begin") begin();
            else if (each === "step") for (const { snapshot } of snapshots) snapshot.step(2);
            else apply(keyspace, each);
          }
          for (const { snapshot, parts, expected } of snapshots) {
            while (!snapshot.step(10));
            expect(loaded(parts)).toEqual(expected);
            expect(snapshot.takenCount).toBe(expected.size);
          }
          while (keyspace.lazyFree.step(100));
          keyspace.check();
        },
      ),
      { numRuns: 150 },
    );
  });

  test("holds the instant of its beginning when large hashes change meanwhile", () => {
    const word = fc.record({
      does: fc.constantFrom(
        ...(["hset", "hset", "hset", "hdel", "hdel", "step", "step", "step", "step"] as const),
        ...(["set", "del", "move", "expire", "flush", "begin"] as const),
      ),
      database: fc.constantFrom(0, 0, 1),
      key: fc.constantFrom("a", "b", "c"),
      field: fc.nat(199),
      size: fc.constantFrom(1, 20, 5000),
      rare: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 40, maxLength: 200 }), fc.boolean(), (words, lzf) => {
        const keyspace = emptyKeyspace();
        keyspace.cuts.wholeElementsMax = 4;
        const empty = keyspace.arena.blockCount;
        for (const name of ["a", "b", "c"])
          for (let i = 0; i < 200; i++)
            putField(keyspace.databases[0], name, `f${i}`, `v${i}`.repeat(i % 20 === 0 ? 2000 : 1));
        putString(keyspace.databases[1], "string", "value");
        const snapshots: { snapshot: RdbSnapshot; parts: Uint8Array[]; expected: Contents }[] = [];
        const begin = () => {
          const parts: Uint8Array[] = [];
          const expected = contentsOf(keyspace);
          const snapshot = new RdbSnapshot(
            keyspace,
            (bytes, start, end) => parts.push(bytes.slice(start, end)),
            { facts: FACTS, chunkBytes: 300, compress: lzf },
          );
          snapshots.push({ snapshot, parts, expected });
        };
        begin();
        for (const { does, database: index, key: name, field, size, rare } of words) {
          const target = keyspace.databases[index];
          const bytes = Uint8Array.of(name.charCodeAt(0));
          const entry = target.findKey(bytes, new DataView(bytes.buffer), 0, 1);
          if (does === "hset") putField(target, name, `f${field}`, `${field},`.repeat(size));
          else if (does === "hdel") removeField(target, name, `f${field}`);
          else if (does === "step") snapshots[field % snapshots.length].snapshot.step(9);
          else if (does === "begin" && snapshots.length < 3) begin();
          else if (does === "set") putString(target, `s${name}`, `${field}`.repeat(size));
          else if (entry === NONE || rare > 3) continue;
          else if (does === "expire") target.setExpiry(entry, 2e12 + field);
          else if (does === "del") target.remove(entry, size > 1);
          else if (does === "flush") target.flush(size > 1);
          else if (does === "move") {
            target.detach(entry);
            removeKey(keyspace.databases[2], name);
            keyspace.databases[2].adopt(entry);
          }
        }
        for (const { snapshot, parts, expected } of snapshots) {
          while (!snapshot.step(100));
          expect(loaded(parts)).toEqual(expected);
          expect(snapshot.takenCount).toBe(expected.size);
        }
        keyspace.flush(false);
        while (keyspace.lazyFree.step(100));
        keyspace.check();
        expect(keyspace.arena.blockCount).toBe(empty);
      }),
      { numRuns: 25 },
    );
  });

  test("writes idle times or frequencies, as the policy has it", () => {
    const keyspace = emptyKeyspace();
    putString(keyspace.databases[0], "k", "v");
    const bitsFrom = (eviction: RdbSnapshotOptions["eviction"]) => {
      const parts: Uint8Array[] = [];
      writeSnapshot(keyspace, (bytes, start, end) => parts.push(bytes.slice(start, end)), {
        facts: FACTS,
        eviction,
      });
      const seen: number[][] = [];
      const loader = new RdbLoader(emptyKeyspace(), {
        limits: LIMITS,
        idleBits: (...told) => seen.push(told),
      });
      for (const part of parts) loader.feed(part, 0, part.length);
      expect(loader.finish()).toBe(undefined);
      return seen[1];
    };
    expect(bitsFrom({ kind: "idle", secondsOf: (bits) => bits + 70_000 })).toEqual([70_000, -1]);
    expect(bitsFrom({ kind: "frequency", counterOf: (bits) => bits + 9 })).toEqual([-1, 9]);
    expect(bitsFrom(undefined)).toBe(undefined);
  });

  test("tells facts about itself", () => {
    const keyspace = emptyKeyspace();
    const parts: Uint8Array[] = [];
    writeSnapshot(keyspace, (bytes, start, end) => parts.push(bytes.slice(start, end)), {
      facts: {
        ...FACTS,
        isAofBase: true,
        replication: { streamDatabase: 2, id: "r".repeat(40), offset: 123 },
      },
    });
    const loader = new RdbLoader(emptyKeyspace(), { limits: LIMITS });
    for (const part of parts) loader.feed(part, 0, part.length);
    expect(Object.fromEntries(loader.facts)).toEqual({
      "redis-ver": "7.2.5",
      "redis-bits": "64",
      ctime: "1700000000",
      "used-mem": "1",
      "repl-stream-db": "2",
      "repl-id": "r".repeat(40),
      "repl-offset": "123",
      "aof-base": "1",
    });
  });
});
