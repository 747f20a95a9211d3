/** FileLoader: loads a file of whatever format recognises its first bytes. */
import type { Keyspace } from "@kv/core";
import { formatOf, signatureBytesMax } from "./format-choice.ts";
import type { LoadError, LoadOptions, SnapshotLoader } from "./formats.ts";

const noFacts: ReadonlyMap<string, string> = new Map();

/** A loader that learns from the first bytes which format it is to load. */
export class FileLoader implements SnapshotLoader {
  private readonly keyspace: Keyspace;
  private readonly options: LoadOptions;
  private loader: SnapshotLoader | undefined;
  /** The first bytes, until they are enough. */
  private readonly head = new Uint8Array(signatureBytesMax());
  private headBytes = 0;

  /** The options are handed to the loader of the format. */
  constructor(keyspace: Keyspace, options: LoadOptions) {
    this.keyspace = keyspace;
    this.options = options;
  }

  /** Takes bytes[start, end). Returns the position behind the last one that belongs to the file. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    if (this.loader !== undefined) return this.loader.feed(bytes, start, end);
    const { head } = this;
    const after = start + Math.min(end - start, head.length - this.headBytes);
    head.set(bytes.subarray(start, after), this.headBytes);
    this.headBytes += after - start;
    if (this.headBytes < head.length) return after;
    const loader = this.begin();
    return loader.error === undefined ? loader.feed(bytes, after, end) : after;
  }

  /** There are no more bytes. Returns the error, if there is one. */
  finish(): LoadError | undefined {
    return (this.loader ?? this.begin()).finish();
  }

  private begin(): SnapshotLoader {
    const { head, headBytes } = this;
    this.loader = formatOf(head, 0, headBytes).load(this.keyspace, this.options);
    this.loader.feed(head, 0, headBytes);
    return this.loader;
  }

  /** Why nothing more is loaded, once there is a reason. */
  get error(): LoadError | undefined {
    return this.loader?.error;
  }

  /** True behind the end of the file. */
  get isDone(): boolean {
    return this.loader?.isDone ?? false;
  }

  /** Bytes of the file read so far. */
  get loadedBytes(): number {
    return this.loader?.loadedBytes ?? this.headBytes;
  }

  /** What the file tells about itself, as far as it has been read. */
  get facts(): ReadonlyMap<string, string> {
    return this.loader?.facts ?? noFacts;
  }

  /** Keys now in the keyspace. */
  get loadedCount(): number {
    return this.loader?.loadedCount ?? 0;
  }

  /** Keys left out because they had expired. */
  get expiredCount(): number {
    return this.loader?.expiredCount ?? 0;
  }

  /** Keys left out because they had no elements. */
  get emptyCount(): number {
    return this.loader?.emptyCount ?? 0;
  }
}
