/** The kinds of sets: members in an intset, in a listpack, or in a table. See set-value.ts. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { first, next, readAt } from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { Encoding, Type, valueRef } from "../../table/entry.ts";
import { entryTable } from "../entry-table.ts";
import type { ElementVisitor, ValueKind } from "../kind.ts";
import { oneBlock } from "../one-block.ts";
import { intsetAt, intsetCount } from "./intset.ts";
import { showMember } from "./set-member.ts";
import { SetValue } from "./set-value.ts";

function eachInteger(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const intset = valueRef(arena, entry);
  const count = intsetCount(arena, intset);
  const integer = { hi: 0, lo: 0 };
  for (let i = 0; i < count; i++) {
    intsetAt(arena, intset, i, integer);
    visitor.text.setInteger(integer.hi, integer.lo);
    visitor.element();
  }
}

function eachElement(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const listpack = valueRef(arena, entry);
  for (let at = first(arena, listpack); at !== 0; at = next(arena, listpack, at)) {
    readAt(arena, listpack, at, visitor.text);
    visitor.element();
  }
}

function eachMember(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  new Dict(arena).attach(valueRef(arena, entry)).eachEntry((member) => {
    showMember(arena, member, visitor.text);
    visitor.element();
  });
}

function check(arena: Arena, entry: Ref): void {
  new SetValue(arena, 0).attach(entry).check();
}

const common = { type: Type.SET, typeName: "set", shape: "members", check } as const;

export const setKinds: readonly ValueKind[] = [
  {
    ...common,
    encoding: Encoding.INTSET,
    encodingName: "intset",
    ...oneBlock,
    each: eachInteger,
  },
  {
    ...common,
    encoding: Encoding.LISTPACK,
    encodingName: "listpack",
    ...oneBlock,
    each: eachElement,
  },
  {
    ...common,
    encoding: Encoding.HASHTABLE,
    encodingName: "hashtable",
    ...entryTable,
    each: eachMember,
  },
];
