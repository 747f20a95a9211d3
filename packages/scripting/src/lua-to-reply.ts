/**
 * From Lua to a reply: writes what a script returned, in the protocol of the client.
 *
 *      string    bulk string            {err = ".."}     error
 *      number    integer, cut off       {ok = ".."}      status
 *      true      1                      {double = n}     double
 *      false     null                   {map = {..}}     map          {set = {..}}  set
 *      nil       null                   {big_number = ".."}, {verbatim_string = {..}}
 *                                       {a, b, nil, c}   array of two: the first nil ends it
 *
 * A script that has said redis.setresp(3) answers true and false as such. Line breaks in errors and
 * statuses become spaces: they would end the line.
 *
 * A table may stand in itself, so tables are walked until Lua's stack is full, which is some thousand
 * levels down; there stands an error in place of the value. JavaScript's own stack does not reach so far:
 * where the walk stands in each table is kept in lists. From then on no table is opened any more: one that
 * stands in itself twice has more ends than could ever be written.
 */
import { type LuaStack, LuaType } from "@kv/lua";
import type { ReplyWriter } from "@kv/resp";
import { asOneLine, untilZero, withoutBreaks } from "./one-line.ts";
import { COUNTED } from "./reply-to-lua.ts";

const INT64_LIMIT = 2 ** 63;
/** Values that one level of a reply needs on the stack. */
const ROOM = 5;
const stackLimit = "ERR reached lua stack limit";

/** What comes next in a table that is being written. */
const Next = { ELEMENT: 0, MEMBER: 1, KEY: 2, VALUE: 3 } as const;

/** What a script's reply is written with. One for each engine. */
export class LuaToReply {
  private readonly stack: LuaStack;
  private readonly reply: ReplyWriter;
  /** Told of errors in replies that no command has counted before. */
  private readonly countError: (text: string) => void;
  /** There are errors in what was written last. */
  hasErrors = false;
  /** Lua's stack was full. */
  private isFull = false;
  /** Tables that are being written, and for each of them from the outside in: */
  private depth = 0;
  private readonly nexts: number[] = [];
  /** how many of its values have begun, */
  private readonly counts: number[] = [];
  /** how many there are; -1: that is not known before the last of them, */
  private readonly totals: number[] = [];
  /** and where their number is to be written then. */
  private readonly handles: number[] = [];

  constructor(stack: LuaStack, reply: ReplyWriter, countError: (text: string) => void) {
    this.stack = stack;
    this.reply = reply;
    this.countError = countError;
  }

  /** Pops the value on top and writes it. `speaks3`: the script has said redis.setresp(3). */
  write(speaks3: boolean): void {
    this.depth = 0;
    this.isFull = false;
    this.hasErrors = false;
    // For the outermost there is room, as after any run.
    this.value(speaks3);
    while (this.depth > 0) this.goOn(speaks3);
  }

  /** A value in a table that is being written. */
  private inner(speaks3: boolean): void {
    const { stack, reply } = this;
    if (!this.isFull && !stack.room(ROOM)) this.isFull = true;
    if (!this.isFull || stack.type(-1) !== LuaType.TABLE) {
      this.value(speaks3);
      return;
    }
    reply.error(stackLimit);
    stack.pop(1);
  }

  /** Begins a table: what is in it comes by and by, with goOn(). */
  private open(next: number): void {
    const level = this.depth++;
    const total = next === Next.ELEMENT ? this.stack.elementCount : -1;
    this.nexts[level] = next;
    this.counts[level] = 0;
    this.totals[level] = total;
    if (total === -1) this.handles[level] = this.reply.deferLength();
    else this.reply.array(total);
  }

  /** Writes elements of the innermost table, whose number is known: up to a table, which is opened, or the end. */
  private elements(speaks3: boolean, level: number, total: number): void {
    const { stack, reply, counts } = this;
    for (let n = (counts[level] as number) + 1; n <= total; n++) {
      const type = stack.peekElement(n);
      if (type === LuaType.STRING) reply.bulk(stack.bytes, stack.start, stack.start + stack.length);
      else if (type === LuaType.NUMBER) this.integer(stack.peeked);
      else if (type === LuaType.BOOLEAN) this.boolean(stack.peeked !== 0, speaks3);
      else if (type === LuaType.TABLE) {
        counts[level] = n;
        stack.getElement(-1, n);
        this.inner(speaks3);
        return;
      } else reply.null();
    }
    this.depth = level;
    stack.pop(1);
  }

  /** Writes one more value of the innermost table, or ends it. */
  private goOn(speaks3: boolean): void {
    const { stack, reply, nexts, counts } = this;
    const level = this.depth - 1;
    const total = this.totals[level] as number;
    if (total !== -1) {
      this.elements(speaks3, level, total);
      return;
    }
    const count = counts[level] as number;
    const handle = this.handles[level] as number;
    switch (nexts[level]) {
      case Next.ELEMENT:
        stack.getElement(-1, count + 1);
        if (stack.type(-1) !== LuaType.NIL) break;
        this.depth = level;
        reply.closeArray(handle, count);
        // The nil, and the table.
        stack.pop(2);
        return;
      case Next.MEMBER:
        if (stack.next(-2)) {
          stack.pop(1);
          stack.pushValue(-1);
          break;
        }
        this.depth = level;
        reply.closeSet(handle, count);
        // The table of the members, and the one that it stands in.
        stack.pop(2);
        return;
      case Next.KEY:
        if (stack.next(-2)) {
          // Key and value are on the stack; the key is needed again for the next pair.
          stack.pushValue(-2);
          nexts[level] = Next.VALUE;
          this.inner(speaks3);
          return;
        }
        this.depth = level;
        reply.closeMap(handle, count);
        stack.pop(2);
        return;
      default:
        nexts[level] = Next.KEY;
    }
    counts[level] = count + 1;
    this.inner(speaks3);
  }

  /** Pops the value on top and writes it; a table is opened, and popped when it ends. */
  private value(speaks3: boolean): void {
    const { stack, reply } = this;
    switch (stack.type(-1)) {
      case LuaType.STRING:
        stack.string(-1);
        reply.bulk(stack.bytes, stack.start, stack.start + stack.length);
        break;
      case LuaType.BOOLEAN:
        this.boolean(stack.boolean(-1), speaks3);
        break;
      case LuaType.NUMBER:
        this.integer(stack.number(-1));
        break;
      case LuaType.TABLE:
        if (!stack.hasFields) {
          this.open(Next.ELEMENT);
          return;
        }
        if (this.table()) return;
        break;
      default:
        reply.null();
    }
    stack.pop(1);
  }

  private boolean(value: boolean, speaks3: boolean): void {
    const { reply } = this;
    if (speaks3) reply.boolean(value);
    else if (value) reply.integer(1);
    else reply.null();
  }

  /** As a cast of C does it: what is beyond 64 bits, and NaN, is the smallest integer. */
  private integer(n: number): void {
    const { reply } = this;
    if (Number.isSafeInteger(n)) reply.integer(n);
    else if (n >= -INT64_LIMIT && n < INT64_LIMIT) reply.integerBig(BigInt(Math.trunc(n)));
    else reply.integerBig(-(2n ** 63n));
  }

  /** True: the table was opened. Else it stood for one value, which is written. */
  private table(): boolean {
    const { stack, reply } = this;
    if (stack.getField(-1, "err") === LuaType.STRING) {
      this.error();
      return false;
    }
    stack.pop(1);
    if (stack.getField(-1, "ok") === LuaType.STRING) {
      reply.simple(untilZero(this.oneLine()));
      stack.pop(1);
      return false;
    }
    stack.pop(1);
    if (stack.getField(-1, "double") === LuaType.NUMBER) {
      reply.double(stack.number(-1));
      stack.pop(1);
      return false;
    }
    stack.pop(1);
    if (stack.getField(-1, "map") === LuaType.TABLE) {
      this.open(Next.KEY);
      stack.pushNil();
      return true;
    }
    stack.pop(1);
    if (stack.getField(-1, "set") === LuaType.TABLE) {
      this.open(Next.MEMBER);
      stack.pushNil();
      return true;
    }
    stack.pop(1);
    if (stack.getField(-1, "big_number") === LuaType.STRING) {
      reply.bigNumber(this.oneLine());
      stack.pop(1);
      return false;
    }
    stack.pop(1);
    if (stack.getField(-1, "verbatim_string") === LuaType.TABLE && this.verbatim()) return false;
    stack.pop(1);
    this.open(Next.ELEMENT);
    return true;
  }

  /** The error's text is on top; below it its table. */
  private error(): void {
    const { stack, reply } = this;
    const text = asOneLine(untilZero(stack.latin1(-1) as string));
    stack.pop(1);
    stack.getField(-1, COUNTED);
    const isCounted = stack.boolean(-1);
    stack.pop(1);
    if (!isCounted) this.countError(text);
    this.hasErrors = true;
    reply.error(text);
  }

  private oneLine(): string {
    return withoutBreaks(this.stack.latin1(-1) as string);
  }

  /** The table of a verbatim string is on top. False: it is none. */
  private verbatim(): boolean {
    const { stack, reply } = this;
    if (stack.getField(-1, "format") !== LuaType.STRING) {
      stack.pop(1);
      return false;
    }
    const format = stack.latin1(-1) as string;
    stack.pop(1);
    if (stack.getField(-1, "string") !== LuaType.STRING) {
      stack.pop(1);
      return false;
    }
    // The format ends at a zero byte, and always has three letters.
    const [letters = ""] = format.split("\0");
    reply.verbatim(letters.slice(0, 3).padEnd(3), stack.latin1(-1) as string);
    stack.pop(2);
    return true;
  }
}
