/**
 * FinalSave: the save that a shutdown begins with, if there are save points or somebody asked for it.
 *
 *      prepare() ── the instant ── turn()s of ten milliseconds, while the disk takes what is there ──> finish()
 *
 * It is written beside an event loop in which nothing else happens. Why not at once, when everybody waits
 * anyway: a process that writes for a minute without looking up hears no second signal, by which somebody
 * says that he does not want to wait that long.
 *
 * Nothing may change between the instant and the end (see Standstill), or it would be lost. That is looked at,
 * not taken for granted: where something has changed all the same, or another data set has come, finish()
 * saves at once, while everybody waits. So it does for who never called prepare().
 */
import { BackgroundSave, type SaveOptions, type SaveResult } from "@kv/persistence";
import { Due } from "../../kernel/due.ts";
import type { ShutdownRequest } from "../../kernel/shutdown-request.ts";
import { EngineState } from "../../kernel/situation.ts";
import { wakingStorage } from "../../kernel/waking-storage.ts";
import type { DataSetFile, Ports } from "../../module/ports.ts";

/** Nobody waits for one chunk, and each costs a way to the disk and back. */
const CHUNK_BYTES = 256 * 1024;

const BEGINS = "Saving the final RDB snapshot before exiting.";

/** What a final save takes of the engine. */
export type FinalSaveNeeds = Pick<Ports, "host" | "keyspace" | "situation" | "snapshotJobs">;

/** What it takes of saving. */
export interface FinalSaveActions
  extends Pick<DataSetFile, "abortBackground" | "history" | "isLoading" | "saveNow"> {
  /** `save` has conditions. */
  readonly hasSavePoints: boolean;
  /** How the data set is to be written to its file now. */
  options(): SaveOptions;
  /** A save has ended that holds so many changes. False: it failed; the log says why. */
  saveEnded(result: SaveResult, savedChanges: number, isBackground: boolean): boolean;
}

/** The save of a shutdown: see the head of this file. */
export class FinalSave {
  private readonly ports: FinalSaveNeeds;
  private readonly saving: FinalSaveActions;
  private running: BackgroundSave | null = null;
  /** How the one went that has ended, if it is of what is there. */
  private result: SaveResult | null = null;

  constructor(ports: FinalSaveNeeds, saving: FinalSaveActions) {
    this.ports = ports;
    this.saving = saving;
  }

  private isWanted({ save }: ShutdownRequest): boolean {
    // A data set that is only half loaded must not be saved over the whole one, nor with what half a
    // script did.
    if (this.saving.isLoading || this.ports.situation.is(EngineState.BUSY)) return false;
    return save === "save" || (save === "default" && this.saving.hasSavePoints);
  }

  /** Fixes the instant. Resolves when it has been saved, or that has failed or was given up. */
  prepare(request: ShutdownRequest): Promise<void> | undefined {
    this.saving.abortBackground();
    if (!this.isWanted(request)) return undefined;
    const { host, keyspace, snapshotJobs } = this.ports;
    host.log("notice", BEGINS);
    const save = new BackgroundSave(keyspace, wakingStorage(host), {
      ...this.saving.options(),
      chunkBytes: CHUNK_BYTES,
    });
    this.running = save;
    this.result = null;
    snapshotJobs.beginRush();
    host.wake();
    return this.watch(save);
  }

  private async watch(save: BackgroundSave): Promise<void> {
    const { changes, offset } = this.mark;
    const result = await save.result;
    if (this.running !== save) return;
    this.running = null;
    if (changes === this.mark.changes && offset === this.mark.offset) this.result = result;
    else this.ports.host.log("notice", "Something has changed meanwhile.");
  }

  /** What moves when anything changes that a file tells of. */
  private get mark() {
    return {
      changes: this.ports.situation.dirty,
      offset: this.saving.history?.()?.offset,
    };
  }

  /** Writes on. Answers when the next turn is due: see Due. */
  turn(): number {
    return this.running === null ? Due.NEVER : this.ports.snapshotJobs.rush(this.running);
  }

  /** Gives up. The file is the old one or the new one, and the temporary file is gone. */
  abort(): void {
    const { running } = this;
    this.running = null;
    running?.abort();
  }

  /** Behind prepare(), or in its place. False: it failed, and was not forced. */
  finish(request: ShutdownRequest): boolean {
    const { host } = this.ports;
    // Whoever ends the server in the middle of it does so for the one who has asked for it, too.
    const isWanted = this.running !== null || this.isWanted(request);
    this.saving.abortBackground();
    if (!isWanted || this.isDone()) return true;
    const isForced = request.force === true;
    const outcome = isForced ? ". Exit anyway." : ", can't exit.";
    host.log("warning", `Error trying to save the DB${outcome}`);
    return isForced;
  }

  private isDone(): boolean {
    const { saving, ports, result } = this;
    this.result = null;
    if (result !== null) return saving.saveEnded(result, ports.situation.dirty, false);
    ports.host.log("notice", BEGINS);
    return saving.saveNow();
  }
}
