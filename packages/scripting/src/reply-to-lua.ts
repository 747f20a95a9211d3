/**
 * From a reply to Lua: pushes what a command answered, as redis.call() returns it.
 *
 *      RESP2               Lua                    RESP3, after redis.setresp(3)
 *      :7                  7                      %  {map = {key = value}}
 *      $3 abc              "abc"                  ~  {set = {element = true}}
 *      $-1, *-1            false                  _  nil        #t  true
 *      +OK                 {ok = "OK"}            ,  {double = 1.5}
 *      -ERR why            {err = "ERR why"}      (  {big_number = "12"}
 *      *2 ...              {.., ..}               =  {verbatim_string = {format = "txt", string = ".."}}
 *
 * The reply is our own, so that it is known to be well-formed; nothing is made of it but what is
 * pushed. An error is told apart by what is answered: redis.call() raises it, redis.pcall() does not.
 */
import { type LuaStack, LuaType, type WordSource } from "@kv/lua";

/** In the table of an error: INFO has counted it when its command ran. */
export const COUNTED = "ignore_error_stats_update";

const CR = 13;
/** Whole numbers of so many digits have no rounding in them. */
const EXACT_DIGITS = 15;
/** Values that one level of a reply may need on the stack. */
const ROOM = 8;

/** So many strings are handed over together, */
const WORDS_MAX = 256;
/** of so many bytes in all. */
const WORDS_BYTES_MAX = 32_768;

/** The strings of an array. */
class Words implements WordSource {
  bytes: Uint8Array = new Uint8Array(0);
  private readonly starts = new Float64Array(WORDS_MAX);
  private readonly ends = new Float64Array(WORDS_MAX);

  set(index: number, start: number, end: number): void {
    this.starts[index] = start;
    this.ends[index] = end;
  }

  start(index: number): number {
    return this.starts[index] as number;
  }

  end(index: number): number {
    return this.ends[index] as number;
  }
}

/** Where a reply is being read. One for each engine. */
export class ReplyToLua {
  private readonly stack: LuaStack;
  private readonly words = new Words();
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private speaks3 = false;
  /** There was no room on Lua's stack: what was pushed is not whole. */
  isTooDeep = false;

  constructor(stack: LuaStack) {
    this.stack = stack;
  }

  /** Pushes the reply that begins at `start`, as one value. True when it is an error. */
  push(bytes: Uint8Array, start: number, speaks3: boolean): boolean {
    this.speaks3 = speaks3;
    this.bytes = bytes;
    this.at = start;
    this.isTooDeep = false;
    this.value();
    return bytes[start] === 45;
  }

  /** A value within another one. For the outermost there is room, as for each function of the host. */
  private inner(): void {
    const { stack } = this;
    if (stack.room(ROOM)) this.value();
    else {
      this.isTooDeep = true;
      stack.pushNil();
    }
  }

  private value(): void {
    const { stack } = this;
    switch (this.bytes[this.at++]) {
      case 43: // +
        stack.pushTable(0, 1);
        this.pushLine();
        stack.setField(-2, "ok");
        return;
      case 45: // -
        this.pushError();
        return;
      case 58: // :
        stack.pushNumber(this.integer());
        return;
      case 36: // $
        this.bulk();
        return;
      case 42: // *
        this.array();
        return;
      case 37: // %
        this.map();
        return;
      case 126: // ~
        this.set();
        return;
      case 44: // ,
        stack.pushTable(0, 1);
        stack.pushNumber(doubleOf(this.line()));
        stack.setField(-2, "double");
        return;
      case 40: // (
        stack.pushTable(0, 1);
        this.pushLine();
        stack.setField(-2, "big_number");
        return;
      case 61: // =
        this.verbatim();
        return;
      case 35: // #
        stack.pushBoolean(this.line() === "t");
        return;
      case 95: // _
        this.line();
        stack.pushNil();
        return;
      case 124: // |
        this.skip(2 * this.integer());
        this.value();
        return;
      case 62: // >
        this.skip(this.integer());
        this.value();
        return;
      default:
        throw new Error("a reply begins with the sign of its type");
    }
  }

  /** Scripts see nothing of attributes and of messages, which stand in front of the reply. */
  private skip(count: number): void {
    for (let i = 0; i < count; i++) {
      this.inner();
      this.stack.pop(1);
    }
  }

  /** The error has been counted when its command ran, and says so. */
  private pushError(): void {
    const { stack } = this;
    stack.pushTable(0, 2);
    this.pushLine();
    stack.setField(-2, "err");
    stack.pushBoolean(true);
    stack.setField(-2, COUNTED);
  }

  private bulk(): void {
    const { stack } = this;
    const length = this.integer();
    if (length < 0) {
      stack.pushBoolean(false);
      return;
    }
    stack.pushBytes(this.bytes, this.at, this.at + length);
    this.at += length + 2;
  }

  private array(): void {
    const { stack } = this;
    const count = this.integer();
    if (count < 0) {
      stack.pushBoolean(false);
      return;
    }
    if (this.findWords(count)) {
      stack.pushWords(this.words, 0, count);
      return;
    }
    // A nil within a table shows in how that grows, and thereby in its length.
    if (this.speaks3) stack.pushTable();
    else stack.pushArray(count);
    for (let i = 1; i <= count; i++) {
      this.inner();
      stack.setElement(-2, i);
    }
  }

  /** Whether `count` strings come, and not too many: most arrays are such. If so, they are behind us. */
  private findWords(count: number): boolean {
    const { words, bytes, at } = this;
    if (count === 0 || count > WORDS_MAX) return false;
    words.bytes = bytes;
    for (let i = 0; i < count; i++) {
      const length = bytes[this.at++] === 36 ? this.integer() : -1;
      if (length < 0 || this.at + length - at > WORDS_BYTES_MAX) {
        this.at = at;
        return false;
      }
      words.set(i, this.at, this.at + length);
      this.at += length + 2;
    }
    return true;
  }

  private map(): void {
    const { stack } = this;
    const pairs = this.integer();
    stack.pushTable(0, 1);
    // It grows as it fills, for the order in which pairs() shows the keys hangs on that.
    stack.pushTable();
    for (let i = 0; i < pairs; i++) {
      this.inner();
      this.inner();
      stack.setRaw(-3);
    }
    stack.setField(-2, "map");
  }

  private set(): void {
    const { stack } = this;
    const count = this.integer();
    stack.pushTable(0, 1);
    stack.pushTable();
    for (let i = 0; i < count; i++) {
      this.inner();
      stack.pushBoolean(true);
      // A nil is no key.
      if (stack.type(-2) === LuaType.NIL) stack.pop(2);
      else stack.setRaw(-3);
    }
    stack.setField(-2, "set");
  }

  private verbatim(): void {
    const { stack, bytes } = this;
    const length = this.integer();
    stack.pushTable(0, 1);
    // As in a map, it grows, and what comes first hangs on what was set first.
    stack.pushTable();
    stack.pushBytes(bytes, this.at + 4, this.at + length);
    stack.setField(-2, "string");
    stack.pushBytes(bytes, this.at, this.at + 3);
    stack.setField(-2, "format");
    stack.setField(-2, "verbatim_string");
    this.at += length + 2;
  }

  private lineEnd(): number {
    let end = this.at;
    while (this.bytes[end] !== CR) end++;
    return end;
  }

  private pushLine(): void {
    const end = this.lineEnd();
    this.stack.pushBytes(this.bytes, this.at, end);
    this.at = end + 2;
  }

  private line(): string {
    const end = this.lineEnd();
    let text = "";
    for (let i = this.at; i < end; i++) text += String.fromCharCode(this.bytes[i] as number);
    this.at = end + 2;
    return text;
  }

  /** A number of the protocol: exact up to 2^53, and beyond it the nearest that Lua has. */
  private integer(): number {
    const { bytes } = this;
    let { at } = this;
    const isNegative = bytes[at] === 45;
    if (isNegative) at++;
    const first = at;
    let n = 0;
    for (let byte = bytes[at] as number; byte !== CR; byte = bytes[++at] as number)
      n = n * 10 + (byte - 48);
    if (at - first > EXACT_DIGITS) return Number(this.line());
    this.at = at + 2;
    return isNegative ? -n : n;
  }
}

function doubleOf(text: string): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}
