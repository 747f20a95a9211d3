/**
 * Arrival: a data set that comes from the primary, on its way to the place of the present one.
 *
 *      by file      bytes ─> temporary file ─ all there ─> read into a keyspace beside ─┐
 *      direct       bytes ─────────────────────────────> read into a keyspace beside ───┤
 *                                                                                       ├─ whole ─> takes over
 *      the present one stays, with its file, whatever is wrong with what comes  <───────┘
 *
 * Promises: a data set that is cut off, damaged or no data set changes nothing. Where memory is too small
 * for both, the file is checked first, and only then the present data set goes. Whether it is, the head of
 * the file tells, which says what memory its data took elsewhere, or an arrival before this one that failed.
 */

import { Keyspace } from "@kv/core";
import {
  type AppendOnlyFile,
  appendOnlyFilePort,
  type DataSetFile,
  dataSetFilePort,
  type Ports,
  wakingStorage,
} from "@kv/engine";
import {
  type LoadError,
  loadFile,
  RdbCheck,
  SaveFile,
  type SnapshotLoader,
  type Storage,
  StorageError,
} from "@kv/persistence";

/** So much may wait for the disk before the connection has to wait for it. */
const WAITING_BYTES_MAX = 8 * 2 ** 20;
/** Two data sets may take so much of the memory that the process may have. */
const MEMORY_SHARE = 0.75;
/** A file that says what memory its data took has said so by here. */
const HEAD_BYTES = 4096;

function describeLoadError({ offset, reason }: LoadError, source: "socket" | "disk"): string {
  return `Failed trying to load the MASTER synchronization DB from ${source}: at byte ${offset}: ${reason}`;
}

/** What an arrival takes of the engine. */
export type ArrivalNeeds = Pick<
  Ports,
  "host" | "config" | "situation" | "keyspace" | "effects" | "of"
>;

/** What an arrival tells. */
export interface ArrivalEvents {
  /** Has taken as much as it can, or can take more again. */
  full(isFull: boolean): void;
  /** A piece of the work is done: a moment to say that we live. */
  progressed(): void;
  /** The present data set goes, now. */
  replacing(): void;
}

/** How it ended: the keys are there, or why not. */
export type ArrivalResult =
  | { readonly ok: true; readonly facts: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly reason: string; readonly lacksMemory: boolean };

/** A data set on its way: see the head of this file. */
export abstract class Arrival {
  protected readonly ports: ArrivalNeeds;
  protected readonly events: ArrivalEvents;
  protected isAborted = false;

  constructor(ports: ArrivalNeeds, events: ArrivalEvents) {
    this.ports = ports;
    this.events = events;
  }

  /** Where the bytes are read from, for the log. */
  protected abstract readonly source: "socket" | "disk";
  /** Why there is no point in taking more; undefined while there is one. */
  abstract get error(): string | undefined;
  /** Takes bytes[start, end) of the file. */
  abstract take(bytes: Uint8Array, start: number, end: number): void;
  /** All bytes were given: reads what is not read yet, and lets it take over. */
  abstract complete(): Promise<ArrivalResult>;
  /**
   * Gives up: complete() is not called any more, or ends with a reason. Resolves when the disk has
   * nothing more to do. `isOrdered`: the log need not know.
   */
  abort(_isOrdered: boolean): Promise<unknown> {
    this.isAborted = true;
    return Promise.resolve();
  }

  protected get file(): DataSetFile {
    return this.ports.of(dataSetFilePort);
  }

  protected failed(reason: string, lacksMemory = false): ArrivalResult {
    return { ok: false, reason, lacksMemory };
  }

  /** The loader is done with all bytes: what it has read takes the place of what is there. */
  protected takeOver(loader: SnapshotLoader, beside: Keyspace | null): ArrivalResult {
    const { effects, keyspace, situation } = this.ports;
    const error = loader.finish();
    if (error !== undefined)
      return this.failed(describeLoadError(error, this.source), error.lacksMemory);
    const problem = this.file.snapshotLoaded(loader, "FLUSH");
    if (problem !== undefined) return this.failed(problem);
    this.events.replacing();
    if (beside !== null) {
      effects.databaseChanged(-1);
      this.file.abortBackground();
      keyspace.takeOver(beside);
      // Nobody waits for that memory.
      beside.discard(true);
    }
    situation.dirty = 0;
    this.log.dataSetReplaced();
    return { ok: true, facts: loader.facts };
  }

  /** What is there goes before there is anything else. */
  protected emptyFirst(): void {
    const { config, effects, host, keyspace } = this.ports;
    host.log("notice", "MASTER <-> REPLICA sync: Flushing old data");
    this.events.replacing();
    effects.databaseChanged(-1);
    this.file.abortBackground();
    keyspace.flush(config.boolean("replica-lazy-flush"));
  }

  /** Nothing more comes: what the loader misses, or could not make out, is for the log. */
  protected giveUp(loader: SnapshotLoader): void {
    const error = loader.finish();
    const { host } = this.ports;
    if (error?.preface !== undefined) host.log("warning", error.preface);
    if (error !== undefined) host.log("warning", error.message);
  }

  private get log(): AppendOnlyFile {
    return this.ports.of(appendOnlyFilePort);
  }

  protected besides(): Keyspace {
    return new Keyspace({ beside: this.ports.keyspace });
  }
}

/** Without a file (repl-diskless-load). */
export class DirectArrival extends Arrival {
  protected readonly source = "socket";
  private readonly beside: Keyspace;
  private readonly loader: SnapshotLoader;
  private readonly byteCount: number;
  private takenBytes = 0;
  private isOver = false;

  /** `isServing`: clients are served what is there meanwhile. `byteCount`: -1: it is not known. */
  constructor(ports: ArrivalNeeds, events: ArrivalEvents, isServing: boolean, byteCount: number) {
    super(ports, events);
    this.byteCount = byteCount;
    ports.host.log("notice", "MASTER <-> REPLICA sync: Loading DB in memory");
    this.beside = this.besides();
    this.loader = this.file.snapshotLoader({ keyspace: this.beside, keepsExpired: true });
    this.file.beginLoading(isServing);
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver || this.loader.error !== undefined) return;
    this.loader.feed(bytes, start, end);
    this.takenBytes += end - start;
    this.file.loaded(this.takenBytes, Math.max(this.byteCount, this.takenBytes));
    void this.pause();
  }

  /** As slow as key-load-delay wants it. */
  private async pause(): Promise<void> {
    if (!this.file.isLoadingSlowly) return;
    this.events.full(true);
    await this.file.loadingTurn(this.loader);
    if (!this.isOver) this.events.full(false);
  }

  get error(): string | undefined {
    const { error } = this.loader;
    return error === undefined ? undefined : describeLoadError(error, this.source);
  }

  complete(): Promise<ArrivalResult> {
    const result = this.isAborted
      ? this.failed("given up")
      : this.takeOver(this.loader, this.beside);
    this.end(!result.ok);
    return Promise.resolve(result);
  }

  private end(isFailed: boolean, isOrdered = false): void {
    if (this.isOver) return;
    this.isOver = true;
    this.file.endLoading();
    if (!isFailed) return;
    if (isOrdered) this.loader.finish();
    else this.giveUp(this.loader);
    this.beside.discard(false);
  }

  override abort(isOrdered: boolean): Promise<unknown> {
    this.end(true, isOrdered);
    return super.abort(isOrdered);
  }
}

/** By way of a file. */
export class FileArrival extends Arrival {
  protected readonly source = "disk";
  private readonly name: string;
  private readonly storage: Storage;
  private readonly saving: SaveFile;
  private waitingBytes = 0;
  /** Follows what comes: its head, and on to its end where the present data set has to go first. */
  private check: RdbCheck | null;
  /** The head is here, or it is known without. */
  private isDecided: boolean;
  private takenBytes = 0;
  private readonly complaints: string[] = [];
  private diskError: string | undefined;
  /** complete() has begun: it removes the file, whatever comes of it. */
  private isCompleting = false;

  /** `name`: of the temporary file. `isTight`: it is known that there is no room for two data sets. */
  constructor(ports: ArrivalNeeds, events: ArrivalEvents, name: string, isTight: boolean) {
    super(ports, events);
    this.name = name;
    const { host, config } = ports;
    this.storage = host.storage.here();
    const tell = (line: string) => this.complaints.push(line);
    this.check = new RdbCheck(name, host.wallMs(), tell, true);
    this.isDecided = isTight;
    this.saving = new SaveFile(wakingStorage(host), {
      name,
      temporaryName: `${name}.part`,
      ...(config.boolean("rdb-save-incremental-fsync") ? { syncEveryBytes: 8 * 2 ** 20 } : {}),
      onWritten: (byteCount) => this.written(byteCount),
    });
    void this.saving.result.then((saved) => {
      if (saved.ok) return;
      this.diskError = `Failed trying to write the MASTER synchronization DB to disk: ${saved.error.message}`;
    });
  }

  get error(): string | undefined {
    return this.diskError;
  }

  /** Nothing is won by the end of a data set without keys. */
  private hasRoomBeside(otherBytes: number): boolean {
    const { host, keyspace } = this.ports;
    if (keyspace.keyCount === 0) return true;
    const sumBytes = keyspace.arena.usedBytes + otherBytes;
    return sumBytes <= host.usage().allowedMemoryBytes * MEMORY_SHARE;
  }

  /** Whether the present data set may stay until the other one is whole. */
  private decide(): void {
    if (this.isDecided || this.check === null) return;
    this.isDecided = true;
    const { usedMemoryBytes } = this.check;
    const { usedBytes } = this.ports.keyspace.arena;
    const otherBytes = Number.isNaN(usedMemoryBytes) ? usedBytes : usedMemoryBytes;
    if (this.hasRoomBeside(otherBytes)) this.check = null;
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    this.check?.feed(bytes, start, end);
    this.takenBytes += end - start;
    if (this.takenBytes >= HEAD_BYTES) this.decide();
    const isFull = this.isFull;
    this.waitingBytes += end - start;
    this.saving.write(bytes.slice(start, end), 0, end - start);
    if (this.isFull && !isFull) this.events.full(true);
  }

  private get isFull(): boolean {
    return this.waitingBytes > WAITING_BYTES_MAX;
  }

  private written(byteCount: number): void {
    const isFull = this.isFull;
    this.waitingBytes -= byteCount;
    if (isFull && !this.isFull) this.events.full(false);
  }

  override abort(isOrdered: boolean): Promise<unknown> {
    this.saving.abort();
    const { result } = this.saving;
    // complete() still needs the folder, to remove what may have its name by now.
    const saved = this.isCompleting ? result : result.finally(() => this.storage.release());
    return Promise.all([super.abort(isOrdered), saved]);
  }

  async complete(): Promise<ArrivalResult> {
    this.isCompleting = true;
    try {
      this.saving.complete();
      const saved = await this.saving.result;
      if (!saved.ok) return this.failed(this.diskError ?? saved.error.message);
      const result = await this.read();
      if (result.ok) await this.keepFile();
      return result;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return this.failed(`Failed trying to read the MASTER synchronization DB: ${error.message}`);
    } finally {
      await this.storage.remove(this.name).catch(() => {});
      this.storage.release();
    }
  }

  private async read(): Promise<ArrivalResult> {
    const { host, keyspace } = this.ports;
    this.decide();
    if (this.check?.finish() === false) return this.failed(this.complaints.slice(0, 4).join(" "));
    if (this.isAborted) return this.failed("given up");
    if (this.check !== null) this.emptyFirst();
    host.log("notice", "MASTER <-> REPLICA sync: Loading DB in memory");
    this.file.beginLoading();
    const beside = this.check === null ? this.besides() : null;
    const loader = this.file.snapshotLoader({
      keyspace: beside ?? keyspace,
      keepsExpired: true,
    });
    let result = this.failed("given up");
    try {
      const how = await this.load(loader, (loadedBytes, totalBytes) => {
        this.file.loaded(loadedBytes, totalBytes);
        return this.file.loadingTurn(loader);
      });
      if (how === "loaded" || how === "failed") result = this.takeOver(loader, beside);
      return result;
    } finally {
      this.file.endLoading();
      if (!result.ok) {
        if (this.isAborted) loader.finish();
        else this.giveUp(loader);
        if (beside === null) keyspace.flush(false);
        else beside.discard(false);
      }
    }
  }

  private load(
    loader: SnapshotLoader,
    pause: (loadedBytes: number, totalBytes: number) => Promise<void>,
  ) {
    const { config } = this.ports;
    return loadFile(
      this.storage,
      this.name,
      loader,
      (loadedBytes, totalBytes) => {
        this.events.progressed();
        return pause(loadedBytes, totalBytes);
      },
      () => this.isAborted,
      () => config.number("loading-process-events-interval-bytes"),
    );
  }

  /** The file is the data set's by now. */
  private async keepFile(): Promise<void> {
    const { config, host } = this.ports;
    const name = config.text("dbfilename");
    const isPersistent = config.boolean("appendonly") || this.file.hasSavePoints;
    if (name === "" || (config.boolean("rdb-del-sync-files") && !isPersistent)) return;
    try {
      await this.storage.rename(this.name, name);
      await this.storage.syncFolder();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      host.log(
        "warning",
        `Failed trying to rename the temp DB into ${name} in MASTER <-> REPLICA synchronization: ${error.message}`,
      );
    }
  }
}
