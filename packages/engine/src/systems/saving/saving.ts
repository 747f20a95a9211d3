/**
 * Saving and loading the data set: SAVE, BGSAVE, save points, the file at the start.
 *
 * A background save is a snapshot cut: nothing is copied or forked. Its entries are written in
 * slices of a tenth of a millisecond (while clients are served) between loop turns, or just before
 * a command changes them, while the file is written beside the loop.
 */

import type { SavePoint } from "@kv/config";
import { idleTimeMs, LFU_INIT_VAL, lfuBits, lfuDecrAndReturn, lruBits } from "@kv/eviction";
import {
  BackgroundSave,
  checkFile,
  type EvictionField,
  FileLoader,
  type LoadResult,
  loadFile,
  loadFileNow,
  RDB_VERSION_MAX,
  type RdbWriteVersion,
  type SaveOptions,
  type SaveResult,
  type SaveStep,
  type SnapshotLoader,
  type SnapshotOptions,
  StorageError,
  saveNow,
} from "@kv/persistence";
import type { ShutdownRequest } from "../../kernel/shutdown-request.ts";
import { EngineState } from "../../kernel/situation.ts";
import { durationOfKeysUs } from "../../kernel/snapshot-jobs.ts";
import { savingName } from "../../kernel/temporary-names.ts";
import { wakingStorage } from "../../kernel/waking-storage.ts";
import {
  appendOnlyFilePort,
  type DataSetFile,
  type FunctionLibraries,
  type LibraryPolicy,
  type LoadedKeys,
  Port,
  type Ports,
} from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { FinalSave } from "./final-save.ts";
import { LoadDelay } from "./load-delay.ts";
import { QuietLoad } from "./quiet-load.ts";

/** A full chunk is summed and sent within one slice, so it had better be small. */
const CHUNK_BYTES = 16 * 1024;
/** After a failed background save the next automatic one waits so long. */
const RETRY_MS = 5000;

const SNAPSHOT_FAILED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  "Commands that may modify the data set are disabled, because this instance is configured to " +
  "report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). " +
  "Please check the Redis logs for details about the RDB error.";

const NEWER_FILE =
  "Some fields of hashes have a time to live: the file is written as RDB version 12, which servers " +
  "older than Redis 7.4 refuse to load.";

const FATAL = "Fatal error loading the DB, check server logs. Exiting.";

/** What the log says of a save that failed at this step, before the reason. */
const failures: Readonly<Record<SaveStep, string>> = {
  create: "Failed opening the temp RDB file for saving",
  write: "Write error while saving DB to the disk(write)",
  sync: "Write error while saving DB to the disk(fsync)",
  rename: "Error moving the temp DB file on the final destination",
  "sync-folder": "Failed to fsync the folder of the DB after saving",
  aborted: "Saving was given up",
};

/** By which saving is asked for. */
export const savingPort = new Port<Saving>("saving");

/** What saving takes of the engine. */
export type SavingNeeds = Pick<
  Ports,
  | "host"
  | "config"
  | "situation"
  | "pause"
  | "identity"
  | "keyspace"
  | "memory"
  | "refusals"
  | "snapshotJobs"
  | "settings"
  | "of"
>;

/** Saves and loads the data set: see the head of this file. */
export class Saving implements Running, DataSetFile {
  /** `save`: a background save begins when one of these is reached; empty: none does by itself. */
  savePoints: readonly SavePoint[] = [];
  /**
   * When the data set was last saved, by the wall clock; at first the start of the server.
   * LASTSAVE.
   */
  lastSaveMs: number;
  /** `rdb_last_bgsave_status` of INFO: false from a background save that failed to one that did not. */
  lastSaveOk = true;
  /** When a background save was last begun, by the wall clock; 0: never. */
  lastTryMs = 0;
  /** Whole seconds that the last background save took; -1: there was none. */
  lastDurationSeconds = -1;
  /** Saves that went well since the start or CONFIG RESETSTAT: `rdb_saves` of INFO. */
  saveCount = 0;
  /** Keys that the last loaded file gave, or has so far: `rdb_last_load_keys_loaded` of INFO. */
  loadedKeys = 0;
  /** Keys of that file that were left out because they had expired: `rdb_last_load_keys_expired`. */
  expiredAtLoad = 0;
  /**
   * How far the loading at the start has come; null while nothing is being loaded. `startedMs` is
   * by the wall clock.
   */
  loading: {
    startedMs: number;
    loadedBytes: number;
    totalBytes: number;
    isServing: boolean;
  } | null = null;
  /** BGSAVE that waits: for the end of a rewrite (SCHEDULE), or of the transaction that it stands in. */
  isScheduled = false;
  /** Libraries that are saved and loaded with the keys. Null: a file that holds some is refused. */
  functions: FunctionLibraries | null = null;
  /** Says which history a file belongs to. */
  history: DataSetFile["history"] = null;
  /** Hears of keys that are not loaded. */
  expired: DataSetFile["expired"] = null;
  /** What the file that was loaded at the start tells about itself. */
  loadedFacts: ReadonlyMap<string, string> = new Map();
  /** The code of those that the file being loaded holds. */
  private loadedCodes: Uint8Array[] = [];
  private readonly loadDelay: LoadDelay;
  private readonly quietLoad: QuietLoad;
  private readonly finalSave: FinalSave;
  private readonly ports: SavingNeeds;
  private running: BackgroundSave | null = null;
  /** What the disk still has to do with: saves, given up or not, and the loading. */
  private readonly underWay = new Set<Promise<unknown>>();
  private isStopped = false;
  private runningStartMs = 0;
  /** As lastSaveMs, but that it moves along when the clock is set: save points are about a duration. */
  private savedMs: number;
  private dirtyAtStart = 0;
  private tryCount = 0;

  constructor(ports: SavingNeeds) {
    this.ports = ports;
    this.loadDelay = new LoadDelay(ports);
    this.quietLoad = new QuietLoad(ports);
    this.finalSave = new FinalSave(ports, this);
    this.lastSaveMs = ports.situation.nowMs;
    this.savedMs = this.lastSaveMs;
  }

  /** `rdb.version`: of what is written, be it a file or a payload of DUMP. */
  get version(): RdbWriteVersion {
    return Number(this.ports.config.text("rdb.version")) as RdbWriteVersion;
  }

  /** Whether the file is being loaded, with clients being served meanwhile. */
  get isLoading(): boolean {
    return this.loading !== null;
  }

  /** Whether a background save is under way. */
  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Whether a background save has to wait: the append-only file is being rewritten. */
  get isHindered(): boolean {
    return this.ports.of(appendOnlyFilePort).isRewriting;
  }

  /** Keys written and to be written by the running save. */
  get progress(): { taken: number; total: number; seconds: number } | null {
    if (this.running === null) return null;
    const { takenCount, totalCount } = this.running.snapshot;
    const seconds = Math.floor((this.ports.situation.nowMs - this.runningStartMs) / 1000);
    return { taken: takenCount, total: totalCount, seconds };
  }

  /** @internal How the data set is to be written to its file now. */
  options(): SaveOptions {
    const { config, host } = this.ports;
    this.tryCount++;
    return {
      ...this.snapshotOptions(),
      name: config.text("dbfilename"),
      temporaryName: savingName(host.facts.processId, this.tryCount),
      ...(config.boolean("rdb-save-incremental-fsync") ? { syncEveryBytes: 4 * 2 ** 20 } : {}),
    };
  }

  /** How the data set is to be written now, to its file or elsewhere. */
  snapshotOptions(): SnapshotOptions {
    const { config, host, identity, keyspace, memory } = this.ports;
    const { version } = this;
    if (keyspace.fieldExpiryCount > 0 && version < RDB_VERSION_MAX) host.log("notice", NEWER_FILE);
    return {
      version,
      chunkBytes: CHUNK_BYTES,
      compress: config.boolean("rdbcompression"),
      checksum: config.boolean("rdbchecksum"),
      eviction: this.evictionField(),
      ...(this.functions === null ? {} : { functions: this.functions.codes() }),
      facts: {
        redisVersion: identity.redisVersion,
        nowMs: host.wallMs(),
        usedMemoryBytes: memory.usedBytes,
        replication: this.history?.(),
      },
    };
  }

  private evictionField(): EvictionField | undefined {
    const { evictor } = this.ports.memory;
    const { settings, clock, policy } = evictor;
    if (!policy.judgesUse) return undefined;
    if (policy.usage === "lfu") {
      return {
        kind: "frequency",
        counterOf: (bits) => lfuDecrAndReturn(bits, clock.lfuMinutes, settings.lfuDecayMinutes),
      };
    }
    return {
      kind: "idle",
      secondsOf: (bits) => Math.floor(idleTimeMs(bits, clock.lruClock) / 1000),
    };
  }

  /**
   * SAVE: now, while everybody waits. False when it failed; the log says why. A background save is
   * given up for it: its instant is an older one, and its file would come later.
   */
  saveNow(): boolean {
    const { host, keyspace, situation, snapshotJobs } = this.ports;
    this.abortBackground();
    const slowerUs = durationOfKeysUs(keyspace.keyCount, snapshotJobs.keyDelayUs);
    if (slowerUs > 0) host.sleepMs(slowerUs / 1000);
    const result = saveNow(keyspace, host.syncStorage, this.options());
    return this.saveEnded(result, situation.dirty, false);
  }

  /** Begins a background save. Undefined, or why it cannot be: the text of an error. */
  beginBackground(): string | undefined {
    const { host, keyspace, situation, snapshotJobs } = this.ports;
    if (this.running !== null) return "ERR Background save already in progress";
    this.lastTryMs = situation.nowMs;
    this.runningStartMs = situation.nowMs;
    this.dirtyAtStart = situation.dirty;
    const options = this.options();
    const save = new BackgroundSave(keyspace, wakingStorage(host), options);
    this.running = save;
    snapshotJobs.add(save);
    host.log("notice", `Background saving started by pid ${host.facts.processId}`);
    void this.whileUnderWay(save.result.then((result) => this.backgroundEnded(save, result)));
    return undefined;
  }

  private endRunning(): void {
    if (this.running !== null) this.ports.snapshotJobs.remove(this.running);
    this.running = null;
  }

  private whileUnderWay<Result>(work: Promise<Result>): Promise<Result> {
    this.underWay.add(work);
    return work.finally(() => this.underWay.delete(work));
  }

  /** True when the disk has nothing to do for us. */
  get isSettled(): boolean {
    return this.underWay.size === 0;
  }

  /** Resolves when that is so. */
  async settled(): Promise<void> {
    while (!this.isSettled) await Promise.allSettled(this.underWay);
  }

  /** The final save begins, if there is to be one. */
  preparing(request: ShutdownRequest): Promise<void> | undefined {
    const work = this.finalSave.prepare(request);
    return work && this.whileUnderWay(work);
  }

  /** Nothing else happens than the final save. */
  lastTurn(): number {
    return this.finalSave.turn();
  }

  /** Nobody waits for it any more. */
  hurried(): void {
    this.abortBackground();
  }

  /** False: the final save failed, and the end was not forced. */
  stopping(request: ShutdownRequest): boolean {
    return this.finalSave.finish(request);
  }

  /** CONFIG RESETSTAT: saves count from zero. */
  resetStatistics(): void {
    this.saveCount = 0;
  }

  /** For good: what is being saved or loaded is given up. */
  stop(): void {
    this.isStopped = true;
    this.abortBackground();
  }

  private backgroundEnded(save: BackgroundSave, result: SaveResult): void {
    const { host, situation } = this.ports;
    if (this.running !== save) {
      host.log("notice", "Background saving was given up");
      return;
    }
    this.endRunning();
    const nowMs = situation.readClock();
    this.lastDurationSeconds = Math.floor((nowMs - this.runningStartMs) / 1000);
    if (this.saveEnded(result, this.dirtyAtStart, true))
      host.log("notice", "Background saving terminated with success");
    else host.log("warning", "Background saving error");
  }

  /** @internal A save has ended that holds so many changes. False: it failed; the log says why. */
  saveEnded(result: SaveResult, savedChanges: number, isBackground: boolean): boolean {
    const { host, situation } = this.ports;
    if (result.ok) {
      situation.dirty -= savedChanges;
      this.lastSaveMs = situation.nowMs;
      this.savedMs = situation.nowMs;
      this.saveCount++;
      host.log("notice", "DB saved on disk");
    } else {
      host.log("warning", `${failures[result.step]}: ${result.error.message}`);
    }
    // Whoever called SAVE was told that it failed; only a failure that nobody saw stops writes.
    if (result.ok || isBackground) this.lastSaveOk = result.ok;
    this.updateDiskState();
    return result.ok;
  }

  /** Whether writes are refused because saving fails. */
  updateDiskState(): void {
    const { config, refusals } = this.ports;
    const refuses =
      !this.lastSaveOk &&
      this.savePoints.length > 0 &&
      config.boolean("stop-writes-on-bgsave-error");
    refusals.set("saving", refuses ? SNAPSHOT_FAILED : "");
  }

  /** Saves come when they would have come. */
  clockStepped(stepMs: number): void {
    this.runningStartMs += stepMs;
    this.savedMs += stepMs;
    if (this.lastTryMs !== 0) this.lastTryMs += stepMs;
  }

  /** Save points, and what was scheduled. */
  cron(nowMs: number): void {
    if (this.loading !== null) this.quietLoad.cron(nowMs - this.loading.startedMs);
    if (this.running !== null || this.loading !== null || this.isStopped) return;
    if (this.isHindered) return;
    const { host, situation } = this.ports;
    const mayTry = this.lastSaveOk || nowMs - this.lastTryMs > RETRY_MS;
    for (const { seconds, changes } of this.savePoints) {
      if (situation.dirty >= changes && nowMs - this.savedMs > seconds * 1000 && mayTry) {
        host.log("notice", `${changes} changes in ${seconds} seconds. Saving...`);
        this.beginBackground();
        return;
      }
    }
    if (this.isScheduled && mayTry) {
      this.isScheduled = false;
      this.beginBackground();
    }
  }

  /**
   * Gives up a running background save. When this returns, the file is the old one or the new one,
   * and that save is not going to change it any more; nobody has to wait for the disk.
   */
  abortBackground(): void {
    const { running } = this;
    this.endRunning();
    running?.abort();
    this.finalSave.abort();
  }

  /**
   * FLUSHALL: what is being saved is no longer wanted, and with save points nothing that was
   * removed may come back. True when it is on disk that there are no keys.
   */
  allFlushed(): boolean {
    this.abortBackground();
    if (this.savePoints.length === 0) return false;
    // The command is not a part of its history yet: nobody may go on from this file.
    const { history } = this;
    this.history = null;
    try {
      return this.saveNow();
    } finally {
      this.history = history;
    }
  }

  /** `save` has conditions. */
  get hasSavePoints(): boolean {
    return this.savePoints.length > 0;
  }

  /** Clients are answered that it is being loaded, until endLoading(), unless they can be served. */
  beginLoading(isServing = false): void {
    const { host, memory, situation } = this.ports;
    situation.setUnusual(isServing ? EngineState.ASYNC_LOADING : EngineState.LOADING, true);
    memory.refreshIdle(host.wallMs());
    this.loading = { startedMs: host.wallMs(), loadedBytes: 0, totalBytes: 0, isServing };
  }

  /** How far it has come. */
  loaded(loadedBytes: number, totalBytes: number): void {
    if (this.loading === null) return;
    this.loading.loadedBytes = loadedBytes;
    this.loading.totalBytes = totalBytes;
    this.quietLoad.loaded(loadedBytes);
  }

  /** It is over. */
  endLoading(): void {
    this.loading = null;
    this.ports.situation.setUnusual(EngineState.LOADING | EngineState.ASYNC_LOADING, false);
  }

  /** Loads a snapshot into the keyspace or another one, whatever file it comes from. */
  snapshotLoader({
    keyspace = this.ports.keyspace,
    keepsExpired = this.ports.situation.is(EngineState.REPLICA),
  } = {}): FileLoader {
    const { config, settings, memory, host } = this.ports;
    const { clock } = memory.evictor;
    this.loadedCodes = [];
    this.loadDelay.begin();
    const loader: FileLoader = new FileLoader(keyspace, {
      ...(this.functions === null
        ? {}
        : { functionCode: (code: Uint8Array) => this.loadedCodes.push(code) }),
      ...(keepsExpired ? {} : { nowMs: host.wallMs() }),
      expired: (databaseIndex, bytes, start, end) =>
        this.expired?.(loader.facts, databaseIndex, bytes.slice(start, end)),
      checksum: config.boolean("rdbchecksum"),
      limits: settings.limits,
      idleBits: (idleSeconds, frequency) => {
        if (memory.evictor.policy.usage === "lfu")
          return lfuBits(frequency === -1 ? LFU_INIT_VAL : frequency, clock.lfuMinutes);
        return lruBits(Math.max(0, idleSeconds), clock.lruClock);
      },
      log: (level, message) => host.log(level, message),
    });
    return loader;
  }

  /**
   * Loads the file at the start, answering LOADING meanwhile. False: fatal, and logged; or stopped.
   */
  load(): Promise<boolean> {
    return this.whileUnderWay(this.loadFile());
  }

  private async loadFile(): Promise<boolean> {
    const { config, host } = this.ports;
    // The append-only file is the data set then.
    if (config.boolean("appendonly")) return true;
    const startUs = host.monotonicUs();
    this.beginLoading();
    const loader = this.snapshotLoader();
    const name = config.text("dbfilename");
    try {
      const goOn = (loadedBytes: number, totalBytes: number): Promise<void> => {
        this.loaded(loadedBytes, totalBytes);
        this.countKeys(loader);
        return this.loadingTurn(loader);
      };
      const isStopped = () => this.isStopped;
      const pieceBytes = () => config.number("loading-process-events-interval-bytes");
      const result = await loadFile(host.storage, name, loader, goOn, isStopped, pieceBytes);
      this.loadedFacts = loader.facts;
      return this.loadEnded(result, loader, startUs, "FLUSH");
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      host.log("warning", `Fatal error: can't read the RDB file ${name}: ${error.message}`);
      host.log("warning", FATAL);
      return false;
    } finally {
      this.endLoading();
    }
  }

  /** key-load-delay is set. */
  get isLoadingSlowly(): boolean {
    return this.loadDelay.keyUs !== 0;
  }

  /** Holds everybody for as long as `key-load-delay` wants what the loader has read since to take. */
  loadingDelay(loaded: LoadedKeys): void {
    this.loadDelay.hold(loaded);
  }

  /** Serves the clients, for so long as `key-load-delay` wants what the loader has read since to take. */
  loadingTurn(loaded: LoadedKeys): Promise<void> {
    if (this.isLoadingSlowly) this.quietLoad.end();
    return this.loadDelay.turn(loaded, () => this.isStopped);
  }

  /** DEBUG RELOAD: the saved file replaces (or joins) the data set, while everybody waits. */
  loadNow(policy: LibraryPolicy): boolean {
    const { config, host } = this.ports;
    const startUs = host.monotonicUs();
    const loader = this.snapshotLoader();
    try {
      const name = config.text("dbfilename");
      const result = loadFileNow(host.syncStorage, name, loader);
      this.loadingDelay(loader);
      return this.loadEnded(result, loader, startUs, policy);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      host.log("warning", `Error loading the DB: ${error.message}`);
      return false;
    }
  }

  /** Tells in a few lines what kv-check-rdb finds wrong with the file. */
  private reportDamage(): void {
    const { config, host } = this.ports;
    const print = (line: string) => host.log("warning", line);
    try {
      checkFile(host.syncStorage, config.text("dbfilename"), host.wallMs(), print, true);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      print(`The file cannot be checked: ${error.message}`);
    }
    print("Terminating server after rdb file reading failure.");
  }

  /** The loader has done: its libraries are taken. Undefined, or why that cannot be. */
  snapshotLoaded(loader: SnapshotLoader, policy: LibraryPolicy): string | undefined {
    const codes = this.loadedCodes;
    this.loadedCodes = [];
    this.countKeys(loader);
    const problem = this.functions?.takeFromFile(codes, policy);
    return problem === undefined ? undefined : `Failed creating function: ${problem}`;
  }

  private countKeys({ loadedCount, expiredCount }: LoadedKeys): void {
    this.loadedKeys = loadedCount;
    this.expiredAtLoad = expiredCount;
  }

  private loadEnded(
    result: LoadResult,
    loader: FileLoader,
    startUs: number,
    policy: LibraryPolicy,
  ): boolean {
    const { host } = this.ports;
    if (result === "missing") return true;
    if (result === "stopped") return false;
    if (result === "failed") {
      if (loader.error?.preface !== undefined) host.log("warning", loader.error.preface);
      host.log("warning", loader.error?.message ?? "Error loading the DB");
      if (loader.error?.isDamage === true) this.reportDamage();
      host.log("warning", FATAL);
      return false;
    }
    const problem = this.snapshotLoaded(loader, policy);
    if (problem !== undefined) {
      host.log("warning", problem);
      host.log("warning", FATAL);
      return false;
    }
    const seconds = ((host.monotonicUs() - startUs) / 1e6).toFixed(3);
    const { loadedCount, expiredCount, emptyCount } = loader;
    const emptyText = emptyCount === 0 ? "" : `, 'empty keys skipped: ${emptyCount}'`;
    host.log(
      "notice",
      `Done loading RDB, keys loaded: ${loadedCount}, keys expired: ${expiredCount}${emptyText}.`,
    );
    host.log("notice", `DB loaded from disk: ${seconds} seconds`);
    return true;
  }
}
