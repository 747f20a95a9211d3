/**
 * AppendOnly: the append-only file. Every command that changed the data set is logged before its client
 * hears of it, and the log is the data set when the server starts again.
 *
 *      off ──CONFIG SET appendonly yes──> beginning ──a base is written──> on ──CONFIG SET no──> off
 *                                              └──failed: tried again
 *
 * Who does what: LogWriter has the file that grows, LogFolder the folder with its manifest, LogLoad reads
 * all of it at the start, Rewrite makes it short again. Here it is decided when.
 */
import { type AppendFile, ManifestError, StorageError, saveNow } from "@kv/persistence";
import type { ShutdownRequest } from "../../kernel/shutdown-request.ts";
import { EngineState } from "../../kernel/situation.ts";
import { type AppendOnlyFile, dataSetFilePort, Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { nextBaseFile, UNFINISHED_BASE } from "./base-file.ts";
import { LogFolder, named } from "./log-folder.ts";
import { LogLoad, LogLoadError } from "./log-load.ts";
import { LogWriter } from "./log-writer.ts";
import { Rewrite, type RewriteMode } from "./rewrite.ts";

/** By which the append-only file is asked for. */
export const appendOnlyPort = new Port<AppendOnly>("append-only");

/** What it takes of the engine. */
export type AppendOnlyNeeds = Pick<
  Ports,
  | "host"
  | "config"
  | "situation"
  | "keyspace"
  | "refusals"
  | "latency"
  | "snapshotJobs"
  | "propagator"
  | "effects"
  | "output"
  | "replay"
  | "of"
>;

/** Failures of rewrites in a row, after which the next try waits. */
const FAILURES_BEFORE_DELAY = 3;
const DELAY_MINUTES_MAX = 60;
const MINUTE_MS = 60_000;

const alreadyRewriting = "ERR Background append only file rewriting already in progress";

/** The append-only file: see the head of this file. */
export class AppendOnly implements Running, AppendOnlyFile {
  /** off: nothing is logged; beginning: a base is being written for what is to be logged; on. */
  state: "off" | "beginning" | "on" = "off";
  readonly writer: LogWriter;
  /** BGREWRITEAOF that waits for another job to end. */
  isScheduled = false;
  /** Whole seconds that the last rewrite took; -1: there was none. */
  lastRewriteSeconds = -1;
  lastRewriteOk = true;
  /** Rewrites that were begun since the start or CONFIG RESETSTAT. */
  rewriteCount = 0;
  failuresInARow = 0;
  /** Bytes of all files behind the last rewrite, or at the start: growth counts from here. */
  baseBytes = 0;
  private readonly ports: AppendOnlyNeeds;
  private folder: LogFolder;
  private rewrite: Rewrite | null = null;
  private rewriteStartMs = 0;
  private failedMs = 0;
  private isDelayTold = false;
  /** Bytes of all files but those that the writer has had since they were measured. */
  private otherBytes = 0;
  /** The start is over: from now on `appendonly` is put into force at once. */
  private isStarted = false;
  private isStopped = false;
  /** Old files are being removed. */
  private isTidying = false;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(ports: AppendOnlyNeeds) {
    this.ports = ports;
    const { config, host } = ports;
    this.folder = new LogFolder(host, config.text("appenddirname"), config.text("appendfilename"));
    this.writer = new LogWriter(ports);
    const isBesideSnapshot = () => this.isRewriting || ports.of(dataSetFilePort).isRunning;
    this.writer.isBesideSnapshot = isBesideSnapshot;
    this.writer.skipsSync = () => config.boolean("no-appendfsync-on-rewrite") && isBesideSnapshot();
  }

  get isOn(): boolean {
    return this.state !== "off";
  }

  get offset(): number {
    return this.writer.offset;
  }

  isSynced(offset: number): boolean {
    return this.state === "on" && this.writer.isSynced(offset);
  }

  /** Whether a rewrite is under way. */
  get isRewriting(): boolean {
    return this.rewrite !== null;
  }

  /** Whole seconds since it began; -1: none is. */
  get rewriteSeconds(): number {
    if (this.rewrite === null) return -1;
    return Math.floor((this.ports.situation.nowMs - this.rewriteStartMs) / 1000);
  }

  /** Bytes of all files: `aof_current_size` of INFO. */
  get currentBytes(): number {
    return this.otherBytes + this.writer.formerBytes + this.writer.fileBytes;
  }

  // Directives.

  /** appendonly. Undefined, or why it cannot be. */
  setWanted(isWanted: boolean): string | undefined {
    if (!this.isStarted || isWanted === (this.state !== "off")) return undefined;
    if (isWanted) return this.turnOn();
    this.turnOff();
    return undefined;
  }

  private turnOn(): string | undefined {
    const { host, situation } = this.ports;
    try {
      this.folder.make();
      const found = this.folder.read();
      if (found instanceof ManifestError) {
        this.tellManifestError(found);
        return "Unable to turn on AOF. Check server logs.";
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      host.log("warning", `The AOF cannot be turned on: ${error.message}`);
      return "Unable to turn on AOF. Check server logs.";
    }
    this.rewrite?.abort();
    this.rewrite = null;
    this.state = "beginning";
    if (this.isHindered) {
      this.isScheduled = true;
      const why = situation.isNested ? "during a transaction" : "beside a background save";
      host.log(
        "notice",
        `AOF was enabled ${why}. An AOF background was scheduled to start behind it.`,
      );
    } else this.begin("beginning");
    return undefined;
  }

  private turnOff(): void {
    if (this.isRewriting) this.ports.host.log("notice", "Killing running AOF rewrite child");
    this.rewrite?.abort();
    this.rewrite = null;
    this.isScheduled = false;
    if (this.state === "on") {
      this.writer.secure();
      this.endLogging();
      this.writer.stop();
    }
    this.state = "off";
  }

  private readonly beginLogging = (): void => {
    const { propagator, output, effects } = this.ports;
    propagator.sinks.push(this.writer);
    output.gate = this.writer;
    effects.updateInterest();
  };

  private readonly endLogging = (): void => {
    const { propagator, output, effects } = this.ports;
    // What waits for the file leaves first: nobody else would send it.
    output.openGate();
    output.gate = null;
    const { sinks } = propagator;
    sinks.splice(sinks.indexOf(this.writer), 1);
    effects.updateInterest();
  };

  // Rewriting.

  /** BGREWRITEAOF. The status for the client; an error begins with "ERR". */
  rewriteAsked(): string {
    if (this.isRewriting) return alreadyRewriting;
    if (this.isHindered) {
      this.isScheduled = true;
      // Somebody asks for it: it need not wait because others have failed.
      this.failuresInARow = 0;
      return "Background append only file rewriting scheduled";
    }
    const problem = this.startRewrite();
    return problem ?? "Background append only file rewriting started";
  }

  /** A rewrite has to wait: for a background save, or for the end of a transaction, half of which is no instant. */
  private get isHindered(): boolean {
    return this.ports.of(dataSetFilePort).isRunning || this.ports.situation.isNested;
  }

  private startRewrite(): string | undefined {
    if (this.state !== "off") {
      this.begin(this.state === "on" ? "logging" : "beginning");
      return undefined;
    }
    try {
      this.folder.make();
      const found = this.folder.read();
      if (found instanceof ManifestError) throw new StorageError("EINVAL", found.message);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // One that was put off is over as well: the cron would try it, and say so, in each of its turns.
      this.isScheduled = false;
      this.lastRewriteOk = false;
      this.ports.host.log("warning", `Can't rewrite append only file: ${error.message}`);
      return "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.";
    }
    this.begin("base-only");
    return undefined;
  }

  private begin(mode: RewriteMode): void {
    const { folder, writer, ports, beginLogging, endLogging, installed } = this;
    const { host, situation } = ports;
    this.isScheduled = false;
    this.rewriteCount++;
    this.rewriteStartMs = situation.nowMs;
    const before = Promise.allSettled(this.underWay);
    const parts = { ports, folder, writer, beginLogging, endLogging, installed, before };
    const rewrite = new Rewrite(parts, mode);
    this.rewrite = rewrite;
    host.log(
      "notice",
      `Background append only file rewriting started by pid ${host.facts.processId}`,
    );
    void this.whileUnderWay(rewrite.result.then((isDone) => this.rewritten(rewrite, isDone)));
  }

  /** Old files are still to be removed, and that may fail: whoever turns the log off meanwhile ends it. */
  private readonly installed = (rewrite: Rewrite): void => {
    if (this.rewrite === rewrite && this.state === "beginning") this.state = "on";
  };

  private whileUnderWay<Result>(work: Promise<Result>): Promise<Result> {
    this.underWay.add(work);
    return work.finally(() => this.underWay.delete(work));
  }

  private rewritten(rewrite: Rewrite, isDone: boolean): void {
    if (this.rewrite !== rewrite) return;
    this.rewrite = null;
    const nowMs = this.ports.situation.readClock();
    this.lastRewriteSeconds = Math.floor((nowMs - this.rewriteStartMs) / 1000);
    this.lastRewriteOk = isDone;
    if (!isDone) {
      this.failuresInARow++;
      this.failedMs = nowMs;
      this.isDelayTold = false;
      return;
    }
    this.failuresInARow = 0;
    if (this.writer.isBroken) this.writer.trust();
    this.measure();
    this.baseBytes = this.currentBytes;
  }

  /** The files that do not grow any more are measured. */
  private measure(): void {
    const { base, incrementals } = this.folder.manifest;
    const others = [...(base === undefined ? [] : [base]), ...incrementals.slice(0, -1)];
    this.otherBytes = 0;
    this.writer.formerBytes = 0;
    try {
      for (const { name } of others) this.otherBytes += this.folder.sizeOf(name) ?? 0;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  /** What lasts, and what is waited for behind a failure, takes as long as before. */
  clockStepped(stepMs: number): void {
    this.rewriteStartMs += stepMs;
    this.failedMs += stepMs;
  }

  // Periodic work.

  /** Syncs, and begins rewrites that are due. */
  cron(nowMs: number): void {
    if (this.isStopped || !this.isStarted) return;
    if (this.state !== "off") this.writer.cron();
    if (this.isRewriting || this.ports.of(dataSetFilePort).isRunning) return;
    const isNeeded = this.isScheduled || this.state === "beginning" || this.writer.isBroken;
    if (isNeeded && (this.failuresInARow === 0 || nowMs - this.failedMs >= 1000)) {
      this.startRewrite();
      return;
    }
    if (this.state === "on" && this.hasGrown() && !this.isDelayed(nowMs)) this.begin("logging");
  }

  private hasGrown(): boolean {
    const { config, host } = this.ports;
    const percentage = config.number("auto-aof-rewrite-percentage");
    const { currentBytes } = this;
    if (percentage === 0 || currentBytes <= config.number("auto-aof-rewrite-min-size"))
      return false;
    const base = Math.max(1, this.baseBytes);
    const growth = Math.floor((currentBytes * 100) / base) - 100;
    if (growth < percentage) return false;
    if (!this.isDelayTold)
      host.log("notice", `Starting automatic rewriting of AOF on ${growth}% growth`);
    return true;
  }

  /** After several failures in a row the next try waits, longer each time. */
  private isDelayed(nowMs: number): boolean {
    const excess = this.failuresInARow - FAILURES_BEFORE_DELAY;
    if (excess < 0) return false;
    const minutes = Math.min(2 ** excess, DELAY_MINUTES_MAX);
    if (nowMs - this.failedMs >= minutes * MINUTE_MS) return false;
    if (!this.isDelayTold)
      this.ports.host.log(
        "warning",
        `Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ${minutes} minutes`,
      );
    this.isDelayTold = true;
    return true;
  }

  // The start.

  /** Loads the data set, and begins to log. False: it cannot be loaded, and the log says why. */
  load(): Promise<boolean> {
    return this.whileUnderWay(this.loadAll());
  }

  private async loadAll(): Promise<boolean> {
    const { config, host } = this.ports;
    if (!config.boolean("appendonly")) {
      this.isStarted = true;
      return true;
    }
    const file = this.ports.of(dataSetFilePort);
    try {
      if (!this.find()) return false;
      const load = this.loader();
      file.beginLoading();
      try {
        for (const loaded of load.steps()) {
          file.loaded(load.loadedBytes, load.totalBytes);
          await file.loadingTurn(loaded);
          if (this.isStopped) return false;
        }
      } finally {
        file.endLoading();
      }
      this.start();
    } catch (error) {
      if (!(error instanceof LogLoadError) && !(error instanceof StorageError)) throw error;
      for (const line of error.message.split("\n")) host.log("warning", line);
      return false;
    }
    this.isStarted = true;
    return true;
  }

  /** Finds the files. False: the manifest is damaged. Throws StorageError. */
  private find(): boolean {
    const { folder, ports } = this;
    folder.make();
    const found = folder.read();
    if (found instanceof ManifestError) {
      this.tellManifestError(found);
      return false;
    }
    folder.removeUnfinished(UNFINISHED_BASE);
    const oldName = ports.config.text("appendfilename");
    const moves = `Can't move the append-only file ${oldName} into the append-only dir`;
    if (named(moves, () => folder.adoptSingleFile(found)))
      ports.host.log(
        "notice",
        `Successfully migrated an old-style AOF file (${oldName}) into the AOF directory (${ports.config.text("appenddirname")}).`,
      );
    return true;
  }

  private tellManifestError({ line, lineNumber, message }: ManifestError): void {
    const { host } = this.ports;
    host.log("warning", "\n*** FATAL AOF MANIFEST FILE ERROR ***");
    if (lineNumber > 0) host.log("warning", `Reading the manifest file, at line ${lineNumber}`);
    if (line !== undefined) host.log("warning", `>>> '${line}'`);
    host.log("warning", message);
  }

  private loader(): LogLoad {
    const { ports, folder } = this;
    const { config, host, replay } = ports;
    const file = ports.of(dataSetFilePort);
    return new LogLoad({
      host,
      folder,
      replay,
      takesTruncated: config.boolean("aof-load-truncated"),
      pieceBytes: () => config.number("loading-process-events-interval-bytes"),
      // A command behind the base may have given a key another expiry, or none.
      snapshotLoader: () => file.snapshotLoader({ keepsExpired: true }),
      snapshotLoaded: (loader) => file.snapshotLoaded(loader, "FLUSH"),
    });
  }

  /** Goes on at the end of the last file; makes what is missing. Throws StorageError. */
  private start(): void {
    const { folder, ports } = this;
    const { manifest } = folder;
    const last = manifest.incrementals.at(-1);
    let file: AppendFile;
    if (last !== undefined) {
      file = named(`Can't open the append-only file ${last.name}`, () => folder.append(last.name));
      ports.host.log("notice", `Opening AOF incr file ${last.name} on server start`);
    } else file = this.startFile(manifest.base === undefined);
    this.writer.start(file);
    folder.presentName = folder.manifest.incrementals.at(-1)?.name ?? "";
    this.state = "on";
    this.measure();
    this.baseBytes = this.currentBytes;
    this.beginLogging();
    this.tidy();
  }

  /** The first file for commands, and a base before it where there is none. No manifest, none of both. */
  private startFile(isNew: boolean): AppendFile {
    const { folder, ports } = this;
    const { manifest } = folder;
    const made: string[] = [];
    let file: AppendFile | undefined;
    try {
      if (isNew) this.startAnew(made);
      const sequence = folder.nextIncremental;
      const name = folder.incrementalName(sequence);
      file = named(`Can't open the append-only file ${name}`, () => folder.append(name));
      made.push(name);
      if (file.sizeBytes > 0) file.truncate(0);
      folder.writeNow({
        ...folder.manifest,
        incrementals: [{ name, sequence, type: "incremental" }],
      });
      ports.host.log("notice", `Creating AOF incr file ${name} on server start`);
      return file;
    } catch (error) {
      file?.close();
      // Whoever starts a server until it comes up would else fill the folder with files that are nobody's.
      if (folder.manifest.incrementals.length === 0) {
        folder.manifest = manifest;
        folder.removeNow(made);
      }
      throw error;
    }
  }

  /** Files that a rewrite has left go, unless they are to be kept (aof-disable-auto-gc). */
  tidy(): void {
    // No more come while some are being removed: a rewrite waits for that.
    if (this.state !== "on" || this.isRewriting || this.isTidying) return;
    if (this.ports.config.boolean("aof-disable-auto-gc")) return;
    void this.whileUnderWay(this.removeHistory());
  }

  private async removeHistory(): Promise<void> {
    this.isTidying = true;
    try {
      await this.folder.removeHistory();
    } finally {
      this.isTidying = false;
    }
  }

  /** A base of what is there, which is nothing. Its name is one of `made`, whether or not that goes well. */
  private startAnew(made: string[]): void {
    const { folder, ports } = this;
    this.warnOfSnapshot();
    folder.avoidStrayFiles();
    const { file, options } = nextBaseFile(ports, folder);
    made.push(file.name);
    const result = saveNow(ports.keyspace, folder.now, options);
    if (!result.ok)
      throw new StorageError(
        result.error.code,
        `Can't create the AOF base file ${file.name}: ${result.error.message}`,
      );
    folder.manifest = { ...folder.manifest, base: file };
    ports.host.log("notice", `Creating AOF base file ${file.name} on server start`);
  }

  /** As in Redis, a snapshot is not loaded then; whoever expected that is to know before it is overwritten. */
  private warnOfSnapshot(): void {
    const { config, host } = this.ports;
    const name = config.text("dbfilename");
    if (name === "" || !this.folder.hasBeside(name)) return;
    host.log(
      "warning",
      `WARNING: ${name} is there and is not loaded, since with appendonly the append-only file is the data set, and there is none yet. To keep what is in ${name}, stop now, start with appendonly no, and turn it on with CONFIG SET appendonly yes.`,
    );
  }

  /** DEBUG LOADAOF: the data set as the files have it, while everybody waits. False: it failed. */
  loadNow(): boolean {
    const { host, situation } = this.ports;
    if (this.state === "on" && !this.writer.secure()) return false;
    try {
      const found = this.folder.read();
      if (found instanceof ManifestError) {
        this.tellManifestError(found);
        return false;
      }
      const file = this.ports.of(dataSetFilePort);
      for (const loaded of this.loader().steps()) file.loadingDelay(loaded);
    } catch (error) {
      if (!(error instanceof LogLoadError) && !(error instanceof StorageError)) throw error;
      for (const line of error.message.split("\n")) host.log("warning", line);
      return false;
    }
    situation.dirty = 0;
    return true;
  }

  /** All data were replaced: what is logged so far is of no use, and another log begins. */
  dataSetReplaced(): void {
    if (!this.isStarted || this.state === "off") return;
    this.turnOff();
    if (this.turnOn() === undefined) return;
    // Nobody has asked for its end: it is tried again, from what is known of the files.
    this.state = "beginning";
    this.failuresInARow = 1;
    this.failedMs = this.ports.situation.nowMs;
  }

  // The end.

  /** What is logged is on disk behind this. False: a log that has only begun would be lost. */
  stopping({ force }: ShutdownRequest): boolean {
    const { host, situation } = this.ports;
    if (this.isRewriting) {
      if (this.state === "beginning") {
        // A script that has written can be ended by nothing else, and while it runs no file gets ready.
        const exits = force === true || situation.is(EngineState.BUSY);
        host.log(
          "warning",
          exits ? "Writing initial AOF. Exit anyway." : "Writing initial AOF, can't exit",
        );
        if (!exits) return false;
      }
      host.log("warning", "There is a child rewriting the AOF. Killing it!");
    }
    this.rewrite?.abort();
    this.rewrite = null;
    if (this.state !== "on") return true;
    host.log("notice", "Calling fsync() on the AOF file.");
    if (!this.writer.secure()) host.log("warning", "Fail to fsync the AOF file");
    return true;
  }

  /** For good: what is under way is given up, and what is logged is made safe. */
  stop(): void {
    this.isStopped = true;
    this.turnOff();
  }

  /** True when the disk has nothing to do for us. */
  get isSettled(): boolean {
    return this.underWay.size === 0 && !this.writer.isSyncing;
  }

  /** Resolves when that is so. */
  async settled(): Promise<void> {
    while (!this.isSettled) {
      await Promise.allSettled(this.underWay);
      await this.writer.settled();
    }
  }

  /** CONFIG RESETSTAT: rewrites count from zero. */
  resetStatistics(): void {
    this.rewriteCount = 0;
    this.writer.delayedSyncCount = 0;
  }

  /** Microseconds that each write takes longer (DEBUG AOF-FLUSH-SLEEP). */
  setWriteDelay(microseconds: number): void {
    this.writer.writeDelayUs = microseconds;
  }
}
