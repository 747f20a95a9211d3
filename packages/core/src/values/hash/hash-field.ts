/**
 * Hash fields: the elements in the table of a large hash. A value of up to 1 KiB stands right behind
 * its field; a longer one has a block of its own, so that changing it leaves the field alone.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import type { ListpackValue } from "../../memory/listpack.ts";
import {
  byteIndex,
  bytesOf,
  createEntry,
  Encoding,
  EXTERNAL_FLAG,
  flagsOf,
  keyIndex,
  keyLength,
  kindOf,
  setValueLength,
  setValueRef,
  Type,
  valueLength,
  valueRef,
  viewOf,
  WORD_FLAG,
} from "../../table/entry.ts";

/** Values up to this length stand in their field's entry. */
export const INLINE_VALUE_BYTES_MAX = 1024;
export const EXTERNAL_VALUE = WORD_FLAG | EXTERNAL_FLAG;
const FIELD_KIND = kindOf(Type.STRING, Encoding.RAW);

/** A field's entry with room for a value of `length` bytes, which is still to be written. */
export function createField(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
): Ref {
  if (length <= INLINE_VALUE_BYTES_MAX) {
    return createEntry(arena, FIELD_KIND, 0, 0, bytes, start, end, length);
  }
  const block = arena.alloc(length);
  try {
    const entry = createEntry(arena, FIELD_KIND, EXTERNAL_VALUE, 0, bytes, start, end, 0);
    setValueRef(arena, entry, block);
    setValueLength(arena, entry, length);
    return entry;
  } catch (full) {
    arena.free(block);
    throw full;
  }
}

/** Writes the value of a field that has room for it. */
export function writeValue(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0) {
    arena.write(valueRef(arena, entry), 0, bytes, start, end);
  } else {
    const offset = keyIndex(arena, entry) - byteIndex(entry) + keyLength(arena, entry);
    arena.write(entry, offset, bytes, start, end);
  }
}

/** Shows a field in `text` and its value in `value`: in place. */
export function showField(
  arena: Arena,
  field: Ref,
  text: ListpackValue,
  value: ListpackValue,
): void {
  const at = keyIndex(arena, field);
  const end = at + keyLength(arena, field);
  text.setString(bytesOf(arena, field), viewOf(arena, field), at, end);
  showValue(arena, field, value);
}

/** Shows the value of a field: in place. */
export function showValue(arena: Arena, field: Ref, value: ListpackValue): void {
  const length = valueLength(arena, field);
  let block = field;
  let at = 0;
  if ((flagsOf(arena, field) & EXTERNAL_FLAG) !== 0) {
    block = valueRef(arena, field);
    at = byteIndex(block);
  } else {
    at = keyIndex(arena, field) + keyLength(arena, field);
  }
  value.setString(bytesOf(arena, block), viewOf(arena, block), at, at + length);
}
