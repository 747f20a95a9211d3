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
 */
import { type LuaStack, LuaType } from "@kv/lua";
import type { ReplyWriter } from "@kv/resp";
import { asOneLine, withoutBreaks } from "./one-line.ts";

const INT64_LIMIT = 2 ** 63;
/** Values that one level of a reply needs on the stack. */
const ROOM = 5;
const stackLimit = "ERR reached lua stack limit";

/** What a script's reply is written with. One for each engine. */
export class LuaToReply {
  private readonly stack: LuaStack;
  private readonly reply: ReplyWriter;
  /** Told of errors in replies that no command has counted before. */
  private readonly countError: (text: string) => void;

  constructor(stack: LuaStack, reply: ReplyWriter, countError: (text: string) => void) {
    this.stack = stack;
    this.reply = reply;
    this.countError = countError;
  }

  /** Pops the value on top and writes it. `speaks3`: the script has said redis.setresp(3). */
  write(speaks3: boolean): void {
    // For the outermost there is room, as after any run.
    this.value(speaks3);
  }

  private inner(speaks3: boolean): void {
    const { stack, reply } = this;
    if (stack.room(ROOM)) this.value(speaks3);
    else {
      reply.error(stackLimit);
      stack.pop(1);
    }
  }

  private value(speaks3: boolean): void {
    const { stack, reply } = this;
    switch (stack.type(-1)) {
      case LuaType.STRING:
        stack.string(-1);
        reply.bulk(stack.bytes, stack.start, stack.start + stack.length);
        break;
      case LuaType.BOOLEAN:
        if (speaks3) reply.boolean(stack.boolean(-1));
        else if (stack.boolean(-1)) reply.integer(1);
        else reply.null();
        break;
      case LuaType.NUMBER:
        this.integer(stack.number(-1));
        break;
      case LuaType.TABLE:
        if (stack.hasFields) this.table(speaks3);
        else this.array(speaks3);
        break;
      default:
        reply.null();
    }
    stack.pop(1);
  }

  /** As a cast of C does it: what is beyond 64 bits, and NaN, is the smallest integer. */
  private integer(n: number): void {
    const { reply } = this;
    if (Number.isSafeInteger(n)) reply.integer(n);
    else if (n >= -INT64_LIMIT && n < INT64_LIMIT) reply.integerBig(BigInt(Math.trunc(n)));
    else reply.integerBig(-(2n ** 63n));
  }

  private table(speaks3: boolean): void {
    const { stack, reply } = this;
    if (stack.getField(-1, "err") === LuaType.STRING) {
      this.error();
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "ok") === LuaType.STRING) {
      reply.simple(this.oneLine());
      stack.pop(1);
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "double") === LuaType.NUMBER) {
      reply.double(stack.number(-1));
      stack.pop(1);
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "map") === LuaType.TABLE) {
      this.map(speaks3);
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "set") === LuaType.TABLE) {
      this.set(speaks3);
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "big_number") === LuaType.STRING) {
      reply.bigNumber(this.oneLine());
      stack.pop(1);
      return;
    }
    stack.pop(1);
    if (stack.getField(-1, "verbatim_string") === LuaType.TABLE && this.verbatim()) return;
    stack.pop(1);
    this.array(speaks3);
  }

  /** The error's text is on top; below it its table. */
  private error(): void {
    const { stack, reply } = this;
    const text = asOneLine(stack.latin1(-1) as string);
    stack.pop(1);
    stack.getField(-1, "ignore_error_stats_update");
    const isCounted = stack.boolean(-1);
    stack.pop(1);
    if (!isCounted) this.countError(text);
    reply.error(text);
  }

  private oneLine(): string {
    return withoutBreaks(this.stack.latin1(-1) as string);
  }

  private map(speaks3: boolean): void {
    const { stack, reply } = this;
    const handle = reply.deferLength();
    let pairs = 0;
    stack.pushNil();
    while (stack.next(-2)) {
      // Key and value are on the stack; the key is needed again for the next pair.
      stack.pushValue(-2);
      this.inner(speaks3);
      this.inner(speaks3);
      pairs++;
    }
    reply.closeMap(handle, pairs);
    stack.pop(1);
  }

  private set(speaks3: boolean): void {
    const { stack, reply } = this;
    const handle = reply.deferLength();
    let count = 0;
    stack.pushNil();
    while (stack.next(-2)) {
      stack.pop(1);
      stack.pushValue(-1);
      this.inner(speaks3);
      count++;
    }
    reply.closeSet(handle, count);
    stack.pop(1);
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

  private array(speaks3: boolean): void {
    const { stack, reply } = this;
    const handle = reply.deferArray();
    let count = 0;
    for (;;) {
      stack.getElement(-1, count + 1);
      if (stack.type(-1) === LuaType.NIL) break;
      this.inner(speaks3);
      count++;
    }
    stack.pop(1);
    reply.closeArray(handle, count);
  }
}
