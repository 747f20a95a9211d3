/**
 * Bounds of ranges: scores (`1.5`, `(1.5`, `-inf`) and members (`[a`, `(a`, `-`, `+`), and the ranks that
 * they mean in a sorted set. Whatever a range is asked for by, it is a first rank and a count.
 */
import { compareBytes, type SortedSetValue } from "@kv/core";
import { parseDouble } from "@kv/resp";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";

const notAScore = new CommandError("ERR min or max is not a float");
const notAMember = new CommandError("ERR min or max not valid string range item");

const PARENTHESIS = 40;
const BRACKET = 91;
const PLUS = 43;
const MINUS = 45;
/** A bound that is longer is no number. */
const SCORE_BYTES_MAX = 1024;

/** A score that is a bound, or the score just beyond it. */
export class ScoreBound {
  /** The score. */
  value = 0;
  /** The score itself is outside. */
  isExclusive = false;

  /** Reads the bound at an argument. Throws that it is none. */
  parse(call: Call, index: number): void {
    const { bytes } = call;
    let start = call.start(index);
    const end = call.end(index);
    this.isExclusive = start < end && bytes[start] === PARENTHESIS;
    if (this.isExclusive) start++;
    this.value = parseDouble(bytes, start, end);
    if (Number.isNaN(this.value)) this.value = lenientDouble(bytes, start, end);
    if (Number.isNaN(this.value)) throw notAScore;
  }
}

/**
 * A number as strtod alone reads it: behind spaces, ended by a zero byte, 0 where there is nothing, and
 * infinite or 0 where it is too large or too small.
 */
function lenientDouble(bytes: Uint8Array, start: number, end: number): number {
  let text = "";
  for (let i = start; i < end && bytes[i] !== 0; i++) {
    if (i - start === SCORE_BYTES_MAX) return Number.NaN;
    text += String.fromCharCode(bytes[i] as number);
  }
  if (text === "") return 0;
  text = text.replace(/^[ \t\n\v\f\r]+/, "");
  const trimmed = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return parseDouble(trimmed, 0, trimmed.length, true);
}

/** A member that is a bound, or the place just beyond it, or one of the ends of all members. */
export class MemberBound {
  /** Below zero: before all members; above: behind all; 0: at one. */
  side = 0;
  /** The member itself is outside. */
  isExclusive = false;
  private view: DataView = new DataView(new ArrayBuffer(0));
  private start = 0;
  private end = 0;

  /** Reads the bound at an argument. Throws that it is none. */
  parse(call: Call, index: number): void {
    const { bytes } = call;
    const first = bytes[call.start(index)];
    const length = call.length(index);
    if (length === 0) throw notAMember;
    this.side = 0;
    this.isExclusive = true;
    if (first === PLUS || first === MINUS) {
      if (length > 1) throw notAMember;
      this.side = first === PLUS ? 1 : -1;
      return;
    }
    if (first !== PARENTHESIS && first !== BRACKET) throw notAMember;
    this.isExclusive = first === PARENTHESIS;
    this.view = call.view;
    this.start = call.start(index) + 1;
    this.end = call.end(index);
  }

  /** How many members of the sorted set are before the bound, as the lower or the upper one. */
  countBefore(set: SortedSetValue, isUpper: boolean): number {
    if (this.side !== 0) return this.side < 0 ? 0 : set.length;
    return set.countByMember(this.view, this.start, this.end, this.isExclusive !== isUpper);
  }

  /** True when the member that the window shows is at the bound or above. */
  isBelow({ member }: SortedSetValue): boolean {
    if (this.side !== 0) return this.side < 0;
    const order = compareBytes(
      member.view,
      member.start,
      member.end,
      this.view,
      this.start,
      this.end,
    );
    return this.isExclusive ? order > 0 : order >= 0;
  }

  /** True when the member that the window shows is at the bound or below. */
  isAbove({ member }: SortedSetValue): boolean {
    if (this.side !== 0) return this.side > 0;
    const order = compareBytes(
      member.view,
      member.start,
      member.end,
      this.view,
      this.start,
      this.end,
    );
    return this.isExclusive ? order < 0 : order <= 0;
  }
}

/** Members that follow one another: the ranks from `first` on. */
export class RankRange {
  /** The lowest rank. */
  first = 0;
  /** How many there are. */
  count = 0;

  private set(first: number, end: number): this {
    this.first = first;
    this.count = Math.max(0, end - first);
    return this;
  }

  /** The ranks from `start` to `stop`, of which the negative count from the end. */
  byRank(length: number, start: number, stop: number): this {
    const first = Math.max(0, start < 0 ? start + length : start);
    const last = Math.min(length - 1, stop < 0 ? stop + length : stop);
    return this.set(first, last + 1);
  }

  /** As byRank(), of ranks that are counted from the last member on. */
  byRankFromEnd(length: number, start: number, stop: number): this {
    this.byRank(length, start, stop);
    return this.set(length - this.first - this.count, length - this.first);
  }

  /** The ranks of the scores between two bounds. */
  byScore(set: SortedSetValue, lower: ScoreBound, upper: ScoreBound): this {
    const first = set.countByScore(lower.value, lower.isExclusive);
    return this.set(first, set.countByScore(upper.value, !upper.isExclusive));
  }

  /**
   * The ranks of the members between two bounds, without `offset` of them at the end where the walk
   * begins. Where scores differ that means little; a small sorted set then gives what Redis does, which
   * looks from that end, and shows the far bound the first one, but none that `offset` passes after it.
   */
  byMember(
    set: SortedSetValue,
    lower: MemberBound,
    upper: MemberBound,
    fromEnd: boolean,
    offset = 0,
  ): this {
    if (!set.isTable) return this.byWalk(set, lower, upper, fromEnd, offset);
    const first = lower.countBefore(set, false);
    this.set(first, upper.countBefore(set, true));
    this.limit(offset, -1, fromEnd);
    return this;
  }

  private byWalk(
    set: SortedSetValue,
    lower: MemberBound,
    upper: MemberBound,
    fromEnd: boolean,
    offset: number,
  ): this {
    const { length } = set;
    if (offset < 0) return this.set(0, 0);
    set.seek(length - 1);
    if (!set.next() || !lower.isBelow(set)) return this.set(0, 0);
    set.seek(0);
    if (!set.next() || !upper.isAbove(set)) return this.set(0, 0);
    let passed = 0;
    let reached = 0;
    let taken = 0;
    set.seek(fromEnd ? length - 1 : 0);
    while (fromEnd ? set.previous() : set.next()) {
      const isReached = reached > 0 || (fromEnd ? upper.isAbove(set) : lower.isBelow(set));
      if (isReached) reached++;
      const isPassed = reached <= offset;
      const isShown = reached === 1 || !isPassed;
      if (isShown && !(fromEnd ? lower.isBelow(set) : upper.isAbove(set))) break;
      if (isPassed) passed++;
      else taken++;
    }
    const first = fromEnd ? length - passed - taken : passed;
    return this.set(first, first + taken);
  }

  /**
   * Leaves out `offset` members at the end where the walk begins, and takes `most` at the most; a
   * negative number means all of them.
   */
  limit(offset: number, most: number, fromEnd: boolean): void {
    const { first, count } = this;
    const skipped = offset < 0 ? count : Math.min(offset, count);
    const taken = most < 0 ? count - skipped : Math.min(most, count - skipped);
    this.first = fromEnd ? first + count - skipped - taken : first + skipped;
    this.count = taken;
  }
}
