/**
 * `cjson.decode`: one pass over the bytes of the text, which lie in the machine's memory, with every
 * value pushed where it is found. Tables grow as Redis's do, so that `pairs` finds their fields in the
 * same order.
 *
 * More than JSON is read, as `decode_invalid_numbers` allows at first: hexadecimal numbers, `inf` and
 * `nan`, leading zeros. Control characters in strings stay, and a zero byte ends the text.
 */

import type { LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";
import { NumberReader } from "./json-numbers.ts";
import type { JsonSettings } from "./json-settings.ts";

/** Kinds of tokens; their names stand in the texts of errors. */
const Token = {
  OBJECT_BEGIN: 0,
  OBJECT_END: 1,
  ARRAY_BEGIN: 2,
  ARRAY_END: 3,
  STRING: 4,
  NUMBER: 5,
  BOOLEAN: 6,
  NULL: 7,
  COLON: 8,
  COMMA: 9,
  END: 10,
  SPACE: 11,
  ERROR: 12,
  /** What has to be looked at: a string, a number, a word. */
  OTHER: 13,
} as const;

const NAMES = [
  ...["T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER"],
  ...["T_BOOLEAN", "T_NULL", "T_COLON", "T_COMMA", "T_END", "T_WHITESPACE", "T_ERROR", "T_UNKNOWN"],
];

const KINDS = new Uint8Array(256).fill(Token.ERROR);
for (const [letters, kind] of [
  ["{", Token.OBJECT_BEGIN],
  ["}", Token.OBJECT_END],
  ["[", Token.ARRAY_BEGIN],
  ["]", Token.ARRAY_END],
  [":", Token.COLON],
  [",", Token.COMMA],
  ["\0", Token.END],
  [" \t\n\r", Token.SPACE],
  ['"+-0123456789fiInNt', Token.OTHER],
] as const) {
  for (const letter of letters) KINDS[letter.charCodeAt(0)] = kind;
}

/** What an escape stands for; 0: there is no such escape; U: four digits follow. */
const U = 0x75;
const ESCAPES = new Uint8Array(256);
for (const [letter, meaning] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t", "uu"]) {
  ESCAPES[letter.charCodeAt(0)] = meaning.charCodeAt(0);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
/** How deep a text may nest whatever was set: what the stack of a runtime has room for. */
const MAX_DEPTH = 2_600;

export class JsonDecoder {
  private readonly stack: LuaStack;
  private readonly scratch: ByteBuffer;
  private readonly numbers = new NumberReader();
  private settings!: JsonSettings;
  private start = 0;
  /** Where the next token is looked for, and where the last one was found. */
  private at = 0;
  private found = 0;
  private problem = "";

  constructor(stack: LuaStack, scratch: ByteBuffer) {
    this.stack = stack;
    this.scratch = scratch;
  }

  /** Pushes the value that the one argument describes. */
  decode(settings: JsonSettings): number {
    const { stack } = this;
    if (stack.top !== 1) stack.badArgument(1, "expected 1 argument");
    stack.checkString(1);
    const { start, length, bytes } = stack;
    // Every string of Lua has a zero behind it, so the end is found as a token.
    if (length >= 2 && (bytes[start] === 0 || bytes[start + 1] === 0)) {
      stack.error("JSON parser does not support UTF-16 or UTF-32");
    }
    this.settings = settings;
    this.start = start;
    this.at = start;
    this.value(this.token(), 0);
    const last = this.token();
    if (last !== Token.END) this.refuse("the end", last);
    return 1;
  }

  private refuse(expected: string, token: number): never {
    const found = token === Token.ERROR ? this.problem : NAMES[token];
    return this.stack.error(
      `Expected ${expected} but found ${found} at character ${this.found - this.start + 1}`,
    );
  }

  private mistake(text: string): number {
    this.problem = text;
    this.found = this.at;
    return Token.ERROR;
  }

  /** Goes to the next token. A string, a number, a boolean and null are pushed with it. */
  private token(): number {
    const { bytes } = this.stack;
    let at = this.at;
    let kind = KINDS[bytes[at]];
    while (kind === Token.SPACE) kind = KINDS[bytes[++at]];
    this.at = at;
    this.found = at;
    if (kind < Token.END) {
      this.at = at + 1;
      return kind;
    }
    if (kind === Token.END) return kind;
    if (kind === Token.ERROR) return this.mistake("invalid token");
    const byte = bytes[at];
    if (byte === QUOTE) return this.string();
    if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) return this.number();
    if (this.word("true")) {
      this.stack.pushBoolean(true);
      return Token.BOOLEAN;
    }
    if (this.word("false")) {
      this.stack.pushBoolean(false);
      return Token.BOOLEAN;
    }
    if (this.word("null")) {
      this.stack.api.lua_pushlightuserdata(this.stack.L, 0);
      return Token.NULL;
    }
    if (this.settings.decodeInvalidNumbers !== 0 && this.isInvalidNumber()) {
      return this.anyNumber();
    }
    return this.mistake("invalid token");
  }

  private word(text: string): boolean {
    const { bytes } = this.stack;
    for (let i = 0; i < text.length; i++) {
      if (bytes[this.at + i] !== text.charCodeAt(i)) return false;
    }
    this.at += text.length;
    return true;
  }

  /** An integer of a few digits is read here, everything else by the reader of numbers. */
  private number(): number {
    const { bytes } = this.stack;
    let at = this.at;
    const minus = bytes[at] === MINUS;
    if (minus) at++;
    const first = at;
    let value = 0;
    let byte = bytes[at];
    while (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + byte - 0x30;
      byte = bytes[++at];
    }
    const digits = at - first;
    const isPlain = byte !== 0x2e && (byte | 0x20) !== 0x65 && (byte | 0x20) !== 0x78;
    if (isPlain && digits > 0 && digits < 16 && (bytes[first] !== 0x30 || digits === 1)) {
      this.at = at;
      this.stack.pushNumber(minus ? -value : value);
      return Token.NUMBER;
    }
    if (this.settings.decodeInvalidNumbers === 0 && this.isInvalidNumber()) {
      return this.mistake("invalid number");
    }
    return this.anyNumber();
  }

  private anyNumber(): number {
    const { numbers } = this;
    numbers.read(this.stack.bytes, this.at);
    if (numbers.end === this.at) return this.mistake("invalid number");
    this.at = numbers.end;
    this.stack.pushNumber(numbers.value);
    return Token.NUMBER;
  }

  /** Whether what stands here would be a number to C, but is none to JSON. */
  private isInvalidNumber(): boolean {
    const { bytes } = this.stack;
    let { at } = this;
    if (bytes[at] === 0x2b) return true;
    if (bytes[at] === MINUS) at++;
    if (bytes[at] === 0x30) {
      const next = bytes[at + 1];
      return (next | 0x20) === 0x78 || (next >= 0x30 && next <= 0x39);
    }
    if (bytes[at] <= 0x39) return false;
    const small = String.fromCharCode(bytes[at] | 32, bytes[at + 1] | 32, bytes[at + 2] | 32);
    return small === "inf" || small === "nan";
  }

  private string(): number {
    const { stack } = this;
    const { bytes } = stack;
    const start = this.at + 1;
    let at = start;
    let byte = bytes[at];
    while (byte !== QUOTE && byte !== BACKSLASH && byte !== 0) byte = bytes[++at];
    if (byte === QUOTE) {
      this.at = at + 1;
      stack.pushRange(start, at - start);
      return Token.STRING;
    }
    return this.stringWithEscapes(start, at);
  }

  /** The string from `start`, of which nothing is an escape before `at`. */
  private stringWithEscapes(start: number, from: number): number {
    const { scratch, stack } = this;
    scratch.clear();
    let begin = start;
    let at = from;
    while (true) {
      const { bytes } = stack;
      const byte = bytes[at];
      if (byte !== QUOTE && byte !== BACKSLASH && byte !== 0) {
        at++;
        continue;
      }
      scratch.range(begin, at - begin);
      this.at = at;
      if (byte === QUOTE) break;
      if (byte === 0) return this.mistake("unexpected end of string");
      const meaning = ESCAPES[stack.bytes[at + 1]];
      if (meaning === 0) return this.mistake("invalid escape code");
      if (meaning === U) {
        const size = this.unicode(at);
        if (size === 0) return this.mistake("invalid unicode escape code");
        at += size;
      } else {
        scratch.byte(meaning);
        at += 2;
      }
      begin = at;
    }
    this.at = at + 1;
    scratch.push();
    return Token.STRING;
  }

  /** Writes what the escape at `at` stands for, a pair of surrogates too; its size, or 0. */
  private unicode(at: number): number {
    const { scratch } = this;
    const { bytes } = this.stack;
    let code = this.hex4(at + 2);
    if (code < 0) return 0;
    let size = 6;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0) return 0;
      if (bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== U) return 0;
      const low = this.hex4(at + 8);
      if (low < 0 || (low & 0xfc00) !== 0xdc00) return 0;
      code = (((code & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
      size = 12;
    }
    if (code < 0x80) scratch.byte(code);
    else if (code < 0x800) {
      scratch.byte(0xc0 | (code >> 6));
      scratch.byte(0x80 | (code & 0x3f));
    } else {
      if (code < 0x10000) scratch.byte(0xe0 | (code >> 12));
      else {
        scratch.byte(0xf0 | (code >> 18));
        scratch.byte(0x80 | ((code >> 12) & 0x3f));
      }
      scratch.byte(0x80 | ((code >> 6) & 0x3f));
      scratch.byte(0x80 | (code & 0x3f));
    }
    return size;
  }

  private hex4(at: number): number {
    let value = 0;
    for (let i = at; i < at + 4; i++) {
      const byte = this.stack.bytes[i];
      const small = byte | 0x20;
      let digit = byte - 0x30;
      if (digit < 0 || digit > 9) digit = small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  /** Completes the value that `token` begins, which is on the stack then. */
  private value(token: number, depth: number): void {
    if (token >= Token.STRING && token <= Token.NULL) return;
    if (token === Token.OBJECT_BEGIN) this.object(depth + 1);
    else if (token === Token.ARRAY_BEGIN) this.array(depth + 1);
    else this.refuse("value", token);
  }

  private descend(depth: number): void {
    const { stack } = this;
    if (depth > this.settings.decodeMaxDepth || depth > MAX_DEPTH || !stack.room(4)) {
      const place = `at character ${this.at - this.start}`;
      stack.error(`Found too many nested data structures (${depth}) ${place}`);
    }
    stack.pushTable();
  }

  private object(depth: number): void {
    this.descend(depth);
    let token = this.token();
    if (token === Token.OBJECT_END) return;
    while (true) {
      if (token !== Token.STRING) this.refuse("object key string", token);
      token = this.token();
      if (token !== Token.COLON) this.refuse("colon", token);
      this.value(this.token(), depth);
      this.stack.setRaw(-3);
      token = this.token();
      if (token === Token.OBJECT_END) return;
      if (token !== Token.COMMA) this.refuse("comma or object end", token);
      token = this.token();
    }
  }

  private array(depth: number): void {
    this.descend(depth);
    let token = this.token();
    if (token === Token.ARRAY_END) return;
    for (let i = 1; ; i++) {
      this.value(token, depth);
      this.stack.setElement(-2, i);
      token = this.token();
      if (token === Token.ARRAY_END) return;
      if (token !== Token.COMMA) this.refuse("comma or array end", token);
      token = this.token();
    }
  }
}
