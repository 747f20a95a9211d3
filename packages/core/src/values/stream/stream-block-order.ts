/**
 * StreamBlockOrder: whether the blocks of entries that a file has of a stream make one, looked at one after
 * the other. Nothing of them is kept.
 */
import { validateBlock } from "./stream-foreign.ts";
import { StreamId } from "./stream-id.ts";

/** Bytes of an ID in a file: two numbers of 64 bits, high bytes first. */
export const FILE_ID_BYTES = 16;

/** A block whose ID is not behind all entries before it. */
export const OUT_OF_ORDER = "Stream listpacks are not in the order of their IDs";

/** Reads an ID as files have it. */
export function readFileId(view: DataView, at: number, out: StreamId): StreamId {
  return out.set(
    view.getInt32(at),
    view.getInt32(at + 4),
    view.getInt32(at + 8),
    view.getInt32(at + 12),
  );
}

/** Follows the blocks of one stream: see the head of this file. */
export class StreamBlockOrder {
  /** Entries so far that are there. */
  length = 0;
  /** The ID of the latest block. */
  readonly master = new StreamId();
  /** The lowest ID of an entry that is there; 0-0: there is none. */
  readonly lowest = new StreamId();
  private readonly highest = new StreamId();
  private readonly first = new StreamId();
  private readonly last = new StreamId();
  private blockCount = 0;

  /** Another stream begins. */
  begin(): void {
    this.lowest.set(0, 0, 0, 0);
    this.length = 0;
    this.blockCount = 0;
  }

  /** What is wrong with the next block, or "": its ID is at `idAt`, its listpack bytes[start, end). */
  fault(id: DataView, idAt: number, bytes: Uint8Array, start: number, end: number): string {
    const { master, first, last, lowest, highest } = this;
    readFileId(id, idAt, master);
    const count = validateBlock(bytes, start, end, master, first, last);
    if (count === -1) return "Stream listpack integrity check failed.";
    if (this.blockCount > 0 && master.compare(highest) <= 0) return OUT_OF_ORDER;
    highest.copy(last);
    if (this.length === 0 && count > 0) lowest.copy(first);
    this.length += count;
    this.blockCount++;
    return "";
  }

  /** What is wrong with what the file says of all of them, or "": their entries, and the last ID. */
  endFault(length: number, lastId: StreamId): string {
    if (length !== this.length) return "Stream length inconsistent with rax entries";
    if (this.blockCount > 0 && lastId.compare(this.highest) < 0)
      return "Stream last ID is not the highest";
    return "";
  }
}
