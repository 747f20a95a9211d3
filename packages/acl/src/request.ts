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

/** Numbers that a span of keys is told by: its first argument, how many, how far apart, access. */
export const SPAN_NUMBERS = 4;
/** Numbers of a step of a plan: first argument, the last one, how far apart, `limit`, access. */
const PLAN_NUMBERS = 5;

/**
 * The keys of the request that is being judged, in spans of arguments. One object points at one
 * request after the other, and looks for its keys when the first selector asks: few do, and then
 * several may. Where a command has its keys at fixed places, that is worked out once.
 */
export class RequestKeys implements RequestWords {
  /** Spans one behind the other, SPAN_NUMBERS each: those before find() are of this request. */
  readonly spans: number[] = [];
  private spansLength = 0;
  private row: CommandRow | null = null;
  private request: AclRequest | null = null;
  private isFound = false;
  /** By a command's id; null where its words have to be read. */
  private readonly plans: (readonly number[] | null | undefined)[] = [];

  /** The next request, which is one of this command. */
  point(row: CommandRow, request: AclRequest): void {
    this.row = row;
    this.request = request;
    this.isFound = false;
  }

  /**
   * Looks for the keys of the request: how many numbers of `spans` tell of them. None where its
   * words do not say: such a request is a syntax error, and the command itself says so.
   */
  find(): number {
    if (this.isFound) return this.spansLength;
    this.isFound = true;
    this.spansLength = 0;
    if (this.row === null) return 0;
    const plan = this.planOf(this.row);
    if (plan === null) this.read(this.row);
    else this.follow(plan);
    return this.spansLength;
  }

  /** As keysOf() does for specs that say where keys stand without a look at the words. */
  private follow(plan: readonly number[]): void {
    const { argc } = this;
    for (let at = 0; at < plan.length; at += PLAN_NUMBERS) {
      const first = plan[at] as number;
      const lastKey = plan[at + 1] as number;
      const step = plan[at + 2] as number;
      const limit = plan[at + 3] as number;
      let last = lastKey >= 0 ? first + lastKey : argc + lastKey;
      if (lastKey < 0 && limit > 1) last = first + Math.floor((last - first) / limit);
      if (first >= argc || last >= argc) {
        this.spansLength = 0;
        return;
      }
      const count = Math.max(0, Math.floor((last - first) / step) + 1);
      this.add(first, count, step, plan[at + 4] as number);
    }
  }

  private read({ command }: CommandRow): void {
    const found =
      command.getKeys === undefined ? keysOf(command.keys, this) : command.getKeys(this);
    if (found === null) return;
    for (const { index, count, step, flags } of found)
      if (!flags.includes("not_key")) this.add(index, count, step, accessOf(flags));
  }

  private add(index: number, count: number, step: number, access: number): void {
    const { spans } = this;
    let at = this.spansLength;
    spans[at++] = index;
    spans[at++] = count;
    spans[at++] = step;
    spans[at++] = access;
    this.spansLength = at;
  }

  private planOf(row: CommandRow): readonly number[] | null {
    let plan = this.plans[row.id];
    if (plan === undefined) {
      plan = planned(row);
      this.plans[row.id] = plan;
    }
    return plan;
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

/** Where a command has its keys, PLAN_NUMBERS for each spec; null when its words have to be read. */
function planned({ command: { keys, getKeys } }: CommandRow): readonly number[] | null {
  if (getKeys !== undefined) return null;
  const plan: number[] = [];
  for (const { begin, find, flags } of keys) {
    // What is no key may still say that the request is not one of this command.
    if (begin.type !== "index" || find.type !== "range" || flags.includes("not_key")) return null;
    plan.push(begin.index, find.last, find.step, find.limit, accessOf(flags));
  }
  return plan;
}
