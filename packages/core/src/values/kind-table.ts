/** The table of kinds, indexed by the first byte of an entry. Made once and never changed. */
import { assert, InvariantError } from "../assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { kindOf, wordIndex, wordsOf } from "../table/entry.ts";
import type { ValueKind } from "./kind.ts";
import * as types from "./kinds.ts";

/**
 * The same properties in the same order for every kind, so that reading one is the same for all. The
 * methods are plain functions: they know no `this`.
 */
function sameForm(kind: ValueKind): ValueKind {
  const { type, encoding, typeName, encodingName, shape } = kind;
  const { free, memory, copy, move, each, check, table, pieces } = kind;
  const names = { type, encoding, typeName, encodingName, shape };
  const methods = { free, memory, copy, move, each, check, table, pieces };
  return Object.freeze({ ...names, ...methods }) as ValueKind;
}

/** A table of these kinds. Throws an InvariantError when two claim the same byte. */
export function kindTable(kinds: readonly ValueKind[]): readonly (ValueKind | undefined)[] {
  const table = new Array<ValueKind | undefined>(256).fill(undefined);
  for (const kind of kinds) {
    const { type, encoding } = kind;
    assert(type >= 0 && type < 16 && encoding >= 0 && encoding < 16, "a kind fits a byte");
    assert(table[kindOf(type, encoding)] === undefined, "two kinds of values are told apart");
    table[kindOf(type, encoding)] = sameForm(kind);
  }
  return Object.freeze(table);
}

const KINDS = kindTable(Object.values(types).flat());

/** Every kind there is: what a test that walks all of them begins with. */
export const valueKinds: readonly ValueKind[] = Object.freeze(
  KINDS.filter((kind) => kind !== undefined),
);

/** The kind that this byte stands for. Throws an InvariantError when there is none. */
export function kindAt(byte: number): ValueKind {
  const kind = KINDS[byte];
  if (kind === undefined) throw new InvariantError("a value is of a kind that is known");
  return kind;
}

/** The kind of the value that an entry holds. Throws an InvariantError when it is unknown. */
export function kindOfEntry(arena: Arena, entry: Ref): ValueKind {
  return kindAt((wordsOf(arena, entry)[wordIndex(entry)] as number) & 255);
}
