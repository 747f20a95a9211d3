/**
 * A global that is a table of words, set for each run: KEYS, ARGV. Many scripts have none of the one or of the
 * other, and a table costs as much as a call of a function: one that is empty serves the next run, too, unless
 * a script has put something into it or given it a metatable.
 */

import { arraySize, metatableAddress, nodesAddress } from "./layout.ts";
import type { LuaStack, WordSource } from "./stack.ts";

/** See the head of this file. */
export class WordsGlobal {
  private readonly stack: LuaStack;
  /** The table of the globals and the name among them, kept. */
  private readonly globals: number;
  private readonly name: number;
  /** A table that was empty when it was made, kept; -1: there is none yet. */
  private empty = -1;
  private emptyAddress = 0;
  /** Where tables without fields have them. */
  private noNodes = 0;
  /** It is the global now. */
  private isSet = false;

  /** @internal */
  constructor(stack: LuaStack, globals: number, name: number) {
    this.stack = stack;
    this.globals = globals;
    this.name = name;
  }

  /** Makes a table of so many words, from number `first` on, the global. */
  set(words: WordSource, first: number, count: number): void {
    const { stack } = this;
    if (count > 0) {
      this.isSet = false;
      stack.setWords(words, first, count, this.globals, this.name);
      return;
    }
    if (!this.isEmptyStill()) this.renewEmpty();
    if (this.isSet) return;
    stack.pushKept(this.empty);
    stack.setKept(this.globals, this.name);
    this.isSet = true;
  }

  private isEmptyStill(): boolean {
    const { view } = this.stack;
    const { empty, emptyAddress, noNodes } = this;
    return (
      empty !== -1 &&
      nodesAddress(view, emptyAddress) === noNodes &&
      arraySize(view, emptyAddress) === 0 &&
      metatableAddress(view, emptyAddress) === 0
    );
  }

  private renewEmpty(): void {
    const { stack } = this;
    if (this.empty !== -1) stack.release(this.empty);
    this.empty = -1;
    this.isSet = false;
    stack.pushTable();
    this.emptyAddress = stack.api.lua_topointer(stack.L, -1);
    this.noNodes = nodesAddress(stack.view, this.emptyAddress);
    this.empty = stack.keep();
  }
}
