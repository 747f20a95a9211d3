/** Set members: the elements in the table of a large set. A name, and nothing else. */
import { assert } from "../../assert.ts";
import { type Arena, type Ref, roundedBytes } from "../../memory/arena.ts";
import type { ListpackValue } from "../../memory/listpack.ts";
import {
  bytesOf,
  createEntry,
  Encoding,
  entryBytes,
  flagsOf,
  keyIndex,
  keyLength,
  kindOf,
  Type,
  valueLength,
  viewOf,
} from "../../table/entry.ts";

const MEMBER_KIND = kindOf(Type.STRING, Encoding.RAW);

/** The entry of the member bytes[start, end). */
export function createMember(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  return createEntry(arena, MEMBER_KIND, 0, 0, bytes, start, end, 0);
}

/** Shows a member in `text`: in place. */
export function showMember(arena: Arena, member: Ref, text: ListpackValue): void {
  const at = keyIndex(arena, member);
  text.setString(bytesOf(arena, member), viewOf(arena, member), at, at + keyLength(arena, member));
}

/** Throws unless a member is as these functions make it. For tests. */
export function checkMember(arena: Arena, member: Ref): void {
  assert(flagsOf(arena, member) === 0 && valueLength(arena, member) === 0, "a member is a name");
  const needed = entryBytes(0, keyLength(arena, member), 0);
  assert(arena.blockBytes(member) === roundedBytes(needed), "a member's block fits it");
}
