/** FileLoader: loads a file of whatever format recognises its first bytes. */
import type { Keyspace } from "@kv/core";
import { formatOf, signatureBytesMax } from "./format-choice.ts";
import type { LoadError, LoadOptions, SnapshotLoader } from "./formats.ts";

export class FileLoader implements SnapshotLoader {
  private readonly keyspace: Keyspace;
  private readonly options: LoadOptions;
  private loader: SnapshotLoader | undefined;
  /** The first bytes, until they are enough. */
  private readonly head = new Uint8Array(signatureBytesMax());
  private headBytes = 0;

  constructor(keyspace: Keyspace, options: LoadOptions) {
    this.keyspace = keyspace;
    this.options = options;
  }

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

  finish(): LoadError | undefined {
    return (this.loader ?? this.begin()).finish();
  }

  private begin(): SnapshotLoader {
    const { head, headBytes } = this;
    this.loader = formatOf(head, 0, headBytes).load(this.keyspace, this.options);
    this.loader.feed(head, 0, headBytes);
    return this.loader;
  }

  get error(): LoadError | undefined {
    return this.loader?.error;
  }

  get isDone(): boolean {
    return this.loader?.isDone ?? false;
  }

  get loadedBytes(): number {
    return this.loader?.loadedBytes ?? this.headBytes;
  }

  get loadedCount(): number {
    return this.loader?.loadedCount ?? 0;
  }

  get expiredCount(): number {
    return this.loader?.expiredCount ?? 0;
  }

  get emptyCount(): number {
    return this.loader?.emptyCount ?? 0;
  }
}
