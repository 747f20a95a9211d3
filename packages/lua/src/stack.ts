/**
 * The stack of Lua, as functions of the host see it: they read their arguments from it and push
 * their results. Nothing here makes an object for a value. A string is read as a range of the
 * machine's memory (`bytes`, from `start`, `length` long), which is good until Lua runs again.
 *
 * Indexes count from 1 at the bottom of the call, or from -1 at the top. As in Lua's own interface in
 * C, which this is a thin dress of, there is room for twenty values more than a call has arguments;
 * whoever pushes more asks for room first (`room`).
 *
 * A function of the host answers how many values it pushed. An error is one value on top and the
 * answer -1: `fail` and `raise` return that. Functions named `check...` leave the function at once,
 * with the text that Lua's own libraries give.
 */

import {
  arrayAddress,
  arraySize,
  grownSize,
  hasFields,
  LuaType,
  STACK_BASE,
  STACK_TOP,
  STRING_BYTES,
  STRING_LENGTH,
  TYPE,
  VALUE_BYTES,
} from "./layout.ts";
import { type LuaApi, REGISTRY } from "./machine.ts";
import type { WasmException } from "./webassembly.ts";

/** A function of the host: gets the stack with its arguments, answers how many results it pushed. */
export type HostFunction = (stack: LuaStack) => number;

/** Words to hand over, as a request has them. */
export interface WordSource {
  /** Where they lie. */
  readonly bytes: Uint8Array;
  /** Where a word begins, */
  start(index: number): number;
  /** and where it ends. */
  end(index: number): number;
}

/** What of the glue the stack needs. */
export interface StackGlue {
  /** Pushes a table of `count` strings that lie from `at` on, each behind its length; `room` for its array. */
  words(L: number, at: number, count: number, room: number): void;
  /** Pops a value into the field `name` of a table, both kept. */
  setKept(L: number, table: number, name: number): void;
  /** Makes such a table of strings the field `name` of a table, both kept. */
  setWords(L: number, at: number, count: number, room: number, table: number, name: number): void;
  /** Makes such strings the first elements of a table, which is kept. */
  fillWords(L: number, at: number, count: number, table: number): void;
  /** Pushes two kept values. */
  enter(L: number, first: number, second: number): void;
}

/** Room for small strings on their way in. */
const SCRATCH_BYTES = 65_536;
/** A long text is put together of pieces of so many letters. */
const LETTERS_AT_ONCE = 4096;

/** The stack of a call, or of a run: see the head of this file. */
export class LuaStack {
  /**
   * The state whose stack this is now: the script's, or that of one of its coroutines.
   * @internal
   */
  L = 0;
  /** The whole memory of the machine. Another array when the memory has grown. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The same, for numbers. */
  view: DataView<ArrayBuffer>;
  /** Where the string that was read last begins in `bytes`, */
  start = 0;
  /** and how long it is. */
  length = 0;
  /** The number that peekElement() read last; of a boolean 1 or 0. */
  peeked = 0;
  /**
   * The functions of Lua's interface in C, for what is not dressed here.
   * @internal
   */
  readonly api: LuaApi;
  /**
   * Set as soon as the glue is there, which is made with the machine.
   * @internal
   */
  glue!: StackGlue;
  private readonly scratch: number;
  private readonly lengthAt: number;

  /** @internal */
  constructor(api: LuaApi) {
    this.api = api;
    this.bytes = new Uint8Array(api.memory.buffer);
    this.view = new DataView(api.memory.buffer);
    this.scratch = api.malloc(SCRATCH_BYTES);
    this.lengthAt = api.malloc(8);
  }

  /**
   * The memory has grown: old views of it are empty.
   * @internal
   */
  renew(): void {
    this.bytes = new Uint8Array(this.api.memory.buffer);
    this.view = new DataView(this.api.memory.buffer);
  }

  /** How many values there are; for a function, of arguments. */
  get top(): number {
    const { view, L } = this;
    return (
      (view.getUint32(L + STACK_TOP, true) - view.getUint32(L + STACK_BASE, true)) / VALUE_BYTES
    );
  }

  /** Drops what is above, or adds nils. */
  setTop(count: number): void {
    this.api.lua_settop(this.L, count);
  }

  /** Drops so many values. */
  pop(count: number): void {
    this.api.lua_settop(this.L, -count - 1);
  }

  /** Makes sure that so many values can be pushed; false when there is no room for them. */
  room(count: number): boolean {
    return this.api.lua_checkstack(this.L, count) !== 0;
  }

  /** One of `LuaType`. */
  type(index: number): number {
    const at = this.valueAt(index);
    return at === 0 ? LuaType.NONE : this.view.getInt32(at + TYPE, true);
  }

  /** The address of a value (layout.ts); 0: there are not so many. */
  private valueAt(index: number): number {
    const { view, L } = this;
    const top = view.getUint32(L + STACK_TOP, true);
    if (index < 0) return top + index * VALUE_BYTES;
    const at = view.getUint32(L + STACK_BASE, true) + (index - 1) * VALUE_BYTES;
    return at < top ? at : 0;
  }

  /** The number there; a string that reads as a number is one; 0 for anything else. */
  number(index: number): number {
    const at = this.valueAt(index);
    if (at !== 0 && this.view.getInt32(at + TYPE, true) === LuaType.NUMBER)
      return this.view.getFloat64(at, true);
    return this.api.lua_tonumber(this.L, index);
  }

  /** Whether there is a number, or a string that reads as one. */
  isNumber(index: number): boolean {
    return this.api.lua_isnumber(this.L, index) !== 0;
  }

  /** Whether there is nil or nothing at all. */
  isNothing(index: number): boolean {
    return this.type(index) <= LuaType.NIL;
  }

  /** Anything but nil and false. */
  boolean(index: number): boolean {
    return this.api.lua_toboolean(this.L, index) !== 0;
  }

  /** Sets `start` and `length` to the string there. A number becomes a string; false for the rest. */
  string(index: number): boolean {
    const { view } = this;
    const at = this.valueAt(index);
    if (at !== 0 && view.getInt32(at + TYPE, true) === LuaType.STRING) {
      this.seeString(at);
      return true;
    }
    const start = this.api.lua_tolstring(this.L, index, this.lengthAt);
    if (start === 0) return false;
    this.start = start;
    this.length = this.view.getInt32(this.lengthAt, true);
    return true;
  }

  /** Sets `start` and `length` to the string that the value at this address is. */
  private seeString(at: number): void {
    const string = this.view.getUint32(at, true);
    this.start = string + STRING_BYTES;
    this.length = this.view.getInt32(string + STRING_LENGTH, true);
  }

  /** A copy of the string there, or undefined. */
  copy(index: number): Uint8Array<ArrayBuffer> | undefined {
    if (!this.string(index)) return undefined;
    return this.bytes.slice(this.start, this.start + this.length);
  }

  /** The string there, a letter for each byte, or undefined. */
  latin1(index: number): string | undefined {
    if (!this.string(index)) return undefined;
    return this.text(this.start, this.length);
  }

  /** Bytes of the memory, a letter for each. */
  text(start: number, length: number): string {
    const { bytes } = this;
    const end = start + length;
    let text = "";
    let i = start;
    for (; end - i > LETTERS_AT_ONCE; i += LETTERS_AT_ONCE)
      text += String.fromCharCode(...bytes.subarray(i, i + LETTERS_AT_ONCE));
    for (; i < end; i++) text += String.fromCharCode(bytes[i]);
    return text;
  }

  /** Whether the table on top has anything but elements of its array. */
  get hasFields(): boolean {
    return hasFields(this.view, this.view.getUint32(this.valueAt(-1), true));
  }

  /**
   * How many elements the table on top has ahead of the first nil, where its array tells; -1 where more of
   * them may be among its fields.
   */
  get elementCount(): number {
    const { view } = this;
    const table = view.getUint32(this.valueAt(-1), true);
    const size = arraySize(view, table);
    let at = arrayAddress(view, table) + TYPE;
    for (let count = 0; count < size; count++, at += VALUE_BYTES)
      if (view.getInt32(at, true) === LuaType.NIL) return count;
    return hasFields(view, table) ? -1 : size;
  }

  /**
   * The type of element `n`, of as many as `elementCount` tells, which is not pushed. Of a string `start` and
   * `length` are set, of a number or a boolean `peeked`.
   */
  peekElement(n: number): number {
    const { view } = this;
    const table = view.getUint32(this.valueAt(-1), true);
    const at = arrayAddress(view, table) + (n - 1) * VALUE_BYTES;
    const type = view.getInt32(at + TYPE, true);
    if (type === LuaType.NUMBER) this.peeked = view.getFloat64(at, true);
    else if (type === LuaType.BOOLEAN) this.peeked = view.getInt32(at, true);
    else if (type === LuaType.STRING) this.seeString(at);
    return type;
  }

  /** How long a string or the array part of a table is. */
  size(index: number): number {
    return this.api.lua_objlen(this.L, index);
  }

  /** Pushes nil. */
  pushNil(): void {
    this.api.lua_pushnil(this.L);
  }

  /** Pushes true or false. */
  pushBoolean(value: boolean): void {
    this.api.lua_pushboolean(this.L, value ? 1 : 0);
  }

  /** Pushes a number. */
  pushNumber(value: number): void {
    this.api.lua_pushnumber(this.L, value);
  }

  /** Pushes bytes from `start` up to `end` as a string. */
  pushBytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    const at = this.borrow(length);
    this.copyIn(at, bytes, start, length);
    this.pushBorrowed(at, length);
  }

  /** Pushes a text of letters below 256, a byte for each. */
  pushText(text: string): void {
    const at = this.borrow(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
    this.pushBorrowed(at, text.length);
  }

  /**
   * Pushes a table of words, from number `first` on. They are handed over together, each behind its
   * length.
   */
  pushWords(words: WordSource, first: number, count: number): void {
    const start = this.lendWords(words, first, count);
    try {
      this.glue.words(this.L, start, count, grownSize(count));
    } finally {
      this.giveBack(start);
    }
  }

  /** Makes such a table a field of a table, without metamethods; the table and the name are kept. */
  setWords(words: WordSource, first: number, count: number, table: number, name: number): void {
    const start = this.lendWords(words, first, count);
    try {
      this.glue.setWords(this.L, start, count, grownSize(count), table, name);
    } finally {
      this.giveBack(start);
    }
  }

  /** Makes words the first elements of a table, which is kept. */
  fillWords(words: WordSource, first: number, count: number, table: number): void {
    const start = this.lendWords(words, first, count);
    try {
      this.glue.fillWords(this.L, start, count, table);
    } finally {
      this.giveBack(start);
    }
  }

  /** Puts words where Lua can read them until giveBack(). */
  private lendWords(words: WordSource, first: number, count: number): number {
    let size = 0;
    for (let i = 0; i < count; i++)
      size += (words.end(first + i) - words.start(first + i) + 7) & ~3;
    const start = this.borrow(size);
    const { view } = this;
    let at = start;
    for (let i = 0; i < count; i++) {
      const from = words.start(first + i);
      const length = words.end(first + i) - from;
      view.setInt32(at, length, true);
      at += 4;
      this.copyIn(at, words.bytes, from, length);
      at += (length + 3) & ~3;
    }
    return start;
  }

  /** Pushes the string at `index` so many times in a row. */
  pushRepeated(index: number, count: number): void {
    this.string(index);
    const { start, length } = this;
    const size = length * count;
    if (size >= 2 ** 31) this.leave("not enough memory");
    const at = this.borrow(size);
    const { bytes } = this;
    bytes.copyWithin(at, start, start + length);
    for (let done = length; done < size; done *= 2)
      bytes.copyWithin(at + done, at, at + Math.min(done, size - done));
    this.pushBorrowed(at, size);
  }

  /** Pushes bytes that are in the machine's memory already. */
  pushRange(start: number, length: number): void {
    this.api.lua_pushlstring(this.L, start, length);
  }

  /** Pushes another copy of a value. */
  pushValue(index: number): void {
    this.api.lua_pushvalue(this.L, index);
  }

  /** Pushes a value that was kept (`keep`). */
  pushKept(ref: number): void {
    this.api.lua_rawgeti(this.L, REGISTRY, ref);
  }

  /** Pops a value and keeps it until `release`. */
  keep(): number {
    return this.api.luaL_ref(this.L, REGISTRY);
  }

  /** Forgets a value that was kept. */
  release(ref: number): void {
    this.api.luaL_unref(this.L, REGISTRY, ref);
  }

  /** Pops a value into a field of a table, without metamethods; the table and the name are kept. */
  setKept(table: number, name: number): void {
    this.glue.setKept(this.L, table, name);
  }

  /** Takes the value at `index` out of the stack. */
  remove(index: number): void {
    this.api.lua_remove(this.L, index);
  }

  /** Moves the value on top to `index`, and what stands from there on up. */
  insert(index: number): void {
    this.api.lua_insert(this.L, index);
  }

  /** Pops a value and puts it in the place of the one at `index`. */
  replace(index: number): void {
    this.api.lua_replace(this.L, index);
  }

  /** Pushes an empty table that is going to look as if it had grown by so many elements, one by one. */
  pushArray(count: number): void {
    this.pushTable(grownSize(count));
  }

  /** Pushes an empty table with room for so many elements and so many fields. */
  pushTable(elements = 0, fields = 0): void {
    this.api.lua_createtable(this.L, elements, fields);
  }

  /** Pushes the n-th element of a table, without metamethods. */
  getElement(index: number, n: number): void {
    this.api.lua_rawgeti(this.L, index, n);
  }

  /** Pops a value into the n-th element of a table, without metamethods. */
  setElement(index: number, n: number): void {
    this.api.lua_rawseti(this.L, index, n);
  }

  /** Replaces the key on top by what a table has for it, without metamethods. */
  getRaw(index: number): void {
    this.api.lua_rawget(this.L, index);
  }

  /** Pops a value and, below it, the key that it becomes the value of, without metamethods. */
  setRaw(index: number): void {
    this.api.lua_rawset(this.L, index);
  }

  /** Pushes a field of a table by its name, without metamethods; returns its type. */
  getField(index: number, name: string): number {
    this.pushText(name);
    this.getRaw(index < 0 && index > REGISTRY ? index - 1 : index);
    return this.type(-1);
  }

  /** Pops a value into the field of a table, without metamethods. */
  setField(index: number, name: string): void {
    this.pushText(name);
    this.insert(-2);
    this.setRaw(index < 0 && index > REGISTRY ? index - 1 : index);
  }

  /** Pops a key and pushes the next one with its value; false, with nothing pushed, after the last. */
  next(index: number): boolean {
    return this.api.lua_next(this.L, index) !== 0;
  }

  /** The answer of a function that failed: `text`, behind the place in the script that called it. */
  fail(text: string): number {
    this.api.luaL_where(this.L, 1);
    this.pushText(text);
    this.api.lua_concat(this.L, 2);
    return -1;
  }

  /** The answer of a function that failed with the value that it pushed last. */
  raise(): number {
    return -1;
  }

  /** Leaves the function: `bad argument #n to 'name' (text)`. */
  badArgument(argument: number, text: string): never {
    this.api.luaL_argerror(this.L, argument, this.zeroEnded(text));
    throw new Error("unreachable");
  }

  /** Leaves the function with an error: `text`, behind the place in the script that called it. */
  error(text: string): never {
    this.fail(text);
    this.api.lua_error(this.L);
    throw new Error("unreachable");
  }

  /** Makes room for values, or leaves the function: `stack overflow (text)`. */
  checkRoom(count: number, text: string): void {
    if (!this.room(count)) this.error(`stack overflow (${text})`);
  }

  /** The number there, or one that a string reads as. */
  checkNumber(argument: number): number {
    return this.api.luaL_checknumber(this.L, argument);
  }

  /** Sets `start` and `length`; a number will do. */
  checkString(argument: number): void {
    this.start = this.api.luaL_checklstring(this.L, argument, this.lengthAt);
    this.length = this.view.getInt32(this.lengthAt, true);
  }

  /** A table. */
  checkTable(argument: number): void {
    this.api.luaL_checktype(this.L, argument, LuaType.TABLE);
  }

  /** Any value, nil too, but not none. */
  checkAny(argument: number): void {
    this.api.luaL_checkany(this.L, argument);
  }

  /** Copies bytes into the machine's memory; a few by a loop, which costs less than a call. */
  private copyIn(at: number, bytes: Uint8Array, start: number, length: number): void {
    const memory = this.bytes;
    if (length < 48) for (let i = 0; i < length; i++) memory[at + i] = bytes[start + i];
    else memory.set(bytes.subarray(start, start + length), at);
  }

  /**
   * A place in the machine's memory for so many bytes of the host's, until they are given back and until
   * the next value is pushed. Leaves the function when there is none.
   */
  borrow(length: number): number {
    if (length <= SCRATCH_BYTES) return this.scratch;
    const at = this.api.malloc(length);
    // Lua says the same when it is refused memory.
    if (at === 0) this.leave("not enough memory");
    return at;
  }

  /** Gives back a place that was borrowed. */
  giveBack(at: number): void {
    if (at !== this.scratch) this.api.free(at);
  }

  private pushBorrowed(at: number, length: number): void {
    if (at === this.scratch) {
      this.api.lua_pushlstring(this.L, at, length);
      return;
    }
    try {
      this.api.lua_pushlstring(this.L, at, length);
    } finally {
      this.giveBack(at);
    }
  }

  /** Leaves the function with an error that names no place. */
  leave(text: string): never {
    this.pushText(text);
    this.api.lua_error(this.L);
    throw new Error("unreachable");
  }

  /**
   * A short text with a zero behind it, where Lua can read it until the next string is pushed.
   * @internal
   */
  zeroEnded(text: string): number {
    const length = Math.min(text.length, SCRATCH_BYTES - 1);
    for (let i = 0; i < length; i++) this.bytes[this.scratch + i] = text.charCodeAt(i);
    this.bytes[this.scratch + length] = 0;
    return this.scratch;
  }
}

/** Whether `error` is Lua's own way out of a function, which has to be let through. */
export function isLuaError(error: unknown, tag: object): error is WasmException {
  return (error as Partial<WasmException> | undefined)?.is?.(tag) === true;
}
