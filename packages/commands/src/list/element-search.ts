/**
 * ElementSearch: where in a list an element is, from one end on, one place after the other.
 *
 *      search.begin(call, list, 2, true);
 *      for (let index = search.next(Infinity); index !== -1; index = search.next(Infinity)) ...
 *
 * The list must not change meanwhile.
 */
import { type ListValue, listpackWalk, TextMatcher } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";

const { positionAfter, positionBefore, positionOf } = listpackWalk;

export class ElementSearch {
  private static readonly kept = new Kept(() => new ElementSearch());
  readonly matcher = new TextMatcher();
  /** Elements that were compared since begin(). */
  comparedCount = 0;
  private list!: ListValue;
  private isForward = true;
  /** Index of the next element to compare, and where in its node it is: number and position. */
  private index = 0;
  private inNode = 0;
  private position = 0;
  private isAtEnd = false;

  /** The one of the call's engine. */
  static of(call: Call): ElementSearch {
    return ElementSearch.kept.of(call);
  }

  /** Looks for the element at an argument, in a list that is not empty. */
  begin(call: Call, list: ListValue, argument: number, isForward: boolean): this {
    this.matcher.begin(call.bytes, call.start(argument), call.end(argument));
    this.list = list;
    this.isForward = isForward;
    this.comparedCount = 0;
    this.isAtEnd = false;
    this.index = isForward ? 0 : list.length - 1;
    list.open(this.index);
    this.enterNode();
    return this;
  }

  private enterNode(): void {
    const { node } = this.list;
    this.inNode = this.isForward ? 0 : node.count - 1;
    if (node.isPlain) return;
    const { bytes, start, end, count } = node;
    this.position = positionOf(bytes, start, end, count, this.inNode);
  }

  /** Index of the next place; -1 when there is none among the next `compareMax` elements. */
  next(compareMax: number): number {
    const { matcher, list, isForward } = this;
    const { node } = list;
    const step = isForward ? 1 : -1;
    for (let left = compareMax; left > 0 && !this.isAtEnd; ) {
      const { bytes, start, end, isPlain } = node;
      const stop = isForward ? node.count : -1;
      let { inNode, position } = this;
      let isFound = false;
      while (inNode !== stop && left > 0 && !isFound) {
        left--;
        this.comparedCount++;
        isFound = isPlain ? matcher.isText(bytes, start, end) : matcher.matches(bytes, position);
        inNode += step;
        this.index += step;
        if (isPlain || inNode === stop) continue;
        position = isForward ? positionAfter(bytes, position) : positionBefore(bytes, position);
      }
      this.inNode = inNode;
      this.position = position;
      if (inNode === stop) {
        this.isAtEnd = !list.openBeside(isForward);
        if (!this.isAtEnd) this.enterNode();
      }
      if (isFound) return this.index - step;
    }
    return -1;
  }
}
