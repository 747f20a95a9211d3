/**
 * Tables of words: what runs are given. A table costs as much as a call of a function: one that a run left
 * as it was made serves the next run with as many words. What a script has put into one, or given a
 * metatable, no other one sees. Who gives one away has to know that nobody keeps it.
 */

import {
  arrayAddress,
  arraySize,
  grownSize,
  hasFields,
  LuaType,
  metatableAddress,
  TYPE,
  VALUE_BYTES,
} from "./layout.ts";
import type { LuaStack, WordSource } from "./stack.ts";

/** Tables of fewer words are used again, */
const WORDS_MAX = 8;
/** and of fewer bytes: what is used again keeps its words till then. */
const BYTES_MAX = 1024;

/** A table that was made for so many words, kept. */
export interface WordsTable {
  readonly ref: number;
  readonly address: number;
}

/** See the head of this file. */
export class WordsTables {
  private readonly stack: LuaStack;
  /** By the number of words. */
  private readonly tables: (WordsTable | null)[] = new Array(WORDS_MAX).fill(null);

  constructor(stack: LuaStack) {
    this.stack = stack;
  }

  /** Pushes a table of so many words, from number `first` on. */
  push(words: WordSource, first: number, count: number): void {
    const table = this.filled(words, first, count);
    if (table === null) this.stack.pushWords(words, first, count);
    else this.stack.pushKept(table.ref);
  }

  /**
   * A table of the words; null: there are too many of them.
   * @internal
   */
  filled(words: WordSource, first: number, count: number): WordsTable | null {
    if (count >= WORDS_MAX || bytesOf(words, first, count) >= BYTES_MAX) return null;
    let table = this.tables[count] as WordsTable | null;
    if (table === null || !this.isAsMade(table, count)) table = this.renew(count);
    if (count > 0) this.stack.fillWords(words, first, count, table.ref);
    return table;
  }

  /** But for the words. */
  private isAsMade({ address }: WordsTable, count: number): boolean {
    const { view } = this.stack;
    const size = grownSize(count);
    if (
      hasFields(view, address) ||
      arraySize(view, address) !== size ||
      metatableAddress(view, address) !== 0
    )
      return false;
    const array = arrayAddress(view, address);
    for (let i = count; i < size; i++)
      if (view.getInt32(array + i * VALUE_BYTES + TYPE, true) !== LuaType.NIL) return false;
    return true;
  }

  private renew(count: number): WordsTable {
    const { stack, tables } = this;
    const old = tables[count] as WordsTable | null;
    tables[count] = null;
    if (old !== null) stack.release(old.ref);
    stack.pushArray(count);
    const address = stack.api.lua_topointer(stack.L, -1);
    const table = { address, ref: stack.keep() };
    tables[count] = table;
    return table;
  }
}

function bytesOf(words: WordSource, first: number, count: number): number {
  let bytes = 0;
  for (let i = first; i < first + count; i++) bytes += words.end(i) - words.start(i);
  return bytes;
}
