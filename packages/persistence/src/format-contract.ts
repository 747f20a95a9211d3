/**
 * What every snapshot format owes its users, as a list of checks to run. It needs no test runner:
 *
 *      test.each(formatContract(formats.rdb))("$name", ({ run }) => run());
 */
import { assert, Keyspace } from "@kv/core";
import type { ByteSink } from "./chunk-output.ts";
import type { Snapshot, SnapshotFormat } from "./formats.ts";
import {
  type Contents,
  contentsOf,
  LIMITS,
  putField,
  putString,
  removeKey,
  sameContents,
} from "./keyspace-contents.ts";

/** One promise of a format. */
export interface ContractCheck {
  /** The promise. */
  readonly name: string;
  /** Throws when the format does not keep the promise. */
  readonly run: () => void;
}

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1_000_000 };
const LATER_MS = 1_800_000_000_123;

/** The checks that a format has to pass, one for each promise. */
export function formatContract(format: SnapshotFormat): ContractCheck[] {
  const check = (name: string, run: () => void): ContractCheck => ({ name, run });
  return [
    check("what was written is read, whatever the chunks", () => cutAnywhere(format)),
    check("a file is recognised, other bytes are not", () => recognised(format)),
    check("a file that ends too early is an error", () => cutShort(format)),
    check("a changed byte is an error or changes nothing", () => changedByte(format)),
    check("what follows the file is left alone", () => followed(format)),
    check("the instant is that of the beginning, whatever is written meanwhile", () =>
      instant(format),
    ),
    check("a slow sink holds up the walk, not the writes", () => slowSink(format)),
    check("an aborted snapshot leaves the keyspace whole", () => aborted(format)),
  ];
}

function emptyKeyspace(): Keyspace {
  return new Keyspace({ random32: () => 0x5eed, arena: { segmentBytes: 2 ** 20 } });
}

/** Something of everything that can be stored. */
function smallKeyspace(): Keyspace {
  const keyspace = emptyKeyspace();
  const [first, second] = keyspace.databases;
  putString(first, "", "");
  putString(first, "text", "hello");
  putString(first, "small", "-7");
  putString(first, "large", "9223372036854775807", LATER_MS);
  putString(first, "repetitive", "abcabcabc".repeat(20));
  putString(first, "12345", "a key that is a number");
  for (let i = 0; i < 5; i++) putField(first, "hash", `field${i}`, `${i * 1000}`);
  putField(first, "table", "f", "long values make tables ".repeat(4));
  putField(first, "table", "g", "1");
  putString(second, "elsewhere", "x".repeat(70), LATER_MS + 1);
  putString(keyspace.databases[15], "last", "0");
  return keyspace;
}

/** Keeps what a snapshot writes. */
class Collector {
  readonly parts: Uint8Array[] = [];

  readonly sink: ByteSink = (bytes, start, end) => {
    this.parts.push(bytes.slice(start, end));
  };

  bytes(): Uint8Array {
    const all = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** Steps to the end, with a sink that is always done at once. */
function complete(snapshot: Snapshot): void {
  for (let steps = 0; !snapshot.step(1000); steps++) {
    assert(steps < 10_000, "a snapshot whose sink keeps up comes to an end");
    snapshot.written(snapshot.pendingBytes);
  }
}

function fileOf(format: SnapshotFormat, keyspace: Keyspace): Uint8Array {
  const collector = new Collector();
  complete(format.snapshot(keyspace, collector.sink, { facts: FACTS }));
  return collector.bytes();
}

/** What a file loads as; undefined when it is refused. Cut in two chunks at `cut`. */
function loaded(format: SnapshotFormat, file: Uint8Array, cut = 0): Contents | undefined {
  const keyspace = emptyKeyspace();
  const loader = format.load(keyspace, { limits: LIMITS });
  loader.feed(file, 0, cut);
  loader.feed(file, cut, file.length);
  const error = loader.finish();
  keyspace.check();
  if (error !== undefined) {
    assert(error.offset <= file.length, "an error lies within the file");
    keyspace.flush(false);
    keyspace.check();
    return undefined;
  }
  return contentsOf(keyspace);
}

function cutAnywhere(format: SnapshotFormat): void {
  const keyspace = smallKeyspace();
  const expected = contentsOf(keyspace);
  const file = fileOf(format, keyspace);
  for (let cut = 0; cut <= file.length; cut++) {
    const contents = loaded(format, file, cut);
    assert(contents !== undefined && sameContents(contents, expected), `cut at byte ${cut}`);
  }
  const target = emptyKeyspace();
  const loader = format.load(target, { limits: LIMITS });
  for (let at = 0; at < file.length; at++) loader.feed(file, at, at + 1);
  assert(loader.finish() === undefined, "a file is loaded byte by byte");
  assert(sameContents(contentsOf(target), expected), "byte by byte it is the same");
}

function recognised(format: SnapshotFormat): void {
  const file = fileOf(format, smallKeyspace());
  assert(format.recognises(file, 0, file.length), "a file is recognised");
  assert(!format.recognises(file, 1, file.length), "its second byte begins no file");
  assert(!format.recognises(file, 0, 0), "nothing is no file");
}

function cutShort(format: SnapshotFormat): void {
  const file = fileOf(format, smallKeyspace());
  for (let length = 0; length < file.length; length++) {
    const contents = loaded(format, file.slice(0, length));
    assert(contents === undefined, `${length} bytes of ${file.length} are no file`);
  }
}

function changedByte(format: SnapshotFormat): void {
  const keyspace = smallKeyspace();
  const expected = contentsOf(keyspace);
  const file = fileOf(format, keyspace);
  for (let at = 0; at < file.length; at++) {
    for (const change of [1, 0x80, 0xff]) {
      const changed = file.slice();
      changed[at] ^= change;
      const contents = loaded(format, changed);
      assert(
        contents === undefined || sameContents(contents, expected),
        `byte ${at} changed by ${change} goes unnoticed`,
      );
    }
  }
}

function followed(format: SnapshotFormat): void {
  const file = fileOf(format, smallKeyspace());
  const longer = new Uint8Array(file.length + 100).fill(42);
  longer.set(file, 50);
  const loader = format.load(emptyKeyspace(), { limits: LIMITS });
  const half = 50 + (file.length >> 1);
  assert(loader.feed(longer, 50, half) === half, "half a file is used up");
  assert(loader.feed(longer, half, longer.length) === 50 + file.length, "the end is found");
  assert(loader.isDone && loader.finish() === undefined, "the file is done");
}

/** The same changes on every run: the contract has no chance in it. */
function lotsOfKeys(keyspace: Keyspace, round: number): void {
  for (let i = 0; i < 2000; i++) {
    const database = keyspace.databases[i % 3];
    const key = `key:${(i * 7919) % 3000}`;
    if (i % 11 === 3) removeKey(database, key);
    else if (i % 7 === 2) putField(database, `hash:${i % 40}`, `f${i % 300}`, `${round}${i}`);
    else putString(database, key, `${round}:${i}`, i % 5 === 0 ? LATER_MS + i : -1);
  }
}

function instant(format: SnapshotFormat): void {
  const keyspace = emptyKeyspace();
  lotsOfKeys(keyspace, 1);
  const expected = contentsOf(keyspace);
  const collector = new Collector();
  const snapshot = format.snapshot(keyspace, collector.sink, { facts: FACTS });
  for (let round = 2; !snapshot.step(200); round++) {
    if (round === 4) keyspace.swap(0, 1);
    if (round === 5) keyspace.databases[0].flush(false);
    lotsOfKeys(keyspace, round);
  }
  keyspace.check();
  const contents = loaded(format, collector.bytes());
  assert(contents !== undefined && sameContents(contents, expected), "the file is the instant");
}

function slowSink(format: SnapshotFormat): void {
  const keyspace = emptyKeyspace();
  lotsOfKeys(keyspace, 1);
  const expected = contentsOf(keyspace);
  const collector = new Collector();
  const pendingBytesMax = 1000;
  const options = { facts: FACTS, pendingBytesMax, chunkBytes: 100 };
  const snapshot = format.snapshot(keyspace, collector.sink, options);
  for (let i = 0; i < 100; i++) snapshot.step(10);
  const reached = snapshot.pendingBytes;
  assert(reached > pendingBytesMax, "the walk goes on until enough is waiting");
  assert(!snapshot.step(10) && snapshot.pendingBytes === reached, "then it waits");
  lotsOfKeys(keyspace, 2);
  assert(snapshot.pendingBytes > reached, "what changes is written all the same");
  snapshot.written(snapshot.pendingBytes);
  complete(snapshot);
  const contents = loaded(format, collector.bytes());
  assert(contents !== undefined && sameContents(contents, expected), "the file is complete");
}

function aborted(format: SnapshotFormat): void {
  const keyspace = emptyKeyspace();
  lotsOfKeys(keyspace, 1);
  const expected = contentsOf(keyspace);
  const collector = new Collector();
  const snapshot = format.snapshot(keyspace, collector.sink, { facts: FACTS, chunkBytes: 100 });
  snapshot.step(100);
  snapshot.abort();
  const parts = collector.parts.length;
  assert(sameContents(contentsOf(keyspace), expected), "an aborted snapshot changed nothing");
  lotsOfKeys(keyspace, 2);
  assert(collector.parts.length === parts, "an aborted snapshot writes nothing more");
  keyspace.check();
  const again = loaded(format, fileOf(format, keyspace));
  const now = contentsOf(keyspace);
  assert(again !== undefined && sameContents(again, now), "the next snapshot is complete");
}
