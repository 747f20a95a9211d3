/**
 * Bytes from files and from RESTORE, with some of them changed: an error, or a value that keeps all
 * promises and that every command of its type can use. All kinds of values take part, by their
 * materials. KV_ODD_ROUNDS makes it go on longer, KV_ODD_SEED repeats a run.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";
import type { Arena } from "@kv/core";
import { MemoryStorage } from "@kv/persistence/testing";
import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { collectedBytes } from "./collected-bytes.ts";
import { type Harness, harness } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { allMaterials } from "./values/all-materials.ts";

const seed = drawnSeed("KV_ODD_SEED");
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 1);
const PAYLOADS_PER_ROUND = 4000;
const FILES_PER_ROUND = 4000;
/**
 * Bytes of memory for each byte of a file, at most: text that was compressed is many times as long, and what a
 * table takes for a few short elements is much more than they do.
 */
const BYTES_PER_BYTE_MAX = 100;
/** For the tables of sixteen databases and whatever is read in a piece. */
const BYTES_BESIDES_MAX = 2 ** 18;
/** Of the runtime's own: what it has not collected yet comes and goes. */
const RUNTIME_BYTES_MAX = 32 * 2 ** 20;
/** A file of a few hundred bytes, on a machine that has a lot else to do. */
const MS_MAX = 2000;
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

/** For each key of fill() a file that holds it alone. */
function smallFiles(): Uint8Array[] {
  const from = harness({ config: config as never });
  fill(from);
  return names.map((key) => {
    const kv = harness({ config: config as never, disk: new MemoryStorage() });
    kv.send("RESTORE", key, 0, latin1Bytes(from.send("DUMP", key) as string));
    expect(kv.send("SAVE")).toBe("OK");
    return kv.host.disk.contents("dump.rdb") as Uint8Array;
  });
}

/** How far an arena grows, however much of that is given back. */
class Peak {
  private readonly arena: Arena;
  private startBytes = 0;
  private mostBytes = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    const { alloc } = arena;
    arena.alloc = (bytes) => {
      const ref = alloc.call(arena, bytes);
      this.mostBytes = Math.max(this.mostBytes, arena.usedBytes);
      return ref;
    };
  }

  begin(): void {
    this.startBytes = this.arena.usedBytes;
    this.mostBytes = this.startBytes;
  }

  get grownBytes(): number {
    return this.mostBytes - this.startBytes;
  }
}

/** What the harness remembers for tests is no part of the server. */
function forget(kv: Harness): void {
  kv.events.length = 0;
  kv.propagated.length = 0;
  kv.host.logLines.length = 0;
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
    kv.send("FLUSHALL", "SYNC");
    const peak = new Peak(kv.engine.keyspace.arena);
    const runtimeBytes = collectedBytes();
    let taken = 0;
    for (let count = 0; count < rounds * PAYLOADS_PER_ROUND; count++) {
      const payload = chance.of(payloads);
      const bytes = mutated(payload, chance, 0, payload.length - 10);
      const what = () => `seed ${seed}, payload ${count}: ${Buffer.from(bytes).toString("hex")}`;
      try {
        peak.begin();
        const startMs = performance.now();
        const reply = kv.send("RESTORE", "k", 0, bytes, "REPLACE");
        expect(performance.now() - startMs).toBeLessThan(MS_MAX);
        expect(peak.grownBytes).toBeLessThan(bytes.length * BYTES_PER_BYTE_MAX + BYTES_BESIDES_MAX);
        if (reply === "OK") {
          // All commands on each would be half a million of them.
          if (taken++ % 4 === 0) use(kv, "k", chance);
          kv.send("DEBUG", "DIGEST");
        }
        if (count % 20 === 0) kv.check();
        forget(kv);
      } catch (error) {
        throw new Error(what().slice(0, 3000), { cause: error });
      }
    }
    expect(taken).toBeGreaterThan(rounds);
    kv.send("FLUSHALL", "SYNC");
    kv.check();
    kv.engine.keyspace.arena.check();
    expect(collectedBytes() - runtimeBytes).toBeLessThan(RUNTIME_BYTES_MAX);
  }, 120_000);

  test("in a file are refused, or load as what can be used; nothing of a refused one stays", () => {
    const chance = new Chance(seed);
    const kv = harness({ config: config as never });
    const { arena } = kv.engine.keyspace;
    const files = smallFiles();
    kv.send("SET", "guard", "what was there before");
    const digest = kv.send("DEBUG", "DIGEST");
    const peak = new Peak(arena);
    const { usedBytes } = arena;
    const runtimeBytes = collectedBytes();
    let refused = 0;
    for (let count = 0; count < rounds * FILES_PER_ROUND; count++) {
      const file = chance.of(files);
      const bytes = mutated(file, chance, 9, file.length);
      const what = () => `seed ${seed}, file ${count}: ${Buffer.from(bytes).toString("hex")}`;
      try {
        kv.host.disk.put("dump.rdb", bytes);
        peak.begin();
        const startMs = performance.now();
        const reply = kv.send("DEBUG", "RELOAD", "NOSAVE");
        expect(performance.now() - startMs).toBeLessThan(MS_MAX);
        expect(peak.grownBytes).toBeLessThan(bytes.length * BYTES_PER_BYTE_MAX + BYTES_BESIDES_MAX);
        if (count % 20 === 0) kv.check();
        if (reply === "OK") {
          const [key] = kv.send("KEYS", "*") as string[];
          if (key !== undefined && count % 4 === 0) use(kv, key, chance);
          kv.check();
          kv.send("FLUSHALL", "SYNC");
          kv.send("SET", "guard", "what was there before");
        } else refused++;
        expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
        while (kv.engine.turn());
        forget(kv);
      } catch (error) {
        throw new Error(what().slice(0, 3000), { cause: error });
      }
    }
    expect(refused).toBeGreaterThan(rounds * 100);
    expect(arena.usedBytes).toBe(usedBytes);
    expect(collectedBytes() - runtimeBytes).toBeLessThan(RUNTIME_BYTES_MAX);
    arena.check();
  }, 120_000);
});
