/** The words of a request that is not being run: one that is kept, or one of a transaction's queue. */
import type { RequestWords } from "@kv/commands";
import { type ArgVector, latin1 } from "@kv/resp";

/** Words, and the bytes they lie in; a running command's Call is one as well. */
export interface StoredRequest extends RequestWords {
  readonly bytes: Uint8Array;
  /** A view over the same memory. */
  readonly view: DataView;
  /** Where argument `index` begins in `bytes`. */
  start(index: number): number;
  /** The first byte behind it. */
  end(index: number): number;
}

/** The one request of a batch, as a CommandQueue gives it. */
export class QueuedRequest implements StoredRequest {
  private readonly batch: ArgVector;

  constructor(batch: ArgVector) {
    this.batch = batch;
  }

  get bytes(): Uint8Array {
    return this.batch.bytes;
  }

  get view(): DataView {
    return this.batch.view;
  }

  get argc(): number {
    return this.batch.argCount[0] as number;
  }

  start(index: number): number {
    return this.batch.starts[index] as number;
  }

  end(index: number): number {
    return this.batch.ends[index] as number;
  }

  length(index: number): number {
    return this.end(index) - this.start(index);
  }

  is(index: number, word: string): boolean {
    return this.length(index) === word.length && this.text(index).toUpperCase() === word;
  }

  text(index: number): string {
    return latin1(this.bytes, this.start(index), this.end(index));
  }
}
