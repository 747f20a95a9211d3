/**
 * The formats of snapshot files. A format is one entry here, and passes formatContract() of
 * @kv/persistence/testing. Its code stands in a file (or folder) of its own.
 */
import type { Keyspace } from "@kv/core";
import { RDB_SIGNATURE } from "./rdb/format.ts";
import { RdbLoader, type RdbLoadOptions } from "./rdb/load.ts";
import type { ByteSink } from "./rdb/output.ts";
import type { RdbError } from "./rdb/reader.ts";
import { RdbSnapshot, type RdbSnapshotOptions } from "./rdb/snapshot.ts";

/** A file on its way into a keyspace, in chunks cut anywhere. */
export interface SnapshotLoader {
  /** Takes bytes[start, end). Returns the position behind the last one that belongs to the file. */
  feed(bytes: Uint8Array, start: number, end: number): number;
  /** There are no more bytes. Returns the error, if there is one. */
  finish(): RdbError | undefined;
  readonly error: RdbError | undefined;
  readonly isDone: boolean;
  readonly loadedBytes: number;
  readonly loadedCount: number;
}

/** A keyspace on its way into a file: the instant is fixed, writes go on. */
export interface Snapshot {
  /** Writes about so many keys on. True when the file is complete. */
  step(entryCount: number): boolean;
  /** The sink has done with so many more bytes. */
  written(byteCount: number): void;
  readonly pendingBytes: number;
  abort(): void;
}

export interface SnapshotFormat {
  /** True when a file that begins with bytes[start, end) is of this format. */
  recognises(bytes: Uint8Array, start: number, end: number): boolean;
  load(keyspace: Keyspace, options: RdbLoadOptions): SnapshotLoader;
  snapshot(keyspace: Keyspace, sink: ByteSink, options: RdbSnapshotOptions): Snapshot;
}

export const formats: Record<string, SnapshotFormat> = {
  rdb: {
    recognises: (bytes, start, end) =>
      end - start >= RDB_SIGNATURE.length &&
      RDB_SIGNATURE.every((byte, i) => bytes[start + i] === byte),
    load: (keyspace, options) => new RdbLoader(keyspace, options),
    snapshot: (keyspace, sink, options) => new RdbSnapshot(keyspace, sink, options),
  },
};
