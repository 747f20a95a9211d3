/**
 * All layers that a value goes through, one check each, for any kind: what a kind owes, as data to run.
 *
 *      test.each(layersFor(kind, material))("$name", ({ run }) => run());
 */
import {
  type Arena,
  Defragmenter,
  ElementVisitor,
  EXTERNAL_FLAG,
  eachElement,
  entryMemory,
  flagsOf,
  type Keyspace,
  kindOfEntry,
  type ListpackValue,
  NONE,
  type Ref,
  type ValueKind,
  valueRef,
} from "@kv/core";
import { walkedBytes, withoutRoom } from "@kv/core/testing";
import type { System } from "@kv/engine";
import { formats, RdbSnapshot, type SnapshotWriterFormat, writeOnlyFormats } from "@kv/persistence";
import { latin1, latin1Bytes } from "@kv/resp";
import { expect } from "vitest";
import { Chance } from "../chance.ts";
import { type Harness, harness } from "../harness.ts";
import type { Content, Made, ValueMaterial } from "./material.ts";
import { MoveAll } from "./move-all.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };
/** Elements of a value that is large enough to be dealt with in pieces. */
const MANY = 150;

class ContentVisitor extends ElementVisitor {
  readonly texts: string[] = [];
  readonly pairs: [string, string][] = [];

  element(): void {
    this.texts.push(shown(this.text));
  }

  pair(): void {
    this.pairs.push([shown(this.text), shown(this.value)]);
  }

  /** Of entries the ID is a text, and so are each field and its value. */
  override entry(): void {
    this.texts.push(`${this.id}`);
  }

  override entryField(): void {
    this.texts.push(shown(this.text), shown(this.value));
  }

  override scored(): void {
    this.pairs.push([shown(this.text), Object.is(this.score, -0) ? "-0" : `${this.score}`]);
  }
}

function shown({ bytes, start, end }: ListpackValue): string {
  return latin1(bytes, start, end);
}

function contentOf(arena: Arena, entry: Ref): Content {
  const visitor = new ContentVisitor();
  eachElement(arena, entry, visitor);
  const { shape } = kindOfEntry(arena, entry);
  if (shape === "text") return visitor.texts[0] as string;
  if (shape === "pairs" || shape === "scored")
    return visitor.pairs.sort(([one], [other]) => (one < other ? -1 : 1));
  return shape === "members" ? visitor.texts.sort() : visitor.texts;
}

/** A server with values of one kind. */
class Rig {
  readonly kv: Harness;
  readonly chance: Chance;
  readonly kind: ValueKind;
  readonly contents = new Map<string, Content>();
  private readonly material: ValueMaterial;
  private readonly foreignBytes: number;

  constructor(kind: ValueKind, material: ValueMaterial, seed: number, modules: System[]) {
    const config = {
      "hash-max-listpack-entries": 16,
      "list-max-listpack-size": 6,
      "list-compress-depth": 1,
      "set-max-listpack-entries": 16,
      "zset-max-listpack-entries": 16,
      "stream-node-max-entries": 7,
    };
    this.kv = harness({ config, seed, modules });
    this.kind = kind;
    this.material = material;
    this.chance = new Chance(seed);
    this.foreignBytes = this.unexplainedBytes();
  }

  get keyspace(): Keyspace {
    return this.kv.engine.keyspace;
  }

  get arena(): Arena {
    return this.keyspace.arena;
  }

  entry(key: string, index = 0): Ref {
    const bytes = latin1Bytes(key);
    const database = this.keyspace.databases[index];
    return database?.findKey(bytes, new DataView(bytes.buffer), 0, bytes.length) ?? NONE;
  }

  private done(key: string, { requests, content }: Made): void {
    for (const words of requests) expect(this.kv.send(...words)).not.toBeInstanceOf(Error);
    this.contents.set(key, content);
    this.holds(key);
  }

  make(key: string, elementCount = MANY): void {
    this.done(key, this.material.make(key, this.chance, elementCount));
  }

  change(key: string): void {
    const content = this.contents.get(key) as Content;
    this.done(key, this.material.change(key, this.chance, content));
  }

  /** The key holds a whole value of the kind, with the content of `like`. */
  holds(key: string, index = 0, like = key): void {
    const entry = this.entry(key, index);
    expect(entry, `${key} is there`).not.toBe(NONE);
    expect(kindOfEntry(this.arena, entry)).toBe(this.kind);
    this.kind.check(this.arena, entry);
    expect(contentOf(this.arena, entry)).toEqual(this.contents.get(like));
  }

  digest(): unknown {
    return this.kv.send("DEBUG", "DIGEST");
  }

  /** Bytes in use that are neither keys nor tables of keys. */
  private unexplainedBytes(): number {
    return this.arena.usedBytes - walkedBytes(this.keyspace);
  }

  /** Every block in use belongs to a key that is there. */
  leaksNothing(): void {
    this.keyspace.check();
    expect(this.unexplainedBytes()).toBe(this.foreignBytes);
  }

  finishLazyFree(): void {
    const { lazyFree } = this.keyspace;
    for (let steps = 0; lazyFree.step(7); steps++) expect(steps).toBeLessThan(10_000);
    expect([lazyFree.pendingCount, lazyFree.pendingObjects]).toEqual([0, 0]);
  }
}

/** What a snapshot holds, as a digest. */
export function digestOfFile(file: Uint8Array, modules: System[] = []): unknown {
  const other = harness({ modules });
  const writer = other.host.syncStorage.create("dump.rdb");
  writer.write(file, 0, file.length);
  writer.close();
  expect(other.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
  return other.send("DEBUG", "DIGEST");
}

/** What commands make of an empty server, as a digest. */
function digestOfCommands(file: Uint8Array, modules: System[]): unknown {
  const other = harness({ modules });
  const client = other.client();
  client.sendBytes(file);
  for (let reply = client.receive(); reply !== undefined; reply = client.receive())
    expect(reply).not.toBeInstanceOf(Error);
  return other.send("DEBUG", "DIGEST");
}

/** A way to write a snapshot, and what its file holds as a digest. */
interface Written {
  readonly format: SnapshotWriterFormat;
  readonly rounds: number;
  readonly digestOf: (file: Uint8Array, modules: System[]) => unknown;
}
const asRdb: Written = { format: formats.rdb, rounds: 8, digestOf: digestOfFile };
const asCommands: Written = {
  format: writeOnlyFormats.commands,
  rounds: 3,
  digestOf: digestOfCommands,
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function holdsWhatItIsGiven(rig: Rig): void {
  for (let i = 0; i < 20; i++) {
    rig.make(`key:${i}`, 1 + rig.chance.below(MANY));
    for (let j = 0; j < 10; j++) rig.change(`key:${i}`);
  }
  rig.leaksNothing();
  expect(rig.kv.send("TYPE", "key:1")).toBe(rig.kind.typeName);
  expect(rig.kv.send("OBJECT", "ENCODING", "key:1")).toBe(rig.kind.encodingName);
}

function measured(rig: Rig): void {
  const { arena, kv } = rig;
  kv.send("SET", "first", "so that the tables have their pages");
  const before = arena.usedBytes;
  rig.make("key");
  const bytes = entryMemory(arena, rig.entry("key"), 0);
  // That it has fields that expire is the database's business, as an expiry of its own would be.
  const known = rig.keyspace.databases[0]?.fieldExpiries.bytes() ?? 0;
  expect(arena.usedBytes - before - known).toBe(bytes);
  expect(kv.send("MEMORY", "USAGE", "key", "SAMPLES", 0)).toBe(bytes);
  const estimate = kv.send("MEMORY", "USAGE", "key") as number;
  expect(Math.abs(estimate - bytes)).toBeLessThan(bytes * 3);
}

function copied(rig: Rig): void {
  const { kv } = rig;
  rig.make("key");
  expect(kv.send("COPY", "key", "twin")).toBe(1);
  rig.holds("twin", 0, "key");
  expect(kv.send("COPY", "key", "twin", "DB", 1)).toBe(1);
  rig.holds("twin", 1, "key");
  expect(kv.send("DEBUG", "DIGEST-VALUE", "twin")).toEqual(kv.send("DEBUG", "DIGEST-VALUE", "key"));
  rig.change("key");
  expect(kv.send("DEBUG", "DIGEST-VALUE", "twin")).not.toEqual(
    kv.send("DEBUG", "DIGEST-VALUE", "key"),
  );
  rig.leaksNothing();
}

function copiedWithoutRoom(rig: Rig): void {
  const { arena, kind } = rig;
  rig.make("key", 30);
  const entry = rig.entry("key");
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return;
  const before = arena.usedBytes;
  let failing = 1;
  const copy = () => arena.usedBytes - before > 0;
  for (; ; failing++) {
    const hindered = withoutRoom(arena, failing, false, () => {
      try {
        kind.copy(arena, valueRef(arena, entry));
      } catch (full) {
        expect(full).toHaveProperty("name", "ArenaFullError");
      }
    });
    if (!hindered) break;
    expect(arena.usedBytes).toBe(before);
  }
  expect(copy()).toBe(true);
  rig.holds("key");
}

function dumped(rig: Rig): void {
  const { kv } = rig;
  for (const count of [1, MANY]) {
    rig.make("key", count);
    const payload = kv.send("DUMP", "key") as string;
    for (const [key, ttl] of [
      ["twin", "0"],
      ["mortal", "100000"],
    ] as const) {
      expect(kv.send("RESTORE", key, ttl, payload, "REPLACE")).toBe("OK");
      rig.holds(key, 0, "key");
    }
    // Where there is no order, neither is there one in the payload.
    expect((kv.send("DUMP", "twin") as string).length).toBe(payload.length);
    kv.send("DEL", "key");
  }
  rig.leaksNothing();
}

function saved(rig: Rig): void {
  for (let i = 0; i < 10; i++) rig.make(`key:${i}`, 1 + rig.chance.below(MANY));
  rig.kv.send("PEXPIRE", "key:3", 100_000);
  const digest = rig.digest();
  expect(rig.kv.send("DEBUG", "RELOAD")).toBe("OK");
  for (let i = 0; i < 10; i++) rig.holds(`key:${i}`);
  expect(rig.digest()).toBe(digest);
  rig.leaksNothing();
}

/** Something happens to some key of the three databases. */
function disturb(rig: Rig): void {
  const { kv, chance } = rig;
  const key = `key:${chance.below(8)}`;
  const there = rig.entry(key) !== NONE;
  const way = chance.below(12);
  if (way === 0 && there) kv.send("RENAME", key, `key:${chance.below(8)}`);
  else if (way === 1 && there) kv.send("DEL", key);
  else if (way === 2 && there) kv.send("UNLINK", key);
  else if (way === 3 && there) kv.send("MOVE", key, 1);
  else if (way === 4) kv.send("SET", key, "something else");
  else if (way === 5 && there) kv.send("PEXPIRE", key, 1_000_000);
  else if (way === 6 && chance.percent(10)) kv.send("FLUSHALL", "ASYNC");
  else if (way === 7 && there) kv.send("COPY", key, `copy:${chance.below(3)}`);
  else if (there && rig.contents.has(key) && stillWhole(rig, key)) rig.change(key);
  else if (!there) rig.make(key, 1 + chance.below(MANY));
}

/** The key still holds what it was given under this name. */
function stillWhole(rig: Rig, key: string): boolean {
  const entry = rig.entry(key);
  if (kindOfEntry(rig.arena, entry) !== rig.kind) return false;
  return JSON.stringify(contentOf(rig.arena, entry)) === JSON.stringify(rig.contents.get(key));
}

function snapshots(rig: Rig, modules: System[], { format, rounds, digestOf }: Written): void {
  const { keyspace } = rig;
  keyspace.cuts.wholeElementsMax = 10;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 8; i++) if (rig.entry(`key:${i}`) === NONE) rig.make(`key:${i}`);
    const digest = rig.digest();
    const parts: Uint8Array[] = [];
    const snapshot = format.snapshot(
      keyspace,
      (bytes, start, end) => parts.push(bytes.slice(start, end)),
      { facts: FACTS, pendingBytesMax: Number.POSITIVE_INFINITY },
    );
    while (!snapshot.step(1 + rig.chance.below(30))) disturb(rig);
    expect(keyspace.arena.holds.size).toBe(0);
    expect(digestOf(joined(parts), modules)).toBe(digest);
    rig.finishLazyFree();
    rig.leaksNothing();
  }
}

function abortedSnapshot(rig: Rig): void {
  const { keyspace } = rig;
  keyspace.cuts.wholeElementsMax = 10;
  for (let i = 0; i < 8; i++) rig.make(`key:${i}`);
  const snapshot = new RdbSnapshot(keyspace, () => {}, { facts: FACTS });
  for (let i = 0; i < 20; i++) {
    snapshot.step(5);
    disturb(rig);
  }
  snapshot.abort();
  expect(keyspace.arena.holds.size).toBe(0);
  rig.finishLazyFree();
  rig.leaksNothing();
}

function freedLazily(rig: Rig): void {
  const { kv, keyspace } = rig;
  for (let i = 0; i < 8; i++) rig.make(`key:${i}`);
  expect(kv.send("UNLINK", "key:0", "key:1")).toBe(2);
  rig.finishLazyFree();
  rig.leaksNothing();
  keyspace.cuts.wholeElementsMax = 10;
  const snapshot = new RdbSnapshot(keyspace, () => {}, { facts: FACTS });
  snapshot.step(12);
  expect(kv.send("UNLINK", "key:2", "key:3", "key:4", "key:5")).toBe(4);
  expect(kv.send("FLUSHALL", "ASYNC")).toBe("OK");
  rig.make("key:6");
  while (!snapshot.step(3)) keyspace.lazyFree.step(5);
  rig.finishLazyFree();
  rig.holds("key:6");
  rig.leaksNothing();
}

function moved(rig: Rig): void {
  for (const scanFieldsMax of [10, 1000]) {
    for (let i = 0; i < 8; i++) rig.make(`key:${i}`, 1 + rig.chance.below(2 * MANY));
    const digest = rig.digest();
    const plan = new MoveAll(rig.arena);
    const defragmenter = new Defragmenter(rig.keyspace, plan);
    defragmenter.scanFieldsMax = scanFieldsMax;
    const bytes = rig.arena.usedBytes;
    while (!defragmenter.step(1 + rig.chance.below(40)));
    expect(plan.count).toBeGreaterThan(8);
    for (let i = 0; i < 8; i++) rig.holds(`key:${i}`);
    expect([rig.digest(), rig.arena.usedBytes]).toEqual([digest, bytes]);
    rig.leaksNothing();
    // While it changes, too.
    for (let i = 0; i < 200; i++) {
      defragmenter.step(1 + rig.chance.below(40));
      disturb(rig);
    }
    rig.finishLazyFree();
    rig.leaksNothing();
    rig.kv.send("FLUSHALL");
  }
}

function expires(rig: Rig): void {
  const { kv } = rig;
  rig.make("key");
  for (const back of ["PERSIST", ""]) {
    expect(kv.send("PEXPIRE", "key", 5000)).toBe(1);
    rig.holds("key");
    expect(kv.send("PTTL", "key")).toBe(5000);
    rig.change("key");
    if (back !== "") expect(kv.send(back, "key")).toBe(1);
    rig.change("key");
  }
  rig.make("looked-at");
  kv.send("PEXPIRE", "looked-at", 5000);
  kv.clock.advance(5001);
  expect(kv.send("EXISTS", "key", "looked-at")).toBe(0);
  rig.finishLazyFree();
  rig.leaksNothing();
  expect(rig.keyspace.keyCount).toBe(0);
}

function wanders(rig: Rig): void {
  const { kv } = rig;
  rig.make("key");
  rig.make("old");
  expect(kv.send("RENAME", "key", "old")).toBe("OK");
  rig.holds("old", 0, "key");
  expect(kv.send("RENAMENX", "old", "a much longer name than it had before")).toBe(1);
  rig.holds("a much longer name than it had before", 0, "key");
  expect(kv.send("MOVE", "a much longer name than it had before", 2)).toBe(1);
  rig.holds("a much longer name than it had before", 2, "key");
  expect(kv.send("SWAPDB", 0, 2)).toBe("OK");
  rig.holds("a much longer name than it had before", 0, "key");
  expect(kv.send("SET", "a much longer name than it had before", "a string")).toBe("OK");
  rig.leaksNothing();
  rig.make("key:2");
  rig.make("key:3");
  expect(kv.send("DEL", "key:2")).toBe(1);
  expect(kv.send("FLUSHALL")).toBe("OK");
  rig.leaksNothing();
}

/** One check for each layer. Throws, as an assertion, where the kind does not do its part. */
export function layersFor(
  kind: ValueKind,
  material: ValueMaterial,
  modules: System[] = [],
): { name: string; run: () => void }[] {
  const layers: Record<string, (rig: Rig) => void> = {
    "holds what it is given": holdsWhatItIsGiven,
    "is measured to the byte": measured,
    "is copied": copied,
    "is copied whole or not at all": copiedWithoutRoom,
    "goes through DUMP and RESTORE": dumped,
    "goes through a file": saved,
    "is in a snapshot as it was, whatever happens meanwhile": (rig) =>
      snapshots(rig, modules, asRdb),
    "is let go by a snapshot that is given up": abortedSnapshot,
    "is freed in slices, and all of it": freedLazily,
    "is moved, block by block": moved,
    expires: expires,
    "goes with its key to other names and databases": wanders,
    "is in a snapshot made of commands as it was, whatever happens meanwhile": (rig) =>
      snapshots(rig, modules, asCommands),
  };
  return Object.entries(layers).map(([name, layer], index) => ({
    name,
    run: () => layer(new Rig(kind, material, 100 + index, modules)),
  }));
}
