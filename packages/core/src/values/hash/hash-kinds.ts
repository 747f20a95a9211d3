/** The kinds of hashes: fields and values in a listpack, or in a table. See hash-value.ts. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { first, next, readAt } from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { Encoding, Type, valueRef } from "../../table/entry.ts";
import { entryTable } from "../entry-table.ts";
import type { ElementVisitor, ValueKind } from "../kind.ts";
import { oneBlock } from "../one-block.ts";
import { showField } from "./hash-field.ts";
import { HashValue } from "./hash-value.ts";

function eachPair(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const listpack = valueRef(arena, entry);
  for (let at = first(arena, listpack); at !== 0; ) {
    readAt(arena, listpack, at, visitor.text);
    const valueAt = next(arena, listpack, at);
    readAt(arena, listpack, valueAt, visitor.value);
    at = next(arena, listpack, valueAt);
    visitor.pair();
  }
}

function eachField(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  new Dict(arena).attach(valueRef(arena, entry)).eachEntry((field) => {
    showField(arena, field, visitor.text, visitor.value);
    visitor.pair();
  });
}

function check(arena: Arena, entry: Ref): void {
  new HashValue(arena, 0).attach(entry).check();
}

const common = { type: Type.HASH, typeName: "hash", shape: "pairs", check } as const;

export const hashKinds: readonly ValueKind[] = [
  {
    ...common,
    encoding: Encoding.LISTPACK,
    encodingName: "listpack",
    ...oneBlock,
    each: eachPair,
  },
  {
    ...common,
    encoding: Encoding.HASHTABLE,
    encodingName: "hashtable",
    ...entryTable,
    each: eachField,
  },
];
