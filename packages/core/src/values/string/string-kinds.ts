/**
 * The kinds of strings: one type in three encodings. Where the bytes lie (inside the entry, or in a
 * block of their own) is a matter of their number alone: see string-value.ts.
 */
import { assert } from "../../assert.ts";
import type { Arena, Ref } from "../../memory/arena.ts";
import {
  byteIndex,
  bytesOf,
  Encoding,
  EXTERNAL_FLAG,
  flagsOf,
  keyIndex,
  keyLength,
  Type,
  valueLength,
  valueRef,
  viewOf,
  WORD_FLAG,
  wordFieldIndex,
  wordsOf,
} from "../../table/entry.ts";
import type { ElementVisitor, ValueKind } from "../kind.ts";
import { oneBlock } from "../one-block.ts";

function eachText(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const isExternal = (flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0;
  const block = isExternal ? valueRef(arena, entry) : entry;
  const at = isExternal ? byteIndex(block) : keyIndex(arena, entry) + keyLength(arena, entry);
  const end = at + valueLength(arena, entry);
  visitor.text.setString(bytesOf(arena, block), viewOf(arena, block), at, end);
  visitor.element();
}

function eachInteger(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const words = wordsOf(arena, entry);
  const at = wordFieldIndex(arena, entry);
  visitor.text.setInteger(words[at + 1] as number, words[at] as number);
  visitor.element();
}

function checkText(arena: Arena, entry: Ref): void {
  const flags = flagsOf(arena, entry);
  const isExternal = (flags & EXTERNAL_FLAG) !== 0;
  assert(isExternal === ((flags & WORD_FLAG) !== 0), "a text has a word for its block only");
  if (!isExternal) return;
  const bytes = arena.blockBytes(valueRef(arena, entry));
  assert(valueLength(arena, entry) <= bytes, "a text fits its block");
}

function checkInteger(arena: Arena, entry: Ref): void {
  const shape = flagsOf(arena, entry) & (WORD_FLAG | EXTERNAL_FLAG);
  assert(shape === WORD_FLAG, "an integer is the word of its entry");
}

function stringKind(
  encoding: number,
  encodingName: string,
  each: ValueKind["each"],
  check: ValueKind["check"],
): ValueKind {
  const names = { type: Type.STRING, encoding, typeName: "string", encodingName };
  return { ...names, shape: "text", ...oneBlock, each, check };
}

export const stringKinds: readonly ValueKind[] = [
  stringKind(Encoding.RAW, "raw", eachText, checkText),
  stringKind(Encoding.INT, "int", eachInteger, checkInteger),
  stringKind(Encoding.EMBSTR, "embstr", eachText, checkText),
];
