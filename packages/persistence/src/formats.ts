/**
 * The formats of snapshot files. A format is one entry here, and passes formatContract() of
 * @kv/persistence/testing. Its code stands in a file (or folder) of its own.
 *
 * A file is saved in the format that is asked for by name, and loaded and checked in the one that
 * recognises its first bytes: whoever saves and loads knows no format's classes. What can be written and
 * not loaded here stands in a list of its own.
 */
import type { Keyspace } from "@kv/core";
import { CommandSnapshot, type CommandSnapshotOptions } from "./aof/command-snapshot.ts";
import { checkRdbFile } from "./check-rdb.ts";
import type { ByteSink } from "./chunk-output.ts";
import { RDB_SIGNATURE } from "./rdb/format.ts";
import { RdbLoader, type RdbLoadOptions } from "./rdb/load.ts";
import type { RdbError } from "./rdb/reader.ts";
import { RdbSnapshot, type RdbSnapshotOptions } from "./rdb/snapshot.ts";
import type { SyncStorage } from "./storage.ts";

/** What may be asked of a load: every format does what it can of it. */
export type LoadOptions = RdbLoadOptions;
/** What may be asked of a snapshot: every format does what it can of it. */
export type SnapshotOptions = RdbSnapshotOptions & CommandSnapshotOptions;
/** Why a file cannot be loaded. */
export type LoadError = RdbError;

/** A file on its way into a keyspace, in chunks cut anywhere. */
export interface SnapshotLoader {
  /** Takes bytes[start, end). Returns the position behind the last one that belongs to the file. */
  feed(bytes: Uint8Array, start: number, end: number): number;
  /** There are no more bytes. Returns the error, if there is one. */
  finish(): LoadError | undefined;
  /** Why nothing more is loaded, once there is a reason. */
  readonly error: LoadError | undefined;
  /** True behind the end of the file. */
  readonly isDone: boolean;
  /** Bytes of the file read so far. */
  readonly loadedBytes: number;
  /** What the file tells about itself: redis-ver, ctime, repl-id and so on; the short ones. */
  readonly facts: ReadonlyMap<string, string>;
  /** Keys that the file has put into the keyspace. */
  readonly loadedCount: number;
  /** Keys left out because they had expired. */
  readonly expiredCount: number;
  /** Keys left out because they had no elements. */
  readonly emptyCount: number;
}

/** A keyspace on its way into a file: the instant is fixed, writes go on. */
export interface Snapshot {
  /** Writes about so many keys on. True when the file is complete, or the snapshot has given up. */
  step(entryCount: number): boolean;
  /** The sink has done with so many more bytes, and with `chunk` if it gives it back. */
  written(byteCount: number, chunk?: Uint8Array): void;
  /** Nothing more goes to the sink. */
  readonly isDone: boolean;
  /** Bytes written that the sink has not reported as done. */
  readonly pendingBytes: number;
  /** Bytes of the file so far. */
  readonly fileBytes: number;
  /** Keys in the file so far. */
  readonly takenCount: number;
  /** Keys in the file in the end. */
  readonly totalCount: number;
  /** Gives up: nothing more goes to the sink. */
  abort(): void;
}

/** A way to write snapshot files. */
export interface SnapshotWriterFormat {
  /** Fixes the instant, and writes its file to the sink step by step. */
  snapshot(keyspace: Keyspace, sink: ByteSink, options: SnapshotOptions): Snapshot;
}

/** A format of snapshot files: what formatContract() of @kv/persistence/testing holds it to. */
export interface SnapshotFormat extends SnapshotWriterFormat {
  /** So many first bytes tell whether a file is of this format. */
  readonly signatureBytes: number;
  /** True when a file that begins with bytes[start, end) is of this format. */
  recognises(bytes: Uint8Array, start: number, end: number): boolean;
  /** Begins to load a file. */
  load(keyspace: Keyspace, options: LoadOptions): SnapshotLoader;
  /** Checks a file without loading it: as checkRdbFile(). */
  check(
    storage: SyncStorage,
    name: string,
    nowMs: number,
    print: (line: string) => void,
    isDamageReport?: boolean,
  ): boolean | undefined;
}

const rdb: SnapshotFormat = {
  signatureBytes: RDB_SIGNATURE.length,
  recognises: (bytes, start, end) =>
    end - start >= RDB_SIGNATURE.length &&
    RDB_SIGNATURE.every((byte, i) => bytes[start + i] === byte),
  load: (keyspace, options) => new RdbLoader(keyspace, options),
  snapshot: (keyspace, sink, options) => new RdbSnapshot(keyspace, sink, options),
  check: checkRdbFile,
};

/** The data set as commands. To load it is to execute them, which takes a server. */
const commands: SnapshotWriterFormat = {
  snapshot: (keyspace, sink, options) => new CommandSnapshot(keyspace, sink, options),
};

/** All formats, by the names under which they are asked for. */
export const formats = Object.freeze({ rdb }) satisfies Record<string, SnapshotFormat>;
/** The name of a format. */
export type FormatName = keyof typeof formats;

/** What can be written besides, and is not loaded here. */
export const writeOnlyFormats = Object.freeze({ commands }) satisfies Record<
  string,
  SnapshotWriterFormat
>;
/** The name of something that can be written. */
export type WrittenFormatName = FormatName | keyof typeof writeOnlyFormats;
