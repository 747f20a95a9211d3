/**
 * LogLoad: the data set from the files of the append-only folder, in their order: the base, as a snapshot
 * or as commands, and then the commands since.
 *
 * The last command may have been cut off when the power went or the process was killed: with
 * `aof-load-truncated` the file is cut back to the end of the last whole one, and before a MULTI whose
 * EXEC is missing. So is one that ends in nothing but zeros, which a file system leaves where the length of
 * a file reached the disk and the bytes did not. Anything else that is wrong is told and ends the start.
 *
 * It reads while everybody waits, a chunk at a time: whoever drives it may serve others in between.
 */
import {
  type AofFile,
  type AofFileDamage,
  AofFileInput,
  type SnapshotLoader,
  StorageError,
} from "@kv/persistence";
import { ArgVector } from "@kv/resp";
import type { Host } from "../../kernel/host.ts";
import type { Replay } from "../../kernel/replay.ts";
import type { LoadedKeys } from "../../module/ports.ts";
import { type LogFolder, named } from "./log-folder.ts";

/** No more than the arena remembers of a buffer: copying from a larger one is slower. */
const CHUNK_BYTES = 2 ** 18;

/** Why the data set cannot be had: the last line of the log before the end. */
export class LogLoadError extends Error {}

/** What a LogLoad needs. */
export interface LogLoadParts {
  host: Host;
  folder: LogFolder;
  /** Runs the commands. */
  replay: Replay;
  /** Whether a file that is cut off is taken: aof-load-truncated. */
  takesTruncated: boolean;
  /** Bytes of a snapshot that are read before others are served: loading-process-events-interval-bytes. */
  pieceBytes(): number;
  /** For a base that is a snapshot. */
  snapshotLoader(): SnapshotLoader;
  /** The snapshot is read: undefined, or why it cannot be taken. */
  snapshotLoaded(loader: SnapshotLoader): string | undefined;
}

/** The data set on its way in: see the head of this file. */
export class LogLoad {
  /** Bytes of all files. */
  totalBytes = 0;
  /** Bytes of them that have been read. */
  loadedBytes = 0;
  /** Commands of the present file that have been run. */
  private commandCount = 0;
  private readonly parts: LogLoadParts;
  private readonly chunk = new Uint8Array(CHUNK_BYTES);
  private readonly view = new DataView(this.chunk.buffer);
  private readonly batch = new ArgVector();

  constructor(parts: LogLoadParts) {
    this.parts = parts;
  }

  /**
   * Loads all files, a chunk between two steps; tells of how many keys and commands of the present one that
   * was. Throws LogLoadError and StorageError.
   */
  *steps(): Generator<LoadedKeys> {
    const { host, folder } = this.parts;
    const { base, incrementals } = folder.manifest;
    const files = [...(base === undefined ? [] : [base]), ...incrementals];
    const sizes = files.map(({ name }) => this.sizeOf(name));
    this.totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    const startUs = host.monotonicUs();
    for (const [index, file] of files.entries()) {
      // What follows may be there without having been written to: a rewrite had just begun.
      const isLast = sizes.slice(index + 1).every((size) => size === 0);
      const fileStartUs = host.monotonicUs();
      yield* this.file(file, isLast);
      const kind = file.type === "base" ? "base" : "incr";
      const seconds = secondsSince(host, fileStartUs);
      host.log("notice", `DB loaded from ${kind} file ${file.name}: ${seconds} seconds`);
    }
    if (files.length > 0)
      host.log("notice", `DB loaded from append only file: ${secondsSince(host, startUs)} seconds`);
  }

  private sizeOf(name: string): number {
    const sizeBytes = named(cannotOpen(name), () => this.parts.folder.sizeOf(name));
    if (sizeBytes !== undefined) return sizeBytes;
    throw new LogLoadError(
      `Unable to obtain the AOF file ${name} length. stat: No such file or directory`,
    );
  }

  private *file({ name, type }: AofFile, isLast: boolean): Generator<LoadedKeys> {
    const { folder, host, replay, snapshotLoader } = this.parts;
    const file = named(cannotOpen(name), () => folder.now.open(name));
    if (file === undefined)
      throw new LogLoadError(
        `The append log file ${name} doesn't exist: No such file or directory`,
      );
    replay.beginFile();
    const startBytes = this.loadedBytes;
    this.commandCount = 0;
    try {
      const loader = snapshotLoader();
      const input = this.inputOf(name, loader);
      let isTold = false;
      for (;;) {
        // Of the first bytes it is not known yet what they are.
        const isPiece = this.loadedBytes === startBytes || input.hasSnapshot;
        const length = named(`Unrecoverable error reading the append only file ${name}`, () =>
          file.read(isPiece ? this.piece() : this.chunk),
        );
        if (length === 0) break;
        this.take(name, input, length);
        this.loadedBytes += length;
        if (input.hasSnapshot && !isTold) {
          isTold = true;
          host.log(
            "notice",
            type === "base"
              ? "Reading RDB base file on AOF loading..."
              : `Reading RDB preamble from AOF file ${name}...`,
          );
        }
        yield this.loaded(loader);
      }
      const damage = input.finish();
      if (damage !== undefined) this.damaged(name, input, damage, isLast);
    } finally {
      replay.beginFile();
      file.close();
    }
  }

  private loaded({ loadedCount, expiredCount, emptyCount }: SnapshotLoader): LoadedKeys {
    return { loadedCount: loadedCount + this.commandCount, expiredCount, emptyCount };
  }

  private piece(): Uint8Array {
    return this.chunk.subarray(0, this.parts.pieceBytes());
  }

  private inputOf(name: string, loader: SnapshotLoader): AofFileInput {
    const { snapshotLoaded } = this.parts;
    return new AofFileInput(loader, {}, () => {
      const problem = snapshotLoaded(loader);
      if (problem !== undefined) throw new LogLoadError(badSnapshot(name, problem));
    });
  }

  /** Runs what the first `length` bytes of the chunk hold. */
  private take(name: string, input: AofFileInput, length: number): void {
    const { batch, chunk, view } = this;
    const { replay } = this.parts;
    replay.begin();
    try {
      batch.clear();
      let hasMore = input.read(chunk, view, 0, length, batch);
      for (;;) {
        for (let index = 0; index < batch.commandCount; index++) {
          const problem = replay.run(batch, index);
          if (problem !== undefined)
            throw new LogLoadError(`${problem} reading the append only file ${name}`);
        }
        this.commandCount += batch.commandCount;
        batch.clear();
        if (!hasMore) break;
        hasMore = input.more(batch);
      }
    } finally {
      batch.clear();
      replay.end();
    }
    if (input.error !== undefined) this.damaged(name, input, input.error, false);
  }

  /** Mends the file where that is allowed; throws otherwise. */
  private damaged(name: string, input: AofFileInput, damage: AofFileDamage, isLast: boolean): void {
    const { kind, safeOffset } = damage;
    if (kind === "snapshot")
      throw new LogLoadError(badSnapshot(name, input.snapshotError?.message ?? ""));
    if (kind === "format") throw new LogLoadError(badFormat(name));
    this.cutOff(name, safeOffset, isLast);
  }

  /** The end of the file is missing. It is cut back to what is whole, unless that is not wanted. */
  private cutOff(name: string, wholeBytes: number, isLast: boolean): void {
    const { host, folder, replay, takesTruncated } = this.parts;
    const log = (line: string) => host.log("warning", line);
    if (replay.isInTransaction) log(`Revert incomplete MULTI/EXEC transaction in AOF file ${name}`);
    if (!takesTruncated)
      throw new LogLoadError(
        `Unexpected end of file reading the append only file ${name}. You can: 1) Make a backup of your AOF file, then use kv-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server.`,
      );
    log(`!!! Warning: short read while loading the AOF file ${name}!!!`);
    if (!isLast) throw new LogLoadError("Fatal error: the truncated file is not the last file");
    log(`!!! Truncating the AOF ${name} at offset ${wholeBytes} !!!`);
    try {
      const file = folder.append(name);
      file.truncate(wholeBytes);
      file.syncNow();
      file.close();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      throw new LogLoadError(`Error truncating the AOF file ${name}: ${error.message}`);
    }
    log(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
  }
}

function badFormat(name: string): string {
  return `Bad file format reading the append only file ${name}: make a backup of your AOF file, then use kv-check-aof --fix <filename.manifest>`;
}

function cannotOpen(name: string): string {
  return `Fatal error: can't open the append log file ${name} for reading`;
}

/** What is wrong with the snapshot is told first: the last line says what comes of it. */
function badSnapshot(name: string, problem: string): string {
  return `${problem}\nError reading the RDB preamble of the AOF file ${name}, AOF loading aborted`;
}

function secondsSince(host: Host, startUs: number): string {
  return ((host.monotonicUs() - startUs) / 1e6).toFixed(3);
}
