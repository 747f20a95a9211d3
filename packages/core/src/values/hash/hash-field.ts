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
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  flagsOf,
  keyIndex,
  keyLength,
  kindOf,
  setExpiryMs,
  setValueLength,
  setValueRef,
  Type,
  valueLength,
  valueRef,
  viewOf,
} from "../../table/entry.ts";
import { EXTERNAL_VALUE } from "../block-entry.ts";

/** Values up to this length stand in their field's entry. */
export const INLINE_VALUE_BYTES_MAX = 1024;
const FIELD_KIND = kindOf(Type.STRING, Encoding.RAW);

/**
 * A field's entry with room for a value of `length` bytes, which is still to be written, and with
 * `expiryMs`: 0 leaves it without room for an expiry, -1 without one.
 */
export function createField(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
  expiryMs = 0,
): Ref {
  const flag = expiryMs === 0 ? 0 : EXPIRY_FLAG;
  if (length <= INLINE_VALUE_BYTES_MAX) {
    const entry = createEntry(arena, FIELD_KIND, flag, 0, bytes, start, end, length);
    if (expiryMs !== 0) setExpiryMs(arena, entry, expiryMs);
    return entry;
  }
  const block = arena.alloc(length);
  try {
    const entry = createEntry(arena, FIELD_KIND, EXTERNAL_VALUE | flag, 0, bytes, start, end, 0);
    if (expiryMs !== 0) setExpiryMs(arena, entry, expiryMs);
    setValueRef(arena, entry, block);
    setValueLength(arena, entry, length);
    return entry;
  } catch (full) {
    arena.free(block);
    throw full;
  }
}

/**
 * A copy of a field's entry that has room for an expiry, and none. A value in a block of its own
 * belongs to the copy from now on.
 */
export function fieldWithFlag(arena: Arena, field: Ref): Ref {
  const flags = flagsOf(arena, field);
  const start = keyIndex(arena, field);
  const end = start + keyLength(arena, field);
  const isExternal = (flags & EXTERNAL_FLAG) !== 0;
  const length = valueLength(arena, field);
  const bytes = bytesOf(arena, field);
  const inline = isExternal ? 0 : length;
  const copy = createEntry(arena, FIELD_KIND, flags | EXPIRY_FLAG, 0, bytes, start, end, inline);
  setExpiryMs(arena, copy, -1);
  if (isExternal) {
    setValueRef(arena, copy, valueRef(arena, field));
    setValueLength(arena, copy, length);
  } else {
    writeValue(arena, copy, bytes, end, end + length);
  }
  return copy;
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
