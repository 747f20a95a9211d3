/** A toy type: a list of exactly two texts, in one listpack. What a new type's folder in core holds. */
import {
  type Arena,
  assert,
  createEntry,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  kindOf,
  listpack,
  type Ref,
  setExpiryMs,
  setValueRef,
  type ValueKind,
  valueRef,
  WORD_FLAG,
} from "@kv/core";

export const PAIR_TYPE = 9;
export const PAIR_ENCODING = 14;

/** A range of bytes. */
export interface Bytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A new listpack of the two. */
function pairBlock(arena: Arena, one: Bytes, two: Bytes): Ref {
  const empty = listpack.createListpack(arena);
  const end = listpack.listpackBytes(arena, empty) - 1;
  try {
    return listpack.insertPairAt(
      arena,
      empty,
      end,
      one.bytes,
      one.start,
      one.end,
      two.bytes,
      two.start,
      two.end,
    );
  } catch (full) {
    arena.free(empty);
    throw full;
  }
}

/** A new entry for a key that holds the two. */
export function createPair(
  arena: Arena,
  epoch: number,
  key: Bytes,
  one: Bytes,
  two: Bytes,
  expiryMs = -1,
): Ref {
  const block = pairBlock(arena, one, two);
  const flags = WORD_FLAG | EXTERNAL_FLAG | (expiryMs === -1 ? 0 : EXPIRY_FLAG);
  const kind = kindOf(PAIR_TYPE, PAIR_ENCODING);
  try {
    const entry = createEntry(arena, kind, flags, epoch, key.bytes, key.start, key.end, 0);
    if (expiryMs !== -1) setExpiryMs(arena, entry, expiryMs);
    setValueRef(arena, entry, block);
    return entry;
  } catch (full) {
    arena.free(block);
    throw full;
  }
}

/** Gives a pair other texts. */
export function changePair(arena: Arena, entry: Ref, one: Bytes, two: Bytes): void {
  const block = pairBlock(arena, one, two);
  arena.free(valueRef(arena, entry));
  setValueRef(arena, entry, block);
}

export const pairKinds: readonly ValueKind[] = [
  {
    type: PAIR_TYPE,
    encoding: PAIR_ENCODING,
    typeName: "pair",
    encodingName: "twopack",
    shape: "sequence",
    free: (arena, ref) => arena.free(ref),
    memory: (arena, ref) => arena.blockBytes(ref),
    copy(arena, ref) {
      const bytes = arena.blockBytes(ref);
      const copy = arena.alloc(bytes);
      arena.copy(copy, 0, ref, 0, bytes);
      return copy;
    },
    move: (_arena, ref, move) => move(ref),
    each(arena, entry, visitor) {
      const block = valueRef(arena, entry);
      for (let at = listpack.first(arena, block); at !== 0; ) {
        listpack.readAt(arena, block, at, visitor.text);
        visitor.element();
        at = listpack.next(arena, block, at);
      }
    },
    check(arena, entry) {
      const block = valueRef(arena, entry);
      listpack.checkListpack(arena, block);
      assert(listpack.listpackCount(arena, block) === 2, "a pair has two elements");
    },
  },
];
