/**
 * Bytes from files and from RESTORE, with some of them changed: an error, or a value that keeps all
 * promises and that every command of its type can use. All kinds of values take part, by their
 * materials. KV_ODD_ROUNDS makes it go on longer, KV_ODD_SEED repeats a run.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";
import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { allMaterials } from "./values/all-materials.ts";

const seed = Number(process.env.KV_ODD_SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 1);
const PAYLOADS_PER_ROUND = 10_000;
const FILES_PER_ROUND = 200;
/** The limits that part small and large values of the materials. */
const config = {
  "hash-max-listpack-entries": 16,
  "list-compress-depth": 1,
  "set-max-listpack-entries": 16,
  "zset-max-listpack-entries": 16,
  "list-max-listpack-size": 16,
  "stream-node-max-entries": 10,
  "enable-debug-command": "yes",
  rdbchecksum: "no",
};

const materials = await allMaterials();

/** Names of the keys that fill() makes. */
const names = [
  ...["int", "short", "packed", "life"],
  ...materials.flatMap((_, index) => [`made${index}`, `more${index}`]),
];

/** Strings of all forms, and of each kind a small and a larger value. */
function fill(kv: Harness): void {
  const chance = new Chance(7);
  kv.send("SET", "int", 12_345);
  kv.send("SET", "short", "text");
  kv.send("SET", "packed", "long text ".repeat(200));
  kv.send("SET", "life", "v", "PXAT", 1_800_000_000_000);
  for (const [index, material] of materials.entries())
    for (const [key, count] of [
      [`made${index}`, 3],
      [`more${index}`, 60],
    ] as const)
      for (const words of material.make(key, chance, count).requests) kv.send(...words);
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

/** Groups of commands that work on values of a type, as TYPE names it. */
const groupsOf: Readonly<Record<string, readonly string[]>> = {
  string: ["string", "bitmap", "hyperloglog"],
  hash: ["hash"],
  list: ["list"],
  set: ["set"],
  zset: ["sorted-set", "geo"],
  stream: ["stream"],
};
/** What would end the use of a key, or make its client wait. */
const isLeftOut = (row: CommandRow) =>
  (row.bits & FLAG_BITS.blocking) !== 0 || row.isAbsent || row.subcommands !== null;

/** Uses a key in ways that look at every byte of its value, and by every command of its type. */
function use(kv: Harness, key: string, chance: Chance): void {
  const type = kv.send("TYPE", key) as string;
  kv.send("DUMP", key);
  kv.send("OBJECT", "ENCODING", key);
  kv.send("MEMORY", "USAGE", key, "SAMPLES", 0);
  kv.send("DEBUG", "DIGEST");
  for (const row of kv.engine.commands.all) {
    if (!groupsOf[type]?.includes(row.command.group) || isLeftOut(row)) continue;
    kv.send("COPY", key, "used", "REPLACE");
    kv.send(...madeCall(row, chance, { keys: ["used"] }));
  }
  kv.send("COPY", key, "copied", "REPLACE");
}

describe(`changed bytes (seed ${seed})`, () => {
  test("in a payload are refused, or make a value that all commands can use", () => {
    const chance = new Chance(seed);
    const kv = harness({ config: config as never });
    fill(kv);
    const payloads = names.map((key) => latin1Bytes(kv.send("DUMP", key) as string));
    expect(payloads.every(({ length }) => length > 10)).toBe(true);
    kv.send("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1);
    kv.send("FLUSHALL");
    let taken = 0;
    for (let count = 0; count < rounds * PAYLOADS_PER_ROUND; count++) {
      const payload = chance.of(payloads);
      const bytes = mutated(payload, chance, 0, payload.length - 10);
      const what = () => `seed ${seed}, payload ${count}: ${Buffer.from(bytes).toString("hex")}`;
      try {
        const reply = kv.send("RESTORE", "k", 0, bytes, "REPLACE");
        if (reply === "OK") {
          // All commands on each would be half a million of them.
          if (taken++ % 4 === 0) use(kv, "k", chance);
          kv.send("DEBUG", "DIGEST");
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
  }, 120_000);

  test("in a file are refused, or load as what can be used; nothing of a refused one stays", () => {
    const chance = new Chance(seed);
    const kv = harness({ config: config as never });
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
          use(kv, chance.of(names), chance);
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
  }, 120_000);
});
