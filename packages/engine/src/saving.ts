/**
 * Saving and loading the data set: SAVE, BGSAVE, save points, the file at the start.
 *
 * A background save is a snapshot cut: nothing is copied or forked. Its entries are written in
 * slices of a tenth of a millisecond (while clients are served) between loop turns, or just before a command changes them,
 * while the file is written beside the loop.
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
  type SaveOptions,
  type SaveResult,
  type SaveStep,
  type Storage,
  StorageError,
  saveNow,
} from "@kv/persistence";
import { Due } from "./due.ts";
import type { Engine } from "./engine.ts";
import { EngineState } from "./guards.ts";

/**
 * Time for a slice while clients are being served, and while nobody is. Among clients a pause
 * follows each slice, not only for their sake: a thread that never rests is the one whom the
 * operating system makes wait, and then for milliseconds.
 */
const BUSY_SLICE_US = 100;
const IDLE_SLICE_US = 1000;
/**
 * Clients are at it when more commands than this came within the time given: fewer come from who
 * only asks how the save gets on. And they stay for that time: who pauses for less is coming back.
 */
const BUSY_COMMANDS = 5;
const BUSY_WINDOW_US = 50_000;
const SLICE_KEYS = 16;
/** A full chunk is summed and sent within one slice, so it had better be small. */
const CHUNK_BYTES = 16 * 1024;
/** A save waits for the disk while more than this is on its way there. */
const PENDING_BYTES_MAX = 8 * 2 ** 20;
/** After a failed background save the next automatic one waits so long. */
const RETRY_MS = 5000;

const SNAPSHOT_FAILED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  "Commands that may modify the data set are disabled, because this instance is configured to " +
  "report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). " +
  "Please check the Redis logs for details about the RDB error.";

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

export class Saving {
  savePoints: readonly SavePoint[] = [];
  lastSaveMs: number;
  lastSaveOk = true;
  /** When the last background save began, ended, how long it took (-1: there was none). */
  lastTryMs = 0;
  lastDurationSeconds = -1;
  saveCount = 0;
  /** Keys of the last loaded file: loaded, and left out because they had expired. */
  loadedKeys = 0;
  expiredAtLoad = 0;
  loading: { startedMs: number; loadedBytes: number; totalBytes: number } | null = null;
  /** BGSAVE SCHEDULE, while another job runs. */
  isScheduled = false;
  private readonly engine: Engine;
  private running: BackgroundSave | null = null;
  /** What the disk still has to do with: saves, given up or not, and the loading. */
  private readonly underWay = new Set<Promise<unknown>>();
  private isStopped = false;
  private runningStartMs = 0;
  private dirtyAtStart = 0;
  /** Since when commands are counted, and how many there had been then. */
  private windowStartUs = 0;
  private windowCommands = 0;
  private busyUntilUs = 0;
  private tryCount = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    this.lastSaveMs = engine.nowMs;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Keys written and to be written by the running save. */
  get progress(): { taken: number; total: number; seconds: number } | null {
    if (this.running === null) return null;
    const { takenCount, totalCount } = this.running.snapshot;
    const seconds = Math.floor((this.engine.nowMs - this.runningStartMs) / 1000);
    return { taken: takenCount, total: totalCount, seconds };
  }

  private options(): SaveOptions {
    const { engine } = this;
    const { config, host } = engine;
    this.tryCount++;
    return {
      name: config.text("dbfilename"),
      // Another name each time: one that was given up may still be on its way out.
      temporaryName: `temp-${host.facts.processId}-${this.tryCount}.rdb`,
      pendingBytesMax: PENDING_BYTES_MAX,
      chunkBytes: CHUNK_BYTES,
      compress: config.boolean("rdbcompression"),
      checksum: config.boolean("rdbchecksum"),
      eviction: this.evictionField(),
      facts: {
        redisVersion: engine.redisVersion,
        nowMs: engine.host.wallMs(),
        usedMemoryBytes: engine.memory.usedBytes,
      },
      ...(config.boolean("rdb-save-incremental-fsync") ? { syncEveryBytes: 4 * 2 ** 20 } : {}),
    };
  }

  private evictionField(): EvictionField | undefined {
    const { evictor } = this.engine.memory;
    const { settings, clock } = evictor;
    if (settings.policy.endsWith("-lfu")) {
      return {
        kind: "frequency",
        counterOf: (bits) => lfuDecrAndReturn(bits, clock.lfuMinutes, settings.lfuDecayMinutes),
      };
    }
    if (!settings.policy.endsWith("-lru")) return undefined;
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
    const { engine } = this;
    this.abortBackground();
    const { host } = engine;
    const options = this.options();
    const result = saveNow(engine.keyspace, host.syncStorage, options);
    return this.ended(result, engine.dirty, false);
  }

  /** Begins a background save. Undefined, or why it cannot be: the text of an error. */
  beginBackground(): string | undefined {
    const { engine } = this;
    const { host } = engine;
    if (this.running !== null) return "ERR Background save already in progress";
    this.lastTryMs = engine.nowMs;
    this.runningStartMs = engine.nowMs;
    this.dirtyAtStart = engine.dirty;
    const options = this.options();
    const save = new BackgroundSave(engine.keyspace, this.waking(host.storage.here()), options);
    this.running = save;
    host.log("notice", `Background saving started by pid ${host.facts.processId}`);
    void this.whileUnderWay(save.result.then((result) => this.backgroundEnded(save, result)));
    host.wake();
    return undefined;
  }

  private whileUnderWay<Result>(work: Promise<Result>): Promise<Result> {
    this.underWay.add(work);
    return work.finally(() => this.underWay.delete(work));
  }

  /** True when the disk has nothing to do for us. */
  get isSettled(): boolean {
    return this.underWay.size === 0;
  }

  /** Resolves when it has not. */
  async settled(): Promise<void> {
    while (!this.isSettled) await Promise.allSettled(this.underWay);
  }

  /** For good: what is being saved or loaded is given up. */
  stop(): void {
    this.isStopped = true;
    this.abortBackground();
  }

  /** A storage that wakes the engine when a write is done: the snapshot may have waited for it. */
  private waking(storage: Storage): Storage {
    const { host } = this.engine;
    return {
      here: () => storage.here(),
      release: () => storage.release(),
      create: async (name) => {
        const writer = await storage.create(name);
        return {
          write: async (bytes, start, end) => {
            await writer.write(bytes, start, end);
            host.wake();
          },
          sync: () => writer.sync(),
          close: () => writer.close(),
        };
      },
      open: (name) => storage.open(name),
      rename: (from, to) => storage.rename(from, to),
      remove: (name) => storage.remove(name),
      removeNow: (name) => storage.removeNow(name),
      syncFolder: () => storage.syncFolder(),
      list: () => storage.list(),
    };
  }

  private backgroundEnded(save: BackgroundSave, result: SaveResult): void {
    const { engine } = this;
    if (this.running !== save) {
      engine.host.log("notice", "Background saving was given up");
      return;
    }
    this.running = null;
    engine.nowMs = engine.host.wallMs();
    this.lastDurationSeconds = Math.floor((engine.nowMs - this.runningStartMs) / 1000);
    if (this.ended(result, this.dirtyAtStart, true))
      engine.host.log("notice", "Background saving terminated with success");
    else engine.host.log("warning", "Background saving error");
  }

  private ended(result: SaveResult, savedChanges: number, isBackground: boolean): boolean {
    const { engine } = this;
    if (result.ok) {
      engine.dirty -= savedChanges;
      this.lastSaveMs = engine.nowMs;
      this.saveCount++;
      engine.host.log("notice", "DB saved on disk");
    } else {
      engine.host.log("warning", `${failures[result.step]}: ${result.error.message}`);
    }
    // Whoever called SAVE was told that it failed; only a failure that nobody saw stops writes.
    if (result.ok || isBackground) this.lastSaveOk = result.ok;
    this.updateDiskState();
    return result.ok;
  }

  /** Whether writes are refused because saving fails. */
  updateDiskState(): void {
    const { engine } = this;
    const refuses =
      !this.lastSaveOk &&
      this.savePoints.length > 0 &&
      engine.config.boolean("stop-writes-on-bgsave-error");
    engine.diskError = SNAPSHOT_FAILED;
    engine.setUnusual(EngineState.DISK_FAILED, refuses);
  }

  /** Before waiting for events: a slice of the running save. Answers when the next one is due. */
  turn(): number {
    const { running, engine } = this;
    if (running === null || running.snapshot.isDone) return Due.NEVER;
    const { host } = engine;
    const startUs = host.monotonicUs();
    // Every microsecond here is one that some client waits, so a busy server saves more slowly.
    const isBusy = this.isServing(startUs);
    const sliceUs = isBusy ? BUSY_SLICE_US : IDLE_SLICE_US;
    for (;;) {
      if (running.step(SLICE_KEYS)) return Due.NEVER;
      // The disk is behind: it wakes us when it has written.
      if (running.snapshot.pendingBytes > PENDING_BYTES_MAX) return Due.NEVER;
      if (host.monotonicUs() - startUs > sliceUs) return isBusy ? Due.LATER : Due.SOON;
    }
  }

  private isServing(nowUs: number): boolean {
    const { commandsProcessed } = this.engine.stats;
    if (commandsProcessed - this.windowCommands > BUSY_COMMANDS) {
      this.busyUntilUs = nowUs + BUSY_WINDOW_US;
    } else if (nowUs - this.windowStartUs < BUSY_WINDOW_US) {
      return nowUs < this.busyUntilUs;
    }
    this.windowStartUs = nowUs;
    this.windowCommands = commandsProcessed;
    return nowUs < this.busyUntilUs;
  }

  /** Save points, and what was scheduled. */
  cron(nowMs: number): void {
    if (this.running !== null || this.loading !== null || this.isStopped) return;
    const { engine } = this;
    const mayTry = this.lastSaveOk || nowMs - this.lastTryMs > RETRY_MS;
    for (const { seconds, changes } of this.savePoints) {
      if (engine.dirty >= changes && nowMs - this.lastSaveMs > seconds * 1000 && mayTry) {
        engine.host.log("notice", `${changes} changes in ${seconds} seconds. Saving...`);
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
   * Gives up a running background save. When this returns, the file is the old one or the new one, and
   * that save is not going to change it any more; nobody has to wait for the disk.
   */
  abortBackground(): void {
    const { running } = this;
    this.running = null;
    running?.abort();
  }

  /**
   * FLUSHALL: what is being saved is no longer wanted, and with save points nothing that was
   * removed may come back. True when it is on disk that there are no keys.
   */
  allFlushed(): boolean {
    this.abortBackground();
    return this.savePoints.length > 0 && this.saveNow();
  }

  private loader(): FileLoader {
    const { engine } = this;
    const { settings, memory, host } = engine;
    const { clock } = memory.evictor;
    return new FileLoader(engine.keyspace, {
      nowMs: host.wallMs(),
      checksum: engine.config.boolean("rdbchecksum"),
      limits: settings.limits,
      idleBits: (idleSeconds, frequency) => {
        if (memory.evictor.policy.usage === "lfu")
          return lfuBits(frequency === -1 ? LFU_INIT_VAL : frequency, clock.lfuMinutes);
        return lruBits(Math.max(0, idleSeconds), clock.lruClock);
      },
      log: (level, message) => host.log(level, message),
    });
  }

  /** Loads the file at the start, answering LOADING meanwhile. False: fatal, and logged; or stopped. */
  load(): Promise<boolean> {
    return this.whileUnderWay(this.loadFile());
  }

  private async loadFile(): Promise<boolean> {
    const { engine } = this;
    const { host } = engine;
    const startUs = host.monotonicUs();
    engine.setUnusual(EngineState.LOADING, true);
    engine.memory.refreshIdle(host.wallMs());
    this.loading = { startedMs: host.wallMs(), loadedBytes: 0, totalBytes: 0 };
    const loader = this.loader();
    const name = engine.config.text("dbfilename");
    try {
      const goOn = (loadedBytes: number, totalBytes: number): Promise<void> => {
        if (this.loading !== null) {
          this.loading.loadedBytes = loadedBytes;
          this.loading.totalBytes = totalBytes;
        }
        return host.nextTurn();
      };
      const isStopped = () => this.isStopped;
      const result = await loadFile(host.storage, name, loader, goOn, isStopped);
      return this.loaded(result, loader, startUs);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      host.log("warning", `Fatal error: can't read the RDB file ${name}: ${error.message}`);
      host.log("warning", FATAL);
      return false;
    } finally {
      this.loading = null;
      engine.setUnusual(EngineState.LOADING, false);
    }
  }

  /** DEBUG RELOAD: the saved file replaces (or joins) the data set, while everybody waits. */
  loadNow(): boolean {
    const { engine } = this;
    const startUs = engine.host.monotonicUs();
    const loader = this.loader();
    try {
      const name = engine.config.text("dbfilename");
      return this.loaded(loadFileNow(engine.host.syncStorage, name, loader), loader, startUs);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      engine.host.log("warning", `Error loading the DB: ${error.message}`);
      return false;
    }
  }

  /** Tells in a few lines what kv-check-rdb finds wrong with the file. */
  private reportDamage(): void {
    const { config, host } = this.engine;
    const print = (line: string) => host.log("warning", line);
    try {
      checkFile(host.syncStorage, config.text("dbfilename"), host.wallMs(), print, true);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      print(`The file cannot be checked: ${error.message}`);
    }
    print("Terminating server after rdb file reading failure.");
  }

  private loaded(result: LoadResult, loader: FileLoader, startUs: number): boolean {
    const { host } = this.engine;
    if (result === "missing") return true;
    if (result === "stopped") return false;
    if (result === "failed") {
      host.log("warning", loader.error?.message ?? "Error loading the DB");
      if (loader.error?.isDamage === true) this.reportDamage();
      host.log("warning", FATAL);
      return false;
    }
    const seconds = ((host.monotonicUs() - startUs) / 1e6).toFixed(3);
    this.loadedKeys = loader.loadedCount;
    this.expiredAtLoad = loader.expiredCount;
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
