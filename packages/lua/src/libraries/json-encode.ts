/**
 * `cjson.encode`: reads tables where they lie in the machine's memory (layout.ts) and writes beside
 * them, so nothing is pushed and no object is made for an element. Lua does not run meanwhile.
 *
 * A table is an array when all its keys are positive integers; a hole is null. Strings keep their
 * bytes, whatever they are, but for `"`, `\`, `/`, control characters and DEL.
 */

import {
  arrayAddress,
  arraySize,
  LuaType,
  NODE_BYTES,
  NODE_KEY,
  nodesAddress,
  nodesCount,
  STRING_BYTES,
  STRING_LENGTH,
  TYPE,
  VALUE_BYTES,
} from "../layout.ts";
import type { ReadOnlyTables } from "../read-only.ts";
import type { LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";
import { formatG } from "./json-numbers.ts";
import { InvalidNumbers, type JsonSettings } from "./json-settings.ts";

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const HEX = [..."0123456789abcdef"].map((letter) => letter.charCodeAt(0));

/** What stands behind the backslash for a byte; 0 for one that stands for itself; U for the rest. */
const U = 0x75;
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(U, 0, 32);
ESCAPES[127] = U;
for (const [byte, letter] of [
  [8, "b"],
  [9, "t"],
  [10, "n"],
  [12, "f"],
  [13, "r"],
  [QUOTE, '"'],
  [0x2f, "/"],
  [BACKSLASH, "\\"],
] as const) {
  ESCAPES[byte] = letter.charCodeAt(0);
}

const TYPE_NAMES = [
  ...["nil", "boolean", "userdata", "number", "string", "table", "function", "userdata", "thread"],
];

/** Integers below it are printed with all of their digits. */
const PLAIN_MAX = 1e14;
/** How deep tables may nest whatever was set: what the stack of a runtime has room for. */
const MAX_DEPTH = 2_600;

export class JsonEncoder {
  private readonly stack: LuaStack;
  private readonly out: ByteBuffer;
  private readonly tables: ReadOnlyTables;
  private settings!: JsonSettings;

  constructor(stack: LuaStack, out: ByteBuffer, tables: ReadOnlyTables) {
    this.stack = stack;
    this.out = out;
    this.tables = tables;
  }

  /** Replaces the one argument by its text. */
  encode(settings: JsonSettings): number {
    const { stack, out } = this;
    if (stack.top !== 1) stack.badArgument(1, "expected 1 argument");
    this.settings = settings;
    out.clear();
    const type = stack.type(1);
    if (type === LuaType.TABLE) this.table(stack.api.lua_topointer(stack.L, 1), 1);
    else if (type === LuaType.NUMBER) this.number(stack.number(1));
    else if (type === LuaType.STRING) {
      stack.string(1);
      this.string(stack.start, stack.length);
    } else if (type === LuaType.LIGHT_USERDATA) {
      this.lightUserdata(stack.api.lua_touserdata(stack.L, 1));
    } else this.value(type, stack.boolean(1) ? 1 : 0);
    out.push();
    return 1;
  }

  /** A value of a simple type, given the word that stands for it. */
  private value(type: number, word: number): void {
    if (type === LuaType.NIL) this.out.text("null");
    else if (type === LuaType.BOOLEAN) this.out.text(word === 0 ? "false" : "true");
    else this.refuse(type, "type not supported");
  }

  /** The value that lies at `at`. */
  private valueAt(at: number, depth: number): void {
    const { view } = this.stack;
    const type = view.getInt32(at + TYPE, true);
    if (type === LuaType.STRING) {
      const string = view.getUint32(at, true);
      this.string(string + STRING_BYTES, view.getUint32(string + STRING_LENGTH, true));
    } else if (type === LuaType.NUMBER) this.number(view.getFloat64(at, true));
    else if (type === LuaType.TABLE) this.table(view.getUint32(at, true), depth + 1);
    else if (type === LuaType.LIGHT_USERDATA) this.lightUserdata(view.getUint32(at, true));
    else this.value(type, view.getUint32(at, true));
  }

  private lightUserdata(address: number): void {
    if (address !== 0) this.refuse(LuaType.LIGHT_USERDATA, "type not supported");
    this.out.text("null");
  }

  private refuse(type: number, reason: string): never {
    return this.stack.error(`Cannot serialise ${TYPE_NAMES[type]}: ${reason}`);
  }

  private table(seen: number, depth: number): void {
    const table = this.tables.behind(seen);
    if (depth > this.settings.encodeMaxDepth || depth > MAX_DEPTH) {
      this.stack.error(`Cannot serialise, excessive nesting (${depth})`);
    }
    const { view } = this.stack;
    const size = arraySize(view, table);
    const length = this.arrayLength(table, size);
    if (length > 0) this.array(table, size, length, depth);
    else this.object(table, size, depth);
  }

  /** The largest key when all keys are positive integers of 32 bits, 0 for an empty table, otherwise -1. */
  private arrayLength(table: number, size: number): number {
    const { view } = this.stack;
    let max = 0;
    let items = 0;
    for (let i = 0, at = arrayAddress(view, table) + TYPE; i < size; i++, at += VALUE_BYTES) {
      if (view.getInt32(at, true) === LuaType.NIL) continue;
      items++;
      max = i + 1;
    }
    const count = nodesCount(view, table);
    let node = nodesAddress(view, table);
    for (let i = 0; i < count; i++, node += NODE_BYTES) {
      if (view.getInt32(node + TYPE, true) === LuaType.NIL) continue;
      if (view.getInt32(node + NODE_KEY + TYPE, true) !== LuaType.NUMBER) return -1;
      const key = view.getFloat64(node + NODE_KEY, true);
      if (!(key >= 1) || Math.floor(key) !== key) return -1;
      items++;
      // As a cast of C does it: beyond 32 bits it is the smallest integer, and any key comes after it.
      if (key > max) max = key <= INT_MAX ? key : INT_MIN;
    }
    if (max < 0) return -1;
    const { sparseRatio, sparseSafe, sparseConvert } = this.settings;
    if (sparseRatio > 0 && max > items * sparseRatio && max > sparseSafe) {
      if (sparseConvert === 0) this.refuse(LuaType.TABLE, "excessively sparse array");
      return -1;
    }
    return max;
  }

  private array(table: number, size: number, length: number, depth: number): void {
    const { out } = this;
    out.byte(0x5b);
    for (let i = 1; i <= length; i++) {
      if (i > 1) out.byte(COMMA);
      // Writing may have moved the views, but no value.
      const at =
        i <= size
          ? arrayAddress(this.stack.view, table) + (i - 1) * VALUE_BYTES
          : this.nodeOf(table, i);
      if (at === 0) out.text("null");
      else this.valueAt(at, depth);
    }
    out.byte(0x5d);
  }

  /** The node whose key is a number, or 0. Few arrays have any, and those have few. */
  private nodeOf(table: number, key: number): number {
    const { view } = this.stack;
    const count = nodesCount(view, table);
    let node = nodesAddress(view, table);
    for (let i = 0; i < count; i++, node += NODE_BYTES) {
      if (view.getInt32(node + TYPE, true) === LuaType.NIL) continue;
      if (view.getFloat64(node + NODE_KEY, true) === key) return node;
    }
    return 0;
  }

  private object(table: number, size: number, depth: number): void {
    const { out } = this;
    out.byte(0x7b);
    let first = true;
    for (let i = 0; i < size; i++) {
      const { view } = this.stack;
      const at = arrayAddress(view, table) + i * VALUE_BYTES;
      if (view.getInt32(at + TYPE, true) === LuaType.NIL) continue;
      if (!first) out.byte(COMMA);
      first = false;
      this.numberKey(i + 1);
      this.valueAt(at, depth);
    }
    const count = nodesCount(this.stack.view, table);
    let node = nodesAddress(this.stack.view, table);
    for (let i = 0; i < count; i++, node += NODE_BYTES) {
      const { view } = this.stack;
      if (view.getInt32(node + TYPE, true) === LuaType.NIL) continue;
      if (!first) out.byte(COMMA);
      first = false;
      const type = view.getInt32(node + NODE_KEY + TYPE, true);
      if (type === LuaType.STRING) {
        const string = view.getUint32(node + NODE_KEY, true);
        this.string(string + STRING_BYTES, view.getUint32(string + STRING_LENGTH, true));
        out.byte(COLON);
      } else if (type === LuaType.NUMBER) this.numberKey(view.getFloat64(node + NODE_KEY, true));
      else this.refuse(type, "table key must be a number or string");
      this.valueAt(node, depth);
    }
    out.byte(0x7d);
  }

  private numberKey(key: number): void {
    const { out } = this;
    out.byte(QUOTE);
    this.number(key);
    out.byte(QUOTE);
    out.byte(COLON);
  }

  private number(value: number): void {
    const { out, settings } = this;
    if (value > -PLAIN_MAX && value < PLAIN_MAX && settings.numberPrecision === 14) {
      if (Math.floor(value) === value && (value !== 0 || !Object.is(value, -0))) {
        this.integer(value);
        return;
      }
      // The shortest text of a number is that of fourteen digits, if it has no more than that.
      const text = `${value}`;
      if (text.length <= 15 && Math.abs(value) >= 1e-4) {
        out.text(text);
        return;
      }
    }
    if (Number.isFinite(value)) out.text(formatG(value, settings.numberPrecision));
    else if (settings.encodeInvalidNumbers === InvalidNumbers.NULL) out.text("null");
    else if (settings.encodeInvalidNumbers === InvalidNumbers.REFUSE) {
      this.refuse(LuaType.NUMBER, "must not be NaN or Inf");
    } else if (Number.isNaN(value)) out.text("nan");
    else out.text(value < 0 ? "-inf" : "inf");
  }

  private integer(value: number): void {
    const { out } = this;
    out.reserve(16);
    const { bytes } = this.stack;
    let at = out.at + out.length;
    let rest = value;
    if (rest < 0) {
      bytes[at++] = 0x2d;
      rest = -rest;
    }
    let power = 1;
    while (power * 10 <= rest) power *= 10;
    if (rest < 2 ** 31) {
      let small = rest | 0;
      for (; power >= 1; power = (power / 10) | 0) {
        const digit = (small / power) | 0;
        bytes[at++] = 0x30 + digit;
        small -= digit * power;
      }
    } else {
      for (; power >= 1; power /= 10) {
        const digit = Math.floor(rest / power);
        bytes[at++] = 0x30 + digit;
        rest -= digit * power;
      }
    }
    out.length = at - out.at;
  }

  private string(start: number, length: number): void {
    const { out } = this;
    // As much as it can become, so that nothing has to be asked within the loop.
    out.reserve(length * 6 + 2);
    const { bytes } = this.stack;
    let to = out.at + out.length;
    bytes[to++] = QUOTE;
    for (let at = start; at < start + length; at++) {
      const byte = bytes[at];
      const letter = ESCAPES[byte];
      if (letter === 0) {
        bytes[to++] = byte;
        continue;
      }
      bytes[to++] = BACKSLASH;
      bytes[to++] = letter;
      if (letter !== U) continue;
      bytes[to++] = 0x30;
      bytes[to++] = 0x30;
      bytes[to++] = HEX[byte >> 4];
      bytes[to++] = HEX[byte & 15];
    }
    bytes[to++] = QUOTE;
    out.length = to - out.at;
  }
}
