/**
 * ScriptRequest: the arguments of redis.call() as a request. Its words are where Lua has them, in the
 * memory of the machine, and are not copied; numbers are written beside them, as texts.
 *
 *      redis.call("SET", KEYS[1], 10)   →   SET | k | 10
 *
 * They are good as long as the function of the host runs and Lua does not: its collector moves nothing, and
 * all of them are on its stack.
 */
import { type LuaStack, LuaType } from "@kv/lua";
import { ArgVector, DOUBLE_BYTES, formatDouble, writeInteger, writeLatin1 } from "@kv/resp";

/** The raw bytes of the batch are no request: who needs one puts it together of the words. */
const WORDS_ONLY = 1;

export class ScriptRequest {
  /** The request, as the only one of its batch. */
  readonly batch = new ArgVector();
  /** Where the texts of numbers are; 0: there are none. */
  private lent = 0;

  /** Makes a request of all values on the stack; release() follows. False: one is neither a string nor a number. */
  take(stack: LuaStack): boolean {
    const { batch } = this;
    const argc = stack.top;
    batch.clear();
    let at = 0;
    let size = 0;
    for (let index = 1; index <= argc; index++) {
      const type = stack.type(index);
      if (type === LuaType.STRING) {
        stack.string(index);
        const { start, length } = stack;
        batch.pushArgument(start, start + length);
        size += length;
      } else if (type === LuaType.NUMBER) {
        if (at === 0) {
          at = stack.borrow(argc * DOUBLE_BYTES);
          this.lent = at;
        }
        const end = writeNumber(stack.bytes, at, stack.number(index));
        batch.pushArgument(at, end);
        size += end - at;
        at = end;
      } else return false;
    }
    batch.bytes = stack.bytes;
    batch.view = stack.view;
    batch.pushCommand(0, 0, size, WORDS_ONLY);
    return true;
  }

  /** The request has been served. */
  release(stack: LuaStack): void {
    if (this.lent === 0) return;
    stack.giveBack(this.lent);
    this.lent = 0;
  }
}

/**
 * Writes a number as Redis 7.2 prints a double, and -0 as 0; 0/0 as the C library of the machines that
 * scripts were written on calls it. Returns the position behind it.
 */
function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (Number.isSafeInteger(value)) return writeInteger(bytes, at, value + 0);
  return writeLatin1(bytes, at, Number.isNaN(value) ? "-nan" : formatDouble(value));
}
