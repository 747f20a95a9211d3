/**
 * A global that is a table of words, set for each run: KEYS, ARGV. Scripts have nowhere to keep it, so its
 * tables are used again (words-tables.ts).
 */

import type { LuaStack, WordSource } from "./stack.ts";
import { type WordsTable, WordsTables } from "./words-tables.ts";

/** See the head of this file. */
export class WordsGlobal {
  private readonly stack: LuaStack;
  /** The table of the globals and the name among them, kept. */
  private readonly globals: number;
  private readonly name: number;
  private readonly tables: WordsTables;
  /** The one of these that is the global now. */
  private present: WordsTable | null = null;

  /** @internal */
  constructor(stack: LuaStack, globals: number, name: number) {
    this.stack = stack;
    this.globals = globals;
    this.name = name;
    this.tables = new WordsTables(stack);
  }

  /** Makes a table of so many words, from number `first` on, the global. */
  set(words: WordSource, first: number, count: number): void {
    const { stack, globals, name } = this;
    const table = this.tables.filled(words, first, count);
    if (table === null) {
      this.present = null;
      stack.setWords(words, first, count, globals, name);
      return;
    }
    if (this.present === table) return;
    stack.pushKept(table.ref);
    stack.setKept(globals, name);
    this.present = table;
  }
}
