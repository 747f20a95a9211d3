/**
 * FileSync: a full synchronisation by way of a file, for replicas that must be told the length first.
 *
 *      the cut ── slices ──> sync-PID-N.rdb ──> opened once for each replica, and removed ──> sent
 *
 * The file is one of its own: nobody who saves or loads meanwhile meets it, and none is left over,
 * unless the process is killed in between: then it goes with the next start (leftovers). Each replica
 * reads on when it has taken what was read.
 */
import type { Keyspace } from "@kv/core";
import { type Host, sendingName, wakingStorage } from "@kv/engine";
import { BackgroundSave, StorageError, type StorageReader } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import type { FullSync, SyncContent, SyncEvents } from "./full-sync.ts";
import { type Replica, ReplicaState } from "./replica.ts";

/** Bytes that are read and sent in one go. */
const PIECE_BYTES = 64 * 1024;

export interface FileSyncNeeds {
  host: Host;
  keyspace: Keyspace;
}

export class FileSync implements FullSync {
  /** Resolves when nothing of it is under way. */
  readonly result: Promise<void>;
  /** The disk has nothing to do for it any more. */
  isOver = false;
  /** Chunks on their way to the disk are the save's. */
  readonly heldBytes = 0;
  private readonly needs: FileSyncNeeds;
  private readonly events: SyncEvents;
  private readonly save: BackgroundSave;
  private readonly name: string;
  /** Each with what lets its reading go on, while that waits. */
  private readonly readers = new Map<Replica, (() => void) | null>();

  /** Fixes the instant. `number` tells its file from those of others. */
  constructor(
    needs: FileSyncNeeds,
    replicas: readonly Replica[],
    content: SyncContent,
    events: SyncEvents,
    number: number,
  ) {
    this.needs = needs;
    this.events = events;
    const { host, keyspace } = needs;
    for (const replica of replicas) this.readers.set(replica, null);
    this.name = sendingName(host.facts.processId, number);
    const names = { name: this.name, temporaryName: `temp-${this.name}` };
    this.save = new BackgroundSave(keyspace, wakingStorage(host), { ...content, ...names });
    this.result = this.run();
  }

  /** Every key is written. */
  get isDone(): boolean {
    return this.save.isDone;
  }

  /** Bytes that the disk has not taken yet. */
  get pendingBytes(): number {
    return this.save.pendingBytes;
  }

  /** Writes about so many keys on. */
  step(keyCount: number): boolean {
    return this.save.step(keyCount);
  }

  private async run(): Promise<void> {
    const saved = await this.save.result;
    if (saved.ok) {
      this.needs.host.log("notice", "Background saving terminated with success");
      await this.sendAll();
    } else this.failAll(saved.error.message);
    this.isOver = true;
    this.needs.host.wake();
  }

  private failAll(reason: string): void {
    for (const replica of this.readers.keys()) this.events.failed(replica, reason);
  }

  private async sendAll(): Promise<void> {
    const storage = this.needs.host.storage.here();
    try {
      const files: Promise<void>[] = [];
      for (const replica of this.readers.keys()) {
        const file = await storage.open(this.name);
        if (file === undefined) throw new StorageError("ENOENT", "No such file or directory");
        files.push(this.send(replica, file));
      }
      storage.removeNow(this.name);
      await Promise.all(files);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.failAll(error.message);
    } finally {
      await storage.remove(this.name).catch(() => {});
      storage.release();
    }
  }

  private async send(replica: Replica, file: StorageReader): Promise<void> {
    try {
      if (!this.readers.has(replica)) return;
      replica.state = ReplicaState.SENDING_FILE;
      const head = latin1Bytes(`$${file.sizeBytes}\r\n`);
      replica.outlet.send(head);
      let piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const length = await file.read(piece);
        if (!this.readers.has(replica)) return;
        if (length === 0) break;
        if (!replica.outlet.send(piece, 0, length)) piece = new Uint8Array(PIECE_BYTES);
        await this.drained(replica);
      }
      if (this.readers.has(replica)) this.events.delivered(replica);
    } finally {
      await file.close();
    }
  }

  /** Resolves when the replica has taken what it was sent, or has gone. */
  private async drained(replica: Replica): Promise<void> {
    if (!this.readers.has(replica) || replica.outlet.isEmpty) return;
    await new Promise<void>((goOn) => {
      this.readers.set(replica, goOn);
      replica.outlet.fill(goOn);
    });
    if (this.readers.has(replica)) this.readers.set(replica, null);
  }

  turn(): void {}

  excessBytesOf(): number {
    return 0;
  }

  leave(replica: Replica): void {
    const goOn = this.readers.get(replica);
    this.readers.delete(replica);
    goOn?.();
    if (this.readers.size === 0) this.save.abort();
  }
}
