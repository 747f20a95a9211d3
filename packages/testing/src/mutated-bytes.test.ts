/**
 * Bytes from files and from RESTORE, with some of them changed: an error, or a value that keeps all
 * promises and can be used. KV_ODD_ROUNDS makes it go on longer, KV_ODD_SEED repeats a run.
 */
import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";

const seed = Number(process.env.KV_ODD_SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 5);
const PAYLOADS_PER_ROUND = 400;
const FILES_PER_ROUND = 60;

function fill(kv: Harness): void {
  kv.send("SET", "int", 12_345);
  kv.send("SET", "short", "text");
  kv.send("SET", "packed", "long text ".repeat(200));
  kv.send("SET", "life", "v", "PXAT", 1_800_000_000_000);
  kv.send("HSET", "small", "f", "v", "n", 1, "", "\xff\0");
  kv.send("HSET", "large", ...Array.from({ length: 1200 }, (_, index) => `${index}`));
  kv.send("HSET", "long", "f", "v".repeat(500), "g", "w");
}

/** Changes, removes or repeats some of the bytes in [from, to). */
function mutated(bytes: Uint8Array, chance: Chance, from: number, to: number): Uint8Array {
  let changed = bytes.slice();
  for (let left = 1 + chance.below(3); left > 0; left--) {
    const at = from + chance.below(Math.max(1, Math.min(to, changed.length) - from));
    const kind = chance.below(5);
    if (kind === 0) changed[at] = chance.below(256);
    else if (kind === 1) changed[at] = (changed[at] as number) ^ (1 << chance.below(8));
    else if (kind === 2)
      changed[at] = chance.of([0, 1, 0x3f, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xfe, 0xff]);
    else {
      const length = 1 + chance.below(8);
      const head = changed.subarray(0, at);
      const tail =
        kind === 3 ? changed.subarray(at + length) : changed.subarray(Math.max(0, at - length));
      const next = new Uint8Array(head.length + tail.length);
      next.set(head);
      next.set(tail, head.length);
      changed = next;
    }
  }
  return changed;
}

/** Uses a key in ways that look at every byte of its value. */
function use(kv: Harness, key: string): void {
  kv.send("DUMP", key);
  kv.send("OBJECT", "ENCODING", key);
  kv.send("STRLEN", key);
  kv.send("APPEND", key, "!");
  kv.send("HGETALL", key);
  kv.send("HSET", key, "f", "changed", "new", "n");
  kv.send("HDEL", key, "f", "g", "0");
  kv.send("HRANDFIELD", key, -5);
  kv.send("COPY", key, "copied", "REPLACE");
  kv.send("DEBUG", "DIGEST");
}

describe(`changed bytes (seed ${seed})`, () => {
  test("in a payload are refused, or make a value that can be used", () => {
    const chance = new Chance(seed);
    const kv = harness();
    fill(kv);
    const keys = ["int", "short", "packed", "small", "large", "long"];
    const payloads = keys.map((key) => latin1Bytes(kv.send("DUMP", key) as string));
    kv.send("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1);
    let taken = 0;
    for (let count = 0; count < rounds * PAYLOADS_PER_ROUND; count++) {
      const payload = chance.of(payloads);
      const bytes = mutated(payload, chance, 0, payload.length - 10);
      const what = () => `seed ${seed}, payload ${count}: ${Buffer.from(bytes).toString("hex")}`;
      try {
        const reply = kv.send("RESTORE", "k", 0, bytes, "REPLACE");
        if (reply === "OK") {
          taken++;
          use(kv, "k");
        }
        if (count % 20 === 0) kv.check();
      } catch (error) {
        throw new Error(what().slice(0, 3000), { cause: error });
      }
    }
    expect(taken).toBeGreaterThan(rounds);
    kv.send("FLUSHALL");
    kv.check();
    kv.engine.keyspace.arena.check();
  });

  test("in a file are refused, or load as what can be used; nothing of a refused one stays", () => {
    const chance = new Chance(seed);
    const kv = harness({ config: { rdbchecksum: "no" } as never });
    fill(kv);
    kv.send("SAVE");
    const { now } = kv.host.disk;
    const reader = now.open("dump.rdb");
    if (reader === undefined) throw new Error("SAVE wrote no file");
    const file = new Uint8Array(reader.sizeBytes);
    reader.read(file);
    reader.close();
    const digest = kv.send("DEBUG", "DIGEST");
    const write = (bytes: Uint8Array) => {
      const writer = now.create("dump.rdb");
      writer.write(bytes, 0, bytes.length);
      writer.close();
    };
    let refused = 0;
    for (let count = 0; count < rounds * FILES_PER_ROUND; count++) {
      const bytes = mutated(file, chance, 9, file.length);
      const what = () => `seed ${seed}, file ${count}: ${Buffer.from(bytes).toString("hex")}`;
      try {
        write(bytes);
        const reply = kv.send("DEBUG", "RELOAD", "NOSAVE");
        kv.check();
        if (reply === "OK") {
          for (const key of ["int", "short", "packed", "small", "large", "long"]) use(kv, key);
          kv.check();
        } else {
          refused++;
          expect(kv.send("DEBUG", "DIGEST"), what()).toBe(digest);
        }
        write(file);
        expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
        expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
      } catch (error) {
        throw new Error(what().slice(0, 3000), { cause: error });
      }
    }
    expect(refused).toBeGreaterThan(rounds);
    kv.engine.keyspace.arena.check();
  });
});
