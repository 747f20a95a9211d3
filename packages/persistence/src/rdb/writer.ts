/**
 * RdbWriter: an RDB file, piece by piece, into a byte sink.
 *
 * The order of calls is the order of the file (see format.ts): header(), then for each database
 * its keys in any order, coming back to a database as often as need be, then finish().
 */
import {
  type Arena,
  bytesOf,
  expiryMs,
  idleBits,
  keyIndex,
  keyLength,
  type Ref,
  type ValueKind,
  viewOf,
} from "@kv/core";
import type { ByteSink } from "../chunk-output.ts";
import type { EntryWriter } from "../cut-snapshot.ts";
import { Opcode, RDB_SIGNATURE, RDB_VERSION_DEFAULT, type RdbWriteVersion } from "./format.ts";
import { ObjectWriter } from "./object.ts";
import { RdbOutput, type RdbOutputOptions } from "./output.ts";

/** How the 24 bits for eviction go to the file; which of the two depends on the policy. */
export type EvictionField =
  | { readonly kind: "idle"; readonly secondsOf: (bits: number) => number }
  | { readonly kind: "frequency"; readonly counterOf: (bits: number) => number };

/** Where the replication stream stood when the file was made. */
export interface ReplicationFacts {
  /** Database that the stream has selected. */
  streamDatabase: number;
  /** The replication ID: 40 hexadecimal digits. */
  id: string;
  /** The stream's offset, in bytes. */
  offset: number;
}

/** What the file says about itself. */
export interface RdbFacts {
  /** The Redis version that the writer stands for. */
  redisVersion: string;
  /** The wall clock. */
  nowMs: number;
  /** Memory in use when the file was made. */
  usedMemoryBytes: number;
  /** The file is the base of an append-only file. */
  isAofBase?: boolean;
  /** Absent where there is no replication. */
  replication?: ReplicationFacts | undefined;
}

/** How a file is written. */
export interface RdbWriterOptions extends RdbOutputOptions {
  /** Default 10, which Redis 7.0 and later load; 11 is what Redis 7.2 writes. */
  version?: RdbWriteVersion;
  /** Present under an LRU or LFU policy only. */
  eviction?: EvictionField | undefined;
}

/** Writes an RDB file piece by piece: see the head of this file. */
export class RdbWriter implements EntryWriter<number> {
  /** Where the bytes go. */
  readonly output: RdbOutput;
  private readonly arena: Arena;
  private readonly version: RdbWriteVersion;
  private readonly eviction: EvictionField | undefined;
  private readonly objects: ObjectWriter;
  private readonly hasChecksum: boolean;

  constructor(arena: Arena, sink: ByteSink, options: RdbWriterOptions = {}) {
    this.arena = arena;
    this.output = new RdbOutput(sink, options);
    this.version = options.version ?? RDB_VERSION_DEFAULT;
    this.eviction = options.eviction;
    this.objects = new ObjectWriter(arena, this.output, this.version);
    this.hasChecksum = options.checksum ?? true;
  }

  /** The beginning of the file: signature, version, facts. */
  header(facts: RdbFacts): void {
    const { output } = this;
    output.bytes(RDB_SIGNATURE, 0, RDB_SIGNATURE.length);
    for (const digit of String(this.version).padStart(4, "0")) output.byte(digit.charCodeAt(0));
    this.aux("redis-ver", facts.redisVersion);
    this.aux("redis-bits", "64");
    this.aux("ctime", String(Math.floor(facts.nowMs / 1000)));
    this.aux("used-mem", String(facts.usedMemoryBytes));
    const { replication } = facts;
    if (replication !== undefined) {
      this.aux("repl-stream-db", String(replication.streamDatabase));
      this.aux("repl-id", replication.id);
      this.aux("repl-offset", String(replication.offset));
    }
    this.aux("aof-base", facts.isAofBase ? "1" : "0");
  }

  /** A library of functions; before the first database. */
  functionCode(code: Uint8Array): void {
    this.output.byte(Opcode.FUNCTION2);
    this.output.wholeString(code);
  }

  private aux(name: string, value: string): void {
    this.output.byte(Opcode.AUX);
    this.text(name);
    this.text(value);
  }

  private text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.output.wholeString(bytes);
  }

  /** The keys that follow are those of this database. */
  selectDatabase(index: number): void {
    this.output.byte(Opcode.SELECTDB);
    this.output.length(index);
  }

  /** Tells how many keys the database selected last will have; once for each database. */
  resizeDatabase(keyCount: number, expiryCount: number): void {
    this.output.byte(Opcode.RESIZEDB);
    this.output.length(keyCount);
    this.output.length(expiryCount);
  }

  /** A key with all that belongs to it. */
  entry(entry: Ref): void {
    this.key(entry);
    this.objects.write(entry);
  }

  /**
   * A key, and the beginning of its large value; as many elements have to follow. Returns what
   * element() is to be told of it.
   */
  beginLarge(entry: Ref, elementCount: number): number {
    this.key(entry);
    return this.objects.begin(entry, elementCount);
  }

  /** One element of a large value of this kind. */
  element(kind: ValueKind, ref: Ref, told: number): void {
    this.objects.element(kind, ref, told);
  }

  /** The end of a large value, which says nothing: how many elements there are stands in front of them. */
  endLarge(): void {}

  /** What stands before a value. */
  private key(entry: Ref): void {
    const { arena, output, eviction, objects } = this;
    const expiry = expiryMs(arena, entry);
    if (expiry !== -1) {
      output.byte(Opcode.EXPIRETIME_MS);
      output.milliseconds(expiry);
    }
    if (eviction !== undefined) {
      const bits = idleBits(arena, entry);
      if (eviction.kind === "idle") {
        output.byte(Opcode.IDLE);
        output.length(eviction.secondsOf(bits));
      } else {
        output.byte(Opcode.FREQ);
        output.byte(eviction.counterOf(bits));
      }
    }
    output.byte(objects.typeOf(entry));
    const at = keyIndex(arena, entry);
    const end = at + keyLength(arena, entry);
    output.string(bytesOf(arena, entry), viewOf(arena, entry), at, end);
  }

  /** The end of the file; everything has gone to the sink then. */
  finish(): void {
    const { output } = this;
    output.byte(Opcode.EOF);
    output.flush(); // The checksum covers all before itself.
    const { hi, lo } = output.crc;
    output.word64(this.hasChecksum ? hi : 0, this.hasChecksum ? lo : 0);
    output.flush();
  }
}
