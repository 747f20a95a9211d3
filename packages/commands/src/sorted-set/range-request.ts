/**
 * Requests for ranges: what ZRANGE and its older relatives have in common. Each of those fixes the
 * direction or what a range is asked for by; ZRANGE and ZRANGESTORE leave it to options.
 */
import type { SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { MemberBound, RankRange, ScoreBound } from "./range-bounds.ts";
import { replyMember, replyMembersHeader } from "./sorted-set-at.ts";

const limitWithRank = new CommandError(
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const scoresWithLex = new CommandError(
  "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
);

/** What a range is asked for by. */
export type RangeBy = "rank" | "score" | "member";

const lowerScore = new ScoreBound();
const upperScore = new ScoreBound();
const lowerMember = new MemberBound();
const upperMember = new MemberBound();

/** A request for a range: plain words and numbers, written before they are read. */
export class RangeRequest {
  /** What is asked for by; null: options say. */
  by: RangeBy = "rank";
  /** The walk begins at the end. */
  fromEnd = false;
  /** Scores are wanted, too. */
  withScores = false;
  /** The ranks that are meant. */
  readonly range = new RankRange();
  private offset = 0;
  private most = -1;
  private start = 0;
  private stop = 0;

  /**
   * Reads the bounds at two arguments from `first` on and the options behind them. `by` and `fromEnd`
   * are null where options say. Throws, in the order in which Redis finds faults.
   */
  parse(
    call: Call,
    first: number,
    by: RangeBy | null,
    fromEnd: boolean | null,
    stores: boolean,
  ): void {
    this.parseOptions(call, first + 2, by, fromEnd, stores);
    if (this.most !== -1 && this.by === "rank") throw limitWithRank;
    if (this.withScores && this.by === "member") throw scoresWithLex;
    const isSwapped = this.fromEnd && this.by !== "rank";
    const lower = isSwapped ? first + 1 : first;
    const upper = isSwapped ? first : first + 1;
    if (this.by === "rank") {
      this.start = call.integer(first);
      this.stop = call.integer(first + 1);
    } else if (this.by === "score") {
      lowerScore.parse(call, lower);
      upperScore.parse(call, upper);
    } else {
      lowerMember.parse(call, lower);
      upperMember.parse(call, upper);
    }
  }

  private parseOptions(
    call: Call,
    first: number,
    by: RangeBy | null,
    fromEnd: boolean | null,
    stores: boolean,
  ): void {
    const { argc } = call;
    let chosen = by;
    let direction = fromEnd;
    this.withScores = false;
    this.offset = 0;
    this.most = -1;
    for (let i = first; i < argc; i++) {
      if (!stores && call.is(i, "WITHSCORES")) {
        this.withScores = true;
      } else if (argc - i > 2 && call.is(i, "LIMIT")) {
        this.offset = call.integer(i + 1);
        this.most = call.integer(i + 2);
        i += 2;
      } else if (direction === null && call.is(i, "REV")) {
        direction = true;
      } else if (chosen === null && call.is(i, "BYLEX")) {
        chosen = "member";
      } else if (chosen === null && call.is(i, "BYSCORE")) {
        chosen = "score";
      } else {
        throw errors.syntax;
      }
    }
    this.by = chosen ?? "rank";
    this.fromEnd = direction ?? false;
  }

  /** Finds the ranks that are meant in a sorted set. */
  resolve(set: SortedSetValue): RankRange {
    const { range, fromEnd } = this;
    if (this.by === "rank") {
      if (fromEnd) range.byRankFromEnd(set.length, this.start, this.stop);
      else range.byRank(set.length, this.start, this.stop);
      return range;
    }
    if (this.by === "score") {
      range.byScore(set, lowerScore, upperScore);
      range.limit(this.offset, this.most, fromEnd);
    } else {
      range.byMember(set, lowerMember, upperMember, fromEnd, this.offset);
      range.limit(0, this.most, fromEnd);
    }
    return range;
  }

  /** Replies with the range, or with an empty list for a sorted set that is not there. */
  reply(call: Call, set: SortedSetValue | null): void {
    if (set === null) {
      call.reply.emptyArray();
      return;
    }
    const { range, fromEnd, withScores } = this;
    this.resolve(set);
    let left = range.count;
    replyMembersHeader(call, left, withScores);
    set.seek(fromEnd ? range.first + left - 1 : range.first);
    for (let ahead = 0; left > 0; left--, ahead--) {
      if (ahead === 0) ahead = set.readAhead(left, fromEnd);
      if (fromEnd) set.previous(withScores);
      else set.next(withScores);
      replyMember(call, set, withScores);
    }
  }
}
