/**
 * Rewrite: BGREWRITEAOF. The data set as it is becomes the base, and the commands before it are needed no
 * more. Commands go on being logged meanwhile, and no instant is lost, whenever the power goes:
 *
 *      prepare   the next incremental file is made, and the manifest names it        beside the event loop
 *                what the present one holds is synced                                beside the event loop
 *      cut       the rest is synced; commands go to the next file from here on,      at once
 *                and the instant of the base is fixed
 *      save      the base is written under a temporary name, synced, renamed         in slices
 *      install   a manifest with the new base takes the place of the old one;        beside the event loop
 *                then files that it does not name any more are removed
 *
 * So a file that is not the last one is synced before the next one holds anything. Where nothing was logged
 * before (the log is being turned on), commands since the cut go to a file without a place in the manifest
 * until the base is there, and the log begins with both.
 *
 * Where the present file takes no more (it is at a limit, or its server has forgotten it), what waits for it
 * goes to the next one, and then the cut has one of its own. Such a file that nothing came to is taken by
 * the rewrite that follows one that failed.
 */
import {
  type AofFile,
  type AofManifest,
  type AppendFile,
  BackgroundSave,
  StorageError,
  temporaryIncrementalName,
} from "@kv/persistence";
import { EngineState } from "../../kernel/situation.ts";
import { wakingStorage } from "../../kernel/waking-storage.ts";
import type { Ports } from "../../module/ports.ts";
import { nextBaseFile } from "./base-file.ts";
import { LOG_MODE, type LogFolder } from "./log-folder.ts";
import type { LogWriter } from "./log-writer.ts";

/** What a rewrite begins from: a log, none that is to become one, or none at all. */
export type RewriteMode = "logging" | "beginning" | "base-only";

/** What a Rewrite needs. */
export interface RewriteParts {
  ports: Pick<
    Ports,
    "host" | "config" | "keyspace" | "situation" | "propagator" | "snapshotJobs" | "of"
  >;
  folder: LogFolder;
  writer: LogWriter;
  /** Commands from now on are for the writer, which has the file. */
  beginLogging(): void;
  /** They are not any more. */
  endLogging(): void;
  /** The manifest names the new base: in the mode "beginning" the log is one from now on. */
  installed(rewrite: Rewrite): void;
  /** Resolves when nobody else writes manifests. */
  before: Promise<unknown>;
}

/** Nothing is left to do: the rewrite is not wanted any more. */
class Aborted extends Error {}

/** One BGREWRITEAOF: see the head of this file. */
export class Rewrite {
  /** Whether it went well. Never rejects for what a disk can do. */
  readonly result: Promise<boolean>;
  private readonly parts: RewriteParts;
  private readonly mode: RewriteMode;
  private save: BackgroundSave | null = null;
  private isAborted = false;
  /** In the mode "beginning": commands go to the temporary file. */
  private hasBegun = false;

  constructor(parts: RewriteParts, mode: RewriteMode) {
    this.parts = parts;
    this.mode = mode;
    this.result = this.run();
  }

  /** It is given up. What the manifest names goes on being the data set. */
  abort(): void {
    this.isAborted = true;
    this.save?.abort();
    this.endBeginning();
  }

  private async run(): Promise<boolean> {
    const { host } = this.parts.ports;
    try {
      let next = await this.prepare();
      let base = this.cut(next);
      while (base === undefined) {
        next = await this.prepare();
        base = this.cut(next);
      }
      await this.saved();
      await this.install(base, next);
      host.log("notice", "Background AOF rewrite finished successfully");
      return true;
    } catch (error) {
      if (!(error instanceof Aborted) && !(error instanceof StorageError)) throw error;
      this.endBeginning();
      host.log(
        "warning",
        error instanceof Aborted
          ? "Background AOF rewrite was given up"
          : `Background AOF rewrite terminated with error: ${error.message}`,
      );
      return false;
    } finally {
      this.endSave();
    }
  }

  private throwIfAborted(): void {
    if (this.isAborted) throw new Aborted();
  }

  /** The file for the commands behind the cut, where they go to one that the manifest names. */
  private async prepare(): Promise<AofFile | undefined> {
    const { folder, writer } = this.parts;
    // Whoever began this is not done with what it does, either: the cut is none of its business.
    await this.parts.before;
    // Where somebody has removed the folder, this is how the log gets back to the disk.
    folder.makeAgain();
    if (this.mode !== "logging") {
      await this.ready();
      return undefined;
    }
    const next = this.emptyFile() ?? (await this.newFile());
    await writer.syncAhead();
    await this.ready();
    return next;
  }

  private async newFile(): Promise<AofFile> {
    const { folder } = this.parts;
    const sequence = folder.nextIncremental;
    const name = folder.incrementalName(sequence);
    const file: AofFile = { name, sequence, type: "incremental" };
    await (await folder.later.create(name, LOG_MODE)).close();
    const { manifest } = folder;
    await folder.write({ ...manifest, incrementals: [...manifest.incrementals, file] });
    return file;
  }

  /**
   * What a rewrite that failed has left: a file behind others that nothing was written to. Where one after
   * the other fails, each with a file of its own, the folder would fill with them.
   */
  private emptyFile(): AofFile | undefined {
    const { folder, writer } = this.parts;
    const { incrementals } = folder.manifest;
    const last = incrementals.at(-1);
    if (last === undefined || incrementals.length === 1 || folder.presentName === "")
      return undefined;
    if (last.name === folder.presentName && writer.bufferedBytes > 0) return undefined;
    return folder.sizeOf(last.name) === 0 ? last : undefined;
  }

  /** No command has stopped in its middle: half of what a script does is no instant. */
  private async ready(): Promise<void> {
    const { host, situation } = this.parts.ports;
    this.throwIfAborted();
    while (situation.is(EngineState.BUSY)) {
      await host.nextTurn();
      this.throwIfAborted();
    }
  }

  /**
   * The instant. Returns the file that its data set is being written to; undefined: the one for the commands
   * behind it has been taken by others, and another one is needed.
   */
  private cut(next: AofFile | undefined): AofFile | undefined {
    const { folder, ports } = this.parts;
    // It may have been given up behind ready(): then nobody would drive a snapshot to its end.
    this.throwIfAborted();
    ports.propagator.finish();
    if (next !== undefined) {
      if (!this.goesOnIn(next)) return undefined;
    } else if (this.mode === "beginning") {
      this.begin();
    }
    const { host, keyspace, snapshotJobs } = ports;
    const { file, options } = nextBaseFile(ports, folder);
    this.save = new BackgroundSave(keyspace, wakingStorage(host, folder.later), options);
    snapshotJobs.add(this.save);
    return file;
  }

  /** Commands from here on go to that file. False: some of before are in it. */
  private goesOnIn(next: AofFile): boolean {
    const { folder, writer } = this.parts;
    if (next.name === folder.presentName) return this.emptyFile() === next;
    const file = folder.append(next.name);
    const hasSwitched = writer.switchTo(file);
    if (!hasSwitched && !writer.moveTo(file)) {
      file.close();
      throw new StorageError("EIO", "the present file cannot be synced");
    }
    folder.presentName = next.name;
    return hasSwitched;
  }

  private begin(): void {
    const { folder, writer } = this.parts;
    const file: AppendFile = folder.append(this.temporaryName);
    // One of an earlier try, which could not be removed.
    if (file.sizeBytes > 0) file.truncate(0);
    writer.start(file);
    this.hasBegun = true;
    this.parts.beginLogging();
  }

  private get temporaryName(): string {
    return temporaryIncrementalName(this.parts.ports.config.text("appendfilename"));
  }

  /** The log does not begin: its first commands are nothing without a base. */
  private endBeginning(): void {
    if (!this.hasBegun) return;
    this.hasBegun = false;
    const { folder, ports, writer } = this.parts;
    this.parts.endLogging();
    writer.stop();
    ports.host.log(
      "notice",
      `Removing the temp incr aof file ${this.temporaryName} in the background`,
    );
    try {
      folder.now.remove(this.temporaryName);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  private async saved(): Promise<void> {
    const result = await (this.save as BackgroundSave).result;
    this.endSave();
    this.throwIfAborted();
    if (!result.ok) throw result.error;
  }

  private endSave(): void {
    if (this.save !== null) this.parts.ports.snapshotJobs.remove(this.save);
    this.save = null;
  }

  /** From now on the base and what was logged since the cut are the data set. */
  private async install(base: AofFile, next: AofFile | undefined): Promise<void> {
    const { folder } = this.parts;
    const kept = this.mode === "beginning" ? await this.named() : next;
    const { manifest } = folder;
    const incrementals = kept === undefined ? [] : [kept];
    const old = [...manifest.incrementals, manifest.base].filter(
      (file): file is AofFile => file !== undefined && file.name !== kept?.name,
    );
    const history = old.map((file): AofFile => ({ ...file, type: "history" }));
    // In the order that Redis lists them in: what this rewrite ends comes first, its base behind its logs.
    const installed: AofManifest = {
      base,
      incrementals,
      history: [...history, ...manifest.history],
    };
    await folder.write(installed);
    // Nothing that fails or is given up from now on changes which files are the data set.
    this.hasBegun = false;
    this.parts.installed(this);
    if (!this.parts.ports.config.boolean("aof-disable-auto-gc")) await folder.removeHistory();
  }

  /** The temporary file gets a name of its own, before the manifest does. */
  private async named(): Promise<AofFile> {
    const { folder } = this.parts;
    const sequence = folder.nextIncremental;
    const name = folder.incrementalName(sequence);
    await folder.later.rename(this.temporaryName, name);
    folder.presentName = name;
    return { name, sequence, type: "incremental" };
  }
}
