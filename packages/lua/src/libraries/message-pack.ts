/**
 * `cmsgpack`: values as MessagePack and back. Numbers are written as integers where they are such, as
 * floats of 32 bits where that loses nothing. A table is an array when its keys are 1 to n. Tables
 * within sixteen others become nil. Types of extensions are bad data.
 */

import { truncated } from "../integers.ts";
import { LuaType } from "../layout.ts";
import type { ReadOnlyTables } from "../read-only.ts";
import type { HostFunction, LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";

const MAX_NESTING = 16;
/** How deep a message may nest: what the stack of a runtime has room for, wherever it stands. */
const MAX_DEPTH = 1_500;

function packInteger(out: ByteBuffer, value: number): void {
  if (value >= 0) {
    if (value <= 127) out.byte(value);
    else if (value <= 0xff) head(out, 0xcc, value, 1);
    else if (value <= 0xffff) head(out, 0xcd, value, 2);
    else if (value <= 0xffff_ffff) head(out, 0xce, value, 4);
    else {
      out.byte(0xcf);
      out.integer64(BigInt(value));
    }
  } else if (value >= -32) out.byte(value);
  else if (value >= -128) head(out, 0xd0, value, 1);
  else if (value >= -32_768) head(out, 0xd1, value, 2);
  else if (value >= -(2 ** 31)) head(out, 0xd2, value, 4);
  else {
    out.byte(0xd3);
    out.integer64(BigInt(value));
  }
}

function head(out: ByteBuffer, type: number, value: number, size: number): void {
  out.byte(type);
  out.integer(value, size);
}

function packNumber(out: ByteBuffer, value: number): void {
  if (Number.isFinite(value) && truncated(value) === value) packInteger(out, value);
  else if (Math.fround(value) === value) {
    out.byte(0xca);
    out.float32(value);
  } else {
    out.byte(0xcb);
    out.float64(value);
  }
}

function packString(stack: LuaStack, out: ByteBuffer): void {
  stack.string(-1);
  const { start, length } = stack;
  if (length < 32) out.byte(0xa0 | length);
  else if (length <= 0xff) head(out, 0xd9, length, 1);
  else if (length <= 0xffff) head(out, 0xda, length, 2);
  else head(out, 0xdb, length, 4);
  out.range(start, length);
}

/** How many pairs the table on top has, or -1 - n when it is an array of n. */
function shape(stack: LuaStack): number {
  let count = 0;
  let max = 0;
  let isArray = true;
  stack.pushNil();
  while (stack.next(-2)) {
    stack.pop(1);
    count++;
    if (!isArray) continue;
    const key = stack.type(-1) === LuaType.NUMBER ? stack.number(-1) : 0;
    if (key <= 0 || !Number.isFinite(key) || Math.trunc(key) !== key) isArray = false;
    else if (key > max) max = key;
  }
  return isArray && max === count ? -1 - count : count;
}

function packTable(stack: LuaStack, out: ByteBuffer, tables: ReadOnlyTables, level: number): void {
  tables.reveal(stack, -1);
  const found = shape(stack);
  if (found < 0) {
    const count = -1 - found;
    if (count <= 15) out.byte(0x90 | count);
    else if (count <= 0xffff) head(out, 0xdc, count, 2);
    else head(out, 0xdd, count, 4);
    for (let i = 1; i <= count; i++) {
      stack.getElement(-1, i);
      packValue(stack, out, tables, level + 1);
    }
    return;
  }
  if (found <= 15) out.byte(0x80 | found);
  else if (found <= 0xffff) head(out, 0xde, found, 2);
  else head(out, 0xdf, found, 4);
  stack.pushNil();
  while (stack.next(-2)) {
    stack.pushValue(-2);
    packValue(stack, out, tables, level + 1);
    packValue(stack, out, tables, level + 1);
  }
}

/** Writes the value on top and pops it. */
function packValue(stack: LuaStack, out: ByteBuffer, tables: ReadOnlyTables, level: number): void {
  const type = stack.type(-1);
  if (type === LuaType.STRING) packString(stack, out);
  else if (type === LuaType.BOOLEAN) out.byte(stack.boolean(-1) ? 0xc3 : 0xc2);
  else if (type === LuaType.NUMBER) packNumber(out, stack.number(-1));
  else if (type === LuaType.TABLE && level < MAX_NESTING) {
    stack.checkRoom(5, "in function mp_encode_lua_type");
    packTable(stack, out, tables, level);
  } else out.byte(0xc0);
  stack.pop(1);
}

/** One message after another, from `at` to `end`. */
class Reader {
  at: number;
  readonly end: number;
  private readonly stack: LuaStack;
  private depth = 0;

  constructor(stack: LuaStack, at: number, end: number) {
    this.stack = stack;
    this.at = at;
    this.end = end;
  }

  /** Pushes the next value. */
  value(): void {
    const { stack } = this;
    const type = this.bytes(1);
    const first = stack.bytes[type];
    if (first < 0x80) stack.pushNumber(first);
    else if (first >= 0xe0) stack.pushNumber(first - 256);
    else if (first < 0x90) this.map(first & 15);
    else if (first < 0xa0) this.array(first & 15);
    else if (first < 0xc0) this.string(first & 31);
    else this.typed(first);
  }

  private typed(first: number): void {
    const { stack } = this;
    if (first === 0xc0) stack.pushNil();
    else if (first === 0xc2 || first === 0xc3) stack.pushBoolean(first === 0xc3);
    else if (first === 0xca) stack.pushNumber(stack.view.getFloat32(this.bytes(4)));
    else if (first === 0xcb) stack.pushNumber(stack.view.getFloat64(this.bytes(8)));
    else if (first >= 0xcc && first <= 0xce) stack.pushNumber(this.unsigned(1 << (first - 0xcc)));
    // Unsigned, that is: Redis takes what is beyond 2^63 as below zero.
    else if (first === 0xcf) stack.pushNumber(Number(stack.view.getBigInt64(this.bytes(8))));
    else if (first === 0xd0) stack.pushNumber(stack.view.getInt8(this.bytes(1)));
    else if (first === 0xd1) stack.pushNumber(stack.view.getInt16(this.bytes(2)));
    else if (first === 0xd2) stack.pushNumber(stack.view.getInt32(this.bytes(4)));
    else if (first === 0xd3) stack.pushNumber(Number(stack.view.getBigInt64(this.bytes(8))));
    else if (first >= 0xd9 && first <= 0xdb) this.string(this.unsigned(1 << (first - 0xd9)));
    else if (first === 0xdc) this.array(this.unsigned(2));
    else if (first === 0xdd) this.array(this.unsigned(4));
    else if (first === 0xde) this.map(this.unsigned(2));
    else if (first === 0xdf) this.map(this.unsigned(4));
    else stack.error("Bad data format in input.");
  }

  /** Where the next `count` bytes are, which are read with that. */
  private bytes(count: number): number {
    if (this.end - this.at < count) this.stack.error("Missing bytes in input.");
    this.at += count;
    return this.at - count;
  }

  private unsigned(size: number): number {
    const at = this.bytes(size);
    const { view } = this.stack;
    return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
  }

  private string(length: number): void {
    this.stack.pushRange(this.bytes(length), length);
  }

  private array(count: number): void {
    const { stack } = this;
    this.descend("in function mp_decode_to_lua_array");
    stack.pushTable();
    for (let i = 1; i <= count; i++) {
      this.value();
      stack.setElement(-2, i);
    }
    this.depth--;
  }

  private map(count: number): void {
    const { stack } = this;
    this.descend("in function mp_decode_to_lua_hash");
    stack.pushTable();
    for (let i = 0; i < count; i++) {
      this.value();
      this.value();
      stack.setRaw(-3);
    }
    this.depth--;
  }

  private descend(text: string): void {
    if (++this.depth > MAX_DEPTH) this.stack.error(`stack overflow (${text})`);
    this.stack.checkRoom(4, text);
  }
}

function pack(stack: LuaStack, out: ByteBuffer, tables: ReadOnlyTables): number {
  const count = stack.top;
  if (count === 0) stack.badArgument(0, "MessagePack pack needs input.");
  stack.checkRoom(count + 5, "Too many arguments for MessagePack pack.");
  out.clear();
  for (let i = 1; i <= count; i++) {
    stack.pushValue(i);
    packValue(stack, out, tables, 0);
  }
  out.push();
  return 1;
}

/** Reads `limit` values from `offset` on; all there are, and nothing else, when both are 0. */
function unpack(stack: LuaStack, limit: number, offset: number): number {
  stack.checkString(1);
  const { start, length } = stack;
  if (offset < 0 || limit < 0) {
    stack.error(`Invalid request to unpack with offset of ${offset | 0} and limit of ${length}.`);
  }
  if (offset > length) {
    stack.error(`Start offset ${offset | 0} greater than input length ${length}.`);
  }
  stack.setTop(1);
  const all = limit === 0 && offset === 0;
  const reader = new Reader(stack, start + offset, start + length);
  let count = 0;
  for (; reader.at < reader.end && (all || count < limit); count++) {
    stack.checkRoom(4, "in function mp_decode_to_lua_type");
    reader.value();
  }
  if (all) return count;
  stack.checkRoom(1, "in function mp_unpack_full");
  stack.pushNumber(reader.at === reader.end ? -1 : reader.at - start);
  stack.insert(2);
  return count + 1;
}

const optional = (stack: LuaStack, argument: number) =>
  stack.isNothing(argument) ? 0 : truncated(stack.checkNumber(argument));

export const MESSAGE_PACK_VALUES = {
  _NAME: "cmsgpack",
  _VERSION: "lua-cmsgpack 0.4.0",
  _COPYRIGHT: "Copyright (C) 2012, Salvatore Sanfilippo",
  _DESCRIPTION: "MessagePack C implementation for Lua",
};

export function messagePackFunctions(
  out: ByteBuffer,
  tables: ReadOnlyTables,
): Record<string, HostFunction> {
  return {
    pack: (stack) => pack(stack, out, tables),
    unpack: (stack) => unpack(stack, 0, 0),
    unpack_one: (stack) => unpack(stack, 1, optional(stack, 2)),
    unpack_limit: (stack) => {
      const limit = truncated(stack.checkNumber(2));
      return unpack(stack, limit, optional(stack, 3));
    },
  };
}
