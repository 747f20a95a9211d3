/**
 * AofFileInput: one file of an append-only folder, or the only file of old times, from its first byte.
 *
 *     REDIS0010 ... checksum | *3\r\n$3\r\nSET ...
 *     perhaps a snapshot       commands
 *
 * The snapshot may be of any format; by its first bytes it is known. The rest goes to an AofReader, whose
 * offsets are those of the file.
 */
import type { ArgVector } from "@kv/resp";
import { isSnapshot, signatureBytesMax } from "../format-choice.ts";
import type { LoadError, SnapshotLoader } from "../formats.ts";
import { type AofDamage, AofReader, type AofReaderOptions } from "./reader.ts";

/** What is wrong with a file: an AofDamage, or its snapshot (offset: where in it). */
export interface AofFileDamage extends Omit<AofDamage, "kind"> {
  /** "snapshot": it cannot be loaded; `snapshotError` tells why, and cutting the file mends nothing. */
  readonly kind: AofDamage["kind"] | "snapshot";
}

const STAR = 42;
const HASH = 35;
const NO_BYTES = new Uint8Array(0);

/** Reads one file: read() the chunks, then finish(). */
export class AofFileInput {
  /** Reads what is not the snapshot. */
  readonly commands: AofReader;
  private readonly snapshot: SnapshotLoader;
  private readonly snapshotLoaded: () => void;
  private state: "start" | "snapshot" | "commands" = "start";
  /** The first bytes, while they are too few to tell. */
  private head = NO_BYTES;
  private hasSnapshotPart = false;

  /**
   * `snapshot` loads the snapshot, if there is one: a FileLoader, say. `options`: of the commands.
   * `snapshotLoaded` is called when it has, before the first command is read.
   */
  constructor(
    snapshot: SnapshotLoader,
    options: AofReaderOptions = {},
    snapshotLoaded: () => void = () => {},
  ) {
    this.snapshot = snapshot;
    this.snapshotLoaded = snapshotLoaded;
    this.commands = new AofReader(options);
  }

  /** True once it is known that the file begins with a snapshot. */
  get hasSnapshot(): boolean {
    return this.hasSnapshotPart;
  }

  /** Why the snapshot cannot be loaded, once there is a reason. */
  get snapshotError(): LoadError | undefined {
    return this.snapshot.error;
  }

  /** Why nothing more is read, once there is a reason. */
  get error(): AofFileDamage | undefined {
    const { snapshotError } = this;
    if (snapshotError === undefined) return this.commands.error;
    return { kind: "snapshot", offset: snapshotError.offset, safeOffset: 0 };
  }

  /**
   * Reads bytes[start, end), the next ones of the file; the snapshot's keys go to its loader, whole
   * commands behind it to `batch`. As read() of AofReader; true: call more().
   */
  read(bytes: Uint8Array, view: DataView, start: number, end: number, batch: ArgVector): boolean {
    if (this.state === "start") return this.begin(bytes, view, start, end, batch);
    if (this.state === "commands") return this.commands.read(bytes, view, start, end, batch);
    if (this.snapshot.error !== undefined) return false;
    const at = this.snapshot.feed(bytes, start, end);
    if (!this.snapshot.isDone) return false;
    this.snapshotLoaded();
    this.state = "commands";
    this.commands.startAt(this.snapshot.loadedBytes);
    return this.commands.read(bytes, view, at, end, batch);
  }

  /** As more() of AofReader. */
  more(batch: ArgVector): boolean {
    return this.state === "commands" && this.commands.more(batch);
  }

  /** There are no more bytes. Returns what is wrong with the file, if anything is. */
  finish(): AofFileDamage | undefined {
    if (this.state === "snapshot") this.snapshot.finish();
    const { head, error } = this;
    if (error !== undefined) return error;
    if (this.state !== "start" || head.length === 0) return this.commands.finish();
    // Too few bytes for any snapshot, and no command begins with them.
    const kind = head.every((byte) => byte === 0) ? "zeros" : "format";
    return { kind, offset: 0, safeOffset: 0 };
  }

  /** Finds out what the file begins with; its first bytes may come one by one. */
  private begin(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    batch: ArgVector,
  ): boolean {
    if (start === end) return false;
    if (this.head.length > 0) {
      const joined = new Uint8Array(this.head.length + end - start);
      joined.set(this.head);
      joined.set(bytes.subarray(start, end), this.head.length);
      this.head = NO_BYTES;
      return this.begin(joined, new DataView(joined.buffer), 0, joined.length, batch);
    }
    const isCommand = bytes[start] === STAR || bytes[start] === HASH;
    if (!isCommand && end - start < signatureBytesMax()) {
      this.head = bytes.slice(start, end);
      return false;
    }
    this.hasSnapshotPart = !isCommand && isSnapshot(bytes, start, end);
    this.state = this.hasSnapshotPart ? "snapshot" : "commands";
    return this.read(bytes, view, start, end, batch);
  }
}
