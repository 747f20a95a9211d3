/** A request, as far as access to it is decided by its words. */
import { type CommandRow, type KeyFlag, keysOf, type RequestWords } from "@kv/commands";
import { latin1 } from "@kv/resp";
import { KeyAccess } from "./patterns.ts";

/**
 * The words of a request and the bytes they lie in: argument `index` is bytes[start(index),
 * end(index)), and argument 0 the command's name. @kv/commands' Call is one.
 */
export interface AclRequest extends RequestWords {
  /** The buffer that all arguments lie in; good while the request is being judged. */
  readonly bytes: Uint8Array;
  /** Where argument `index` begins in `bytes`. */
  start(index: number): number;
  /** Where it ends: the offset behind its last byte. */
  end(index: number): number;
}

/** No option, count or first word that a rule names is longer. */
const WORD_BYTES_MAX = 1024;

/** A word that may be an option, as text. A longer one is none: a value may be half a gigabyte. */
export function shortWord(request: AclRequest, index: number): string {
  const start = request.start(index);
  const end = request.end(index);
  return end - start > WORD_BYTES_MAX ? "" : latin1(request.bytes, start, end);
}

/**
 * The keys of the request that is being judged, in spans of arguments. One object points at one
 * request after the other, and looks for its keys when the first selector asks: few do, and then
 * several may.
 */
export class RequestKeys implements RequestWords {
  /** Of each span: its first argument, how many keys, how far apart, and bits of KeyAccess. */
  readonly spans: number[] = [];
  private row: CommandRow | null = null;
  private request: AclRequest | null = null;
  private isFound = false;

  /** The next request, which is one of this command. */
  point(row: CommandRow, request: AclRequest): void {
    this.row = row;
    this.request = request;
    this.isFound = false;
  }

  /**
   * The keys of the request, as `spans`. None where its words do not say: such a request is a
   * syntax error, and the command itself says so.
   */
  find(): readonly number[] {
    if (this.isFound) return this.spans;
    this.isFound = true;
    this.spans.length = 0;
    const command = this.row?.command;
    if (command === undefined) return this.spans;
    if (command.getKeys === undefined && command.keys.length === 0) return this.spans;
    const found =
      command.getKeys === undefined ? keysOf(command.keys, this) : command.getKeys(this);
    if (found === null) return this.spans;
    for (const { index, count, step, flags } of found)
      if (!flags.includes("not_key")) this.spans.push(index, count, step, accessOf(flags));
    return this.spans;
  }

  /** Number of words, the command's name included. */
  get argc(): number {
    return this.request?.argc ?? 0;
  }

  /** Bytes of a word. */
  length(index: number): number {
    return this.request?.length(index) ?? 0;
  }

  /** True when the word is `word` (given in upper case), whatever its case. */
  is(index: number, word: string): boolean {
    return this.request?.is(index, word) === true;
  }

  /** The word as text, if it may be an option. */
  text(index: number): string {
    return this.request === null ? "" : shortWord(this.request, index);
  }
}

/** Bits of KeyAccess that a command needs for a key. */
function accessOf(flags: readonly KeyFlag[]): number {
  let access = 0;
  for (const flag of flags) {
    if (flag === "access") access |= KeyAccess.READ;
    else if (flag === "insert" || flag === "delete" || flag === "update") access |= KeyAccess.WRITE;
  }
  return access;
}
