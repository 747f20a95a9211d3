/** The kinds of sorted sets: members and scores in a listpack, or in a table with their order. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { first, readAt } from "../../memory/listpack.ts";
import { Encoding, Type, valueRef } from "../../table/entry.ts";
import type { ElementVisitor, ValueKind } from "../kind.ts";
import { oneBlock } from "../one-block.ts";
import { childOf, countOf, elementsAt, levelOf, nodeAt, nodeWords } from "./score-node.ts";
import { rootAt } from "./score-path.ts";
import { scoreOf, showMember } from "./scored-member.ts";
import { nextMember, scoreAt } from "./sorted-listpack.ts";
import { SortedSetValue } from "./sorted-set-value.ts";
import { sortedTable } from "./sorted-table.ts";

function eachInListpack(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const listpack = valueRef(arena, entry);
  for (let at = first(arena, listpack); at !== 0; at = nextMember(arena, listpack, at)) {
    readAt(arena, listpack, at, visitor.text);
    visitor.score = scoreAt(arena, listpack, at);
    visitor.scored();
  }
}

/** Shows a member of a table, with its score, to the visitor. */
export function visitMember(arena: Arena, element: Ref, visitor: ElementVisitor): void {
  showMember(arena, element, visitor.text);
  visitor.score = scoreOf(arena, element);
  visitor.scored();
}

function eachInTable(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  eachBelow(arena, rootAt(arena, valueRef(arena, entry)), visitor);
}

/** The largest first: a reader that inserts at the front has it easier. */
function eachBelow(arena: Arena, node: Ref, visitor: ElementVisitor): void {
  const isLeaf = levelOf(arena, node) === 0;
  const words = nodeWords(arena, node);
  const elements = elementsAt(words, nodeAt(node));
  for (let i = countOf(arena, node) - 1; i >= 0; i--) {
    if (isLeaf) visitMember(arena, words[elements + i] as number, visitor);
    else eachBelow(arena, childOf(arena, node, i), visitor);
  }
}

function check(arena: Arena, entry: Ref): void {
  new SortedSetValue(arena, 0).attach(entry).check();
}

const common = { type: Type.ZSET, typeName: "zset", shape: "scored", check } as const;

export const sortedSetKinds: readonly ValueKind[] = [
  {
    ...common,
    encoding: Encoding.LISTPACK,
    encodingName: "listpack",
    ...oneBlock,
    each: eachInListpack,
  },
  {
    ...common,
    encoding: Encoding.SKIPLIST,
    encodingName: "skiplist",
    ...sortedTable,
    each: eachInTable,
  },
];
