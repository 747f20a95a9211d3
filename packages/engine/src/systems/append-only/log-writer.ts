/**
 * LogWriter: commands on their way into the append-only file, and how they are made to stay there.
 *
 *      append() ──> buffer ──> flush() ──> file ──> disk
 *                              before replies leave     always: before replies leave
 *                                                       everysec: once a second, beside the event loop
 *                                                       no: when the system likes
 *
 * It is the gate of replies: none leaves while a command waits in the buffer. Two cases are otherwise.
 * What the disk refuses under `everysec` or `no` stays there: replies leave, and writes are refused until
 * all of it is in the file, or in the next one, if a rewrite finds that to take it. (Under `always` the
 * server ends: what was done cannot be undone, and nobody was told of it.) And where writing has been seen
 * to wait for a sync of `everysec`, as on some systems it does, commands stay in the buffer for up to two
 * seconds while one runs, and replies leave. Redis does so on any system, and so forgets what it has
 * answered when it is killed meanwhile. A sync that has commands wait for two seconds, or would have them
 * wait, is counted and told as there: the disk is busy.
 *
 * A sync that failed may have lost anything behind the last one that did not, and the next one would not
 * say so: the file is not trusted again (`isBroken`) until another one has taken its place.
 */
import { type AppendFile, StorageError } from "@kv/persistence";
import { encodeRequest, latin1Bytes, release } from "@kv/resp";
import type { Host } from "../../kernel/host.ts";
import type { LatencyMonitor } from "../../kernel/latency-monitor.ts";
import type { ReplyGate } from "../../kernel/output.ts";
import { NO_DATABASE, type PropagationSink, Target } from "../../kernel/propagate.ts";
import type { Refusals } from "../../kernel/refusals.ts";
import type { Situation } from "../../kernel/situation.ts";

/** `appendfsync`. */
export type SyncPolicy = "always" | "everysec" | "no";

const BUFFER_BYTES = 64 * 1024;
/** A buffer that has grown beyond this is given back when it is empty. */
const BUFFER_BYTES_KEPT = 2 ** 20;
/** No more than this gathers before it is written, whatever else is true. */
const BUFFER_BYTES_MAX = 64 * 2 ** 20;
const SYNC_PERIOD_US = 1_000_000;
const POSTPONED_US_MAX = 2_000_000;
/** A write that takes longer than this while a sync runs has waited for it. */
const WRITE_US_MAX = 20_000;
/** For so long other writes do not try. */
const WAITS_FOR_SYNC_US = 60_000_000;
const RETRY_PERIOD_US = 1_000_000;
const LOG_PERIOD_US = 30_000_000;

/** What a LogWriter is made of. */
export interface LogWriterParts {
  host: Host;
  situation: Situation;
  refusals: Refusals;
  latency: LatencyMonitor;
}

/** The end of the append-only file: see the head of this file. */
export class LogWriter implements PropagationSink, ReplyGate {
  readonly targets = Target.LOG;
  /** aof-timestamp-enabled. */
  hasTimestamps = false;
  /** Syncs are left out for now (no-appendfsync-on-rewrite). */
  skipsSync: () => boolean = () => false;
  /** A snapshot is being written, which keeps the disk at work, too. */
  isBesideSnapshot: () => boolean = () => false;
  /** How often a sync of `everysec` took so long that writing did not wait for it any more. */
  delayedSyncCount = 0;
  /** Bytes of the files that it had before this one: 0 from whoever knows what has become of them. */
  formerBytes = 0;
  /** Microseconds that each write takes longer (DEBUG AOF-FLUSH-SLEEP). */
  writeDelayUs = 0;
  /** A sync failed: the file is to be replaced. */
  isBroken = false;
  private readonly parts: LogWriterParts;
  private currentPolicy: SyncPolicy = "everysec";
  private file: AppendFile | null = null;
  /** Empty until there is something to write: most servers never have. */
  private buffer = new Uint8Array(0);
  private length = 0;
  /** Bytes of the file that survive a power failure. */
  private syncedBytes = 0;
  /** What was logged before the file began: offsets count on over all files. */
  private offsetBeforeFile = 0;
  private syncStartUs = Number.NEGATIVE_INFINITY;
  private syncUnderWay: Promise<void> | null = null;
  /** Until then writes wait for syncs to end. */
  private waitsForSyncUntilUs = 0;
  private isPostponed = false;
  /** Since when commands wait for the sync that runs, or would elsewhere; -1: there were none. */
  private overtakingSinceUs = -1;
  /** Why the disk does not take what is in the buffer. */
  private problem: StorageError | null = null;
  private triedUs = 0;
  private loggedUs = Number.NEGATIVE_INFINITY;
  /** The server ends: nothing may be promised any more. */
  private isDead = false;
  /** The database that is selected at the end; -1: the next command is to select its own. */
  private databaseIndex = -1;
  /** The same of what is in the file. */
  private writtenDatabase = -1;
  /** The file ends within a command or a transaction, and what is in the buffer goes on there. */
  private endsInMiddle = false;
  private timestampSeconds = 0;

  constructor(parts: LogWriterParts) {
    this.parts = parts;
  }

  /** appendfsync. */
  get policy(): SyncPolicy {
    return this.currentPolicy;
  }

  /** What was put off under the old policy is not by that under the new one. */
  set policy(policy: SyncPolicy) {
    this.currentPolicy = policy;
    this.isPostponed = false;
    if (this.length > 0) this.parts.host.wake();
  }

  /** Bytes in the file. */
  get fileBytes(): number {
    return this.file?.sizeBytes ?? 0;
  }

  /** Bytes that wait. */
  get bufferedBytes(): number {
    return this.length;
  }

  /** Behind all that was given so far, since the first of it. */
  get offset(): number {
    return this.offsetBeforeFile + this.fileBytes + this.length;
  }

  /** Whether all before this offset survives a power failure. */
  isSynced(offset: number): boolean {
    return !this.isBroken && offset <= this.offsetBeforeFile + this.syncedBytes;
  }

  /** Whether all that was given is in the file: `aof_last_write_status` of INFO. */
  get isHealthy(): boolean {
    return this.problem === null && !this.isBroken;
  }

  /** Whether a sync runs beside the event loop. */
  get isSyncing(): boolean {
    return this.syncUnderWay !== null;
  }

  /** Resolves when none does. */
  async settled(): Promise<void> {
    await this.syncUnderWay;
  }

  /** Goes on at the end of the file. */
  start(file: AppendFile): void {
    this.offsetBeforeFile = this.offset - this.length - file.sizeBytes;
    this.file = file;
    this.syncedBytes = file.sizeBytes;
    this.databaseIndex = -1;
    this.writtenDatabase = -1;
    this.endsInMiddle = false;
  }

  /** Commands that changed the data set. */
  append(databaseIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.length === 0) this.parts.host.wake();
    if (this.hasTimestamps) this.appendTimestamp();
    if (databaseIndex !== this.databaseIndex && databaseIndex !== NO_DATABASE) {
      this.databaseIndex = databaseIndex;
      const select = encodeRequest(["SELECT", `${databaseIndex}`]);
      this.put(select, 0, select.length);
    }
    this.put(bytes, start, end);
    const { current } = this.parts.situation;
    if (current !== null) current.loggedOffset = this.offset;
  }

  /** When it is, if that is a later second than at the last command. */
  private appendTimestamp(): void {
    const seconds = Math.floor(this.parts.situation.nowMs / 1000);
    if (seconds <= this.timestampSeconds) return;
    this.timestampSeconds = seconds;
    const line = latin1Bytes(`#TS:${seconds}\r\n`);
    this.put(line, 0, line.length);
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (this.length + count > this.buffer.length) this.grow(count);
    if (count > 64) this.buffer.set(bytes.subarray(start, end), this.length);
    else for (let i = 0; i < count; i++) this.buffer[this.length + i] = bytes[start + i] as number;
    this.length += count;
  }

  private grow(count: number): void {
    if (this.length + count > BUFFER_BYTES_MAX) {
      this.flush(true);
      this.endsInMiddle = true;
    }
    let capacity = Math.max(this.buffer.length, BUFFER_BYTES);
    while (capacity < this.length + count) capacity *= 2;
    if (capacity === this.buffer.length) return;
    const grown = new Uint8Array(capacity);
    grown.set(this.buffer.subarray(0, this.length));
    release(this.buffer);
    this.buffer = grown;
  }

  // The gate.

  /** Something that was done has not been written: replies wait. */
  get isClosed(): boolean {
    return this.isDead || (this.length > 0 && !this.isPostponed && this.problem === null);
  }

  /** Writes it. */
  open(): boolean {
    this.flush(false);
    return !this.isDead;
  }

  /** Writes what is in the buffer; `isForced`: also while a sync runs. */
  flush(isForced: boolean): void {
    if (this.length === 0 || this.file === null || this.isDead) return;
    if (!isForced && this.isToBePostponed()) return;
    this.isPostponed = false;
    const { host, latency, situation } = this.parts;
    const startUs = host.monotonicUs();
    this.triedUs = startUs;
    const isWritten = this.write(this.file);
    const name = this.isSyncing
      ? "aof-write-pending-fsync"
      : this.isBesideSnapshot()
        ? "aof-write-active-child"
        : "aof-write-alone";
    const endUs = host.monotonicUs();
    const tookUs = endUs - startUs;
    if (this.isSyncing && tookUs > WRITE_US_MAX)
      this.waitsForSyncUntilUs = endUs + WAITS_FOR_SYNC_US;
    latency.eventTook("aof-write", tookUs, situation.nowMs);
    latency.eventTook(name, tookUs, situation.nowMs);
    if (isWritten && this.policy === "always" && !this.skipsSync()) this.syncBeforeReplies();
    else this.syncIfDue(endUs);
  }

  private isToBePostponed(): boolean {
    if (this.policy !== "everysec" || !this.isSyncing) return false;
    const { host } = this.parts;
    const nowUs = host.monotonicUs();
    const isLate = this.overtakes(nowUs);
    this.isPostponed = !isLate && nowUs <= this.waitsForSyncUntilUs;
    return this.isPostponed;
  }

  /** Something is to be written while a sync runs. True: for two seconds now, which is told. */
  private overtakes(nowUs: number): boolean {
    if (this.overtakingSinceUs === -1) this.overtakingSinceUs = nowUs;
    if (nowUs - this.overtakingSinceUs < POSTPONED_US_MAX) return false;
    this.overtakingSinceUs = -1;
    this.delayedSyncCount++;
    this.parts.host.log(
      "notice",
      "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down Redis.",
    );
    return true;
  }

  /** False: the disk did not take all of it. */
  private write(file: AppendFile): boolean {
    if (this.writeDelayUs > 0) this.parts.host.sleepMs(this.writeDelayUs / 1000);
    const before = file.sizeBytes;
    try {
      file.write(this.buffer, 0, this.length);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.writeFailed(file, before, error);
      return false;
    }
    this.length = 0;
    this.writtenDatabase = this.databaseIndex;
    this.endsInMiddle = false;
    if (this.buffer.length > BUFFER_BYTES_KEPT) {
      release(this.buffer);
      this.buffer = new Uint8Array(BUFFER_BYTES);
    }
    if (this.problem !== null) {
      this.problem = null;
      this.parts.host.log("warning", "AOF write error looks solved. The server can write again.");
      this.updateRefusal();
    }
    return true;
  }

  private writeFailed(file: AppendFile, before: number, error: StorageError): void {
    const { host } = this.parts;
    const written = file.sizeBytes - before;
    const nowUs = host.monotonicUs();
    const isLogged = nowUs - this.loggedUs > LOG_PERIOD_US;
    if (isLogged) this.loggedUs = nowUs;
    if (written === 0) {
      if (isLogged) host.log("warning", `Error writing to the AOF file: ${error.message}`);
    } else {
      if (isLogged)
        host.log(
          "warning",
          `Short write while writing to the AOF file: ${error.message} (nwritten=${written}, expected=${this.length})`,
        );
      this.cutBack(file, before, isLogged);
    }
    if (this.policy === "always") {
      this.die(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
      );
      return;
    }
    this.problem = error;
    this.updateRefusal();
  }

  /** What was written of a command that is not whole is taken back; else the rest of it is to follow. */
  private cutBack(file: AppendFile, before: number, isLogged: boolean): void {
    try {
      file.truncate(before);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (isLogged)
        this.parts.host.log(
          "warning",
          `Could not remove short write from the append-only file. Redis may refuse to load the AOF the next time it starts. ftruncate: ${error.message}`,
        );
      const written = file.sizeBytes - before;
      this.buffer.copyWithin(0, written, this.length);
      this.length -= written;
      this.endsInMiddle = true;
    }
  }

  private die(reason: string): void {
    this.isDead = true;
    const { host } = this.parts;
    host.log("warning", reason);
    host.exit(1);
  }

  private updateRefusal(): void {
    const { refusals } = this.parts;
    const text = this.problem?.message ?? (this.isBroken ? "Input/output error" : "");
    refusals.set(
      "append-only",
      text === "" ? "" : `MISCONF Errors writing to the AOF file: ${text}`,
    );
  }

  // Syncing.

  private syncBeforeReplies(): void {
    const { host, latency, situation } = this.parts;
    const file = this.file as AppendFile;
    const startUs = host.monotonicUs();
    try {
      file.syncNow();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.die(
        `Can't persist AOF for fsync error when the AOF fsync policy is 'always': ${error.message}. Exiting...`,
      );
      return;
    }
    latency.eventTook("aof-fsync-always", host.monotonicUs() - startUs, situation.nowMs);
    this.syncedBytes = file.sizeBytes;
  }

  /** `hz` times a second: syncs what is due, and tries again what failed. */
  cron(): void {
    const nowUs = this.parts.host.monotonicUs();
    const isTimeToTry = nowUs - this.triedUs >= RETRY_PERIOD_US;
    if (this.problem !== null && isTimeToTry) this.flush(true);
    if (this.isPostponed) this.flush(false);
    else if (this.overtakingSinceUs !== -1) this.overtakes(nowUs);
    // What no write follows. After a change of the policy, too, something may be left that nobody has synced.
    this.syncIfDue(nowUs);
  }

  private syncIfDue(nowUs: number): void {
    if (this.policy === "no" || nowUs - this.syncStartUs < SYNC_PERIOD_US) return;
    if (!this.isSyncing && !this.skipsSync()) this.beginSync();
  }

  private beginSync(): void {
    const { file } = this;
    if (file === null || this.isBroken || file.sizeBytes === this.syncedBytes) return;
    this.syncStartUs = this.parts.host.monotonicUs();
    const { sizeBytes } = file;
    this.syncUnderWay = file
      .sync()
      .then(
        () => this.synced(file, sizeBytes),
        (error: unknown) => this.syncFailed(file, error),
      )
      .finally(() => {
        this.syncUnderWay = null;
        this.isPostponed = false;
        this.overtakingSinceUs = -1;
        this.parts.host.wake();
      });
  }

  private synced(file: AppendFile, sizeBytes: number): void {
    if (file === this.file) this.syncedBytes = Math.max(this.syncedBytes, sizeBytes);
  }

  private syncFailed(file: AppendFile, error: unknown): void {
    if (!(error instanceof StorageError)) throw error;
    this.parts.host.log("warning", `Fail to fsync the AOF file: ${error.message}`);
    if (file === this.file) this.distrust();
  }

  private distrust(): void {
    this.isBroken = true;
    this.updateRefusal();
  }

  /**
   * All that was done so far is in the old file and survives a power failure; what comes is for the new
   * one. False: that cannot be, and the old file goes on. Behind a failed sync nothing is promised of
   * the old file any more, and the new one takes its place all the same, if the old one takes the rest.
   */
  switchTo(file: AppendFile): boolean {
    if (this.isBroken) this.flush(true);
    else if (!this.secure()) return false;
    // What waits is of before the instant: behind it, it would be done a second time.
    if (this.length > 0) return false;
    this.formerBytes += this.fileBytes;
    this.file?.close();
    this.start(file);
    return true;
  }

  /**
   * What the present file does not take (it has reached a limit, or its server knows it no more) goes to
   * this one, which follows it from now on. False: it does not take it either, and the old file goes on.
   */
  moveTo(file: AppendFile): boolean {
    const { file: former, writtenDatabase, databaseIndex, syncedBytes } = this;
    if (former === null || this.problem === null || this.endsInMiddle) return false;
    // As before a switch; where that is refused, too, nothing is promised of the old file any more.
    if (!this.isBroken) this.syncAll(former);
    const waiting = this.buffer.slice(0, this.length);
    this.start(file);
    // Nothing is selected where a file begins.
    if (writtenDatabase !== -1)
      this.refill(encodeRequest(["SELECT", `${writtenDatabase}`]), waiting);
    this.databaseIndex = databaseIndex;
    this.flush(true);
    if (file.sizeBytes > 0) {
      this.formerBytes += former.sizeBytes;
      former.close();
      return true;
    }
    this.refill(waiting);
    this.start(former);
    this.syncedBytes = syncedBytes;
    this.databaseIndex = databaseIndex;
    this.writtenDatabase = writtenDatabase;
    return false;
  }

  private refill(...parts: Uint8Array[]): void {
    this.length = 0;
    for (const part of parts) this.put(part, 0, part.length);
  }

  /** Writes and syncs everything, now. False: the disk refuses. */
  secure(): boolean {
    this.flush(true);
    if (this.length > 0 || this.file === null) return false;
    return this.syncAll(this.file);
  }

  private syncAll(file: AppendFile): boolean {
    if (this.syncedBytes === file.sizeBytes && !this.isSyncing) return true;
    try {
      file.syncNow();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.parts.host.log("warning", `Fail to fsync the AOF file: ${error.message}`);
      this.distrust();
      return false;
    }
    this.syncedBytes = file.sizeBytes;
    return true;
  }

  /** What is synced already need not be when it is urgent: see switchTo(). Never rejects. */
  async syncAhead(): Promise<void> {
    if (!this.isSyncing) this.beginSync();
    await this.syncUnderWay;
  }

  /** Other files have taken the place of one that was not to be trusted. */
  trust(): void {
    this.isBroken = false;
    this.updateRefusal();
  }

  /** No more is written. What waits is dropped: secure() was before. */
  stop(): void {
    this.offsetBeforeFile = this.offset;
    this.file?.close();
    this.file = null;
    this.length = 0;
    this.problem = null;
    this.isBroken = false;
    this.isPostponed = false;
    this.updateRefusal();
  }
}
