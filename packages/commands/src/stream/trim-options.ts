/**
 * What XADD and XTRIM have in common: options, and how a stream is trimmed.
 *
 *      MAXLEN | MINID  [= | ~]  threshold  [LIMIT count]  [KEEPREF | DELREF | ACKED]
 *
 * Trimming with `~` removes whole blocks alone, and of those only so many at a time; what came of it is
 * propagated as an exact threshold. With DELREF what is removed is pending no more; with ACKED entries
 * that a group still needs stay, and those behind them may go: then it is the length that tells those
 * who follow how far it went.
 */
import { StreamId, type StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { idAt } from "./id-argument.ts";
import { isNeeded, Policy, policyAt, removeEverywhere } from "./reference-policy.ts";

const TILDE = 126;
const EQUALS = 61;
const STAR = 42;
/** Trimming without a limit of its own removes so many blocks at the most. */
const BLOCKS_MAX = 100;
/** And so many entries, where blocks have no limit. */
const ENTRIES_MAX = 10_000;
const LIMIT_MAX = 1_000_000;

const both = new CommandError(
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
);
const negativeLength = new CommandError("ERR The MAXLEN argument must be >= 0.");
const negativeLimit = new CommandError("ERR The LIMIT argument must be >= 0.");
const limitAlone = new CommandError(
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
);
const limitExact = new CommandError(
  "ERR syntax error, LIMIT cannot be used without the special ~ option",
);
const noStrategy = new CommandError(
  "ERR syntax error, XTRIM must be called with a trimming strategy",
);

/** The arguments that trimming takes, as COMMAND DOCS has them. */
export const trimArgument = arg.block(
  "trim",
  arg.oneOf(
    "strategy",
    arg.token("maxlen", "MAXLEN"),
    arg.token("minid", "MINID", { since: "6.2.0" }),
  ),
  arg.optional(arg.oneOf("operator", arg.token("equal", "="), arg.token("approximately", "~"))),
  arg.string("threshold"),
  arg.optional(arg.integer("count", { token: "LIMIT", since: "6.2.0" })),
);

/** Whether and how to trim. */
const Strategy = { NONE: 0, LENGTH: 1, ID: 2 } as const;

/** The options of the command that runs now. */
export class TrimOptions {
  /** One of Strategy. */
  strategy: number = Strategy.NONE;
  /** XADD: no new stream is made. */
  isPresentOnly = false;
  /** One of Policy. */
  private policy: number = Policy.NONE;
  private isApproximate = false;
  private lengthMax = 0;
  private readonly minId = new StreamId();
  private limit = 0;
  private isLimited = false;
  /** The argument with the threshold. */
  private thresholdIndex = 0;

  /**
   * Reads the options from argument 2 on. Of XADD up to the ID, whose argument is returned (the number
   * of arguments: there is none); of XTRIM all.
   */
  parse(call: Call, isAdd: boolean): number {
    this.strategy = Strategy.NONE;
    this.isPresentOnly = false;
    this.policy = Policy.NONE;
    this.isApproximate = false;
    this.limit = 0;
    this.isLimited = false;
    const { argc } = call;
    let at = 2;
    for (; at < argc; at++) {
      const isFollowed = at + 1 < argc;
      if (isAdd && isByte(call, at, STAR)) break;
      if (isFollowed && call.is(at, "MAXLEN")) at = this.threshold(call, at, Strategy.LENGTH);
      else if (isFollowed && call.is(at, "MINID")) at = this.threshold(call, at, Strategy.ID);
      else if (isFollowed && call.is(at, "LIMIT")) {
        at++;
        this.limit = call.integer(at);
        if (this.limit < 0) throw negativeLimit;
        this.isLimited = true;
      } else if (isAdd && call.is(at, "NOMKSTREAM")) this.isPresentOnly = true;
      else if (policyAt(call, at) !== Policy.NONE) {
        if (this.policy !== Policy.NONE) throw errors.syntax;
        this.policy = policyAt(call, at);
      } else if (isAdd) break;
      else throw errors.syntax;
    }
    return at;
  }

  /** Checks what parse() has read, and completes it. XADD does so when it has read the ID. */
  complete(call: Call, isAdd: boolean): void {
    if (this.limit !== 0 && this.strategy === Strategy.NONE) throw limitAlone;
    if (!isAdd && this.strategy === Strategy.NONE) throw noStrategy;
    if (call.isReplayed) {
      // The limit has done its work: the threshold says now what came of it, and with `=` in front.
      this.limit = 0;
    } else if (this.isLimited) {
      if (!this.isApproximate) throw limitExact;
    } else if (this.isApproximate) {
      const entries = BLOCKS_MAX * call.settings.limits.stream.nodeEntriesMax;
      this.limit = entries <= 0 ? ENTRIES_MAX : Math.min(entries, LIMIT_MAX);
    }
  }

  /** Reads a threshold; returns its argument. */
  private threshold(call: Call, at: number, strategy: number): number {
    if (this.strategy !== Strategy.NONE) throw both;
    let index = at + 1;
    this.isApproximate = false;
    if (index + 1 < call.argc) {
      if (isByte(call, index, TILDE)) {
        this.isApproximate = true;
        index++;
      } else if (isByte(call, index, EQUALS)) index++;
    }
    if (strategy === Strategy.LENGTH) {
      this.lengthMax = call.integer(index);
      if (this.lengthMax < 0) throw negativeLength;
    } else idAt(call, index, this.minId);
    this.strategy = strategy;
    this.thresholdIndex = index;
    return index;
  }

  /** Trims. Returns how many entries are gone. */
  trim(call: Call, stream: StreamValue): number {
    if (this.strategy === Strategy.NONE) return 0;
    const { isApproximate, lengthMax, limit, policy } = this;
    const minId = this.strategy === Strategy.ID ? this.minId : null;
    if (policy <= Policy.KEEP || stream.groups.count === 0)
      return stream.trim(lengthMax, minId, isApproximate, limit);
    return stream.trimChosen(lengthMax, minId, isApproximate, limit, (id) => {
      if (policy === Policy.ACKNOWLEDGED) return !isNeeded(call, stream, id);
      removeEverywhere(stream, id);
      return true;
    });
  }

  /** True when the request does not say exactly what was done. */
  get isRewritten(): boolean {
    return this.strategy !== Strategy.NONE && this.isApproximate;
  }

  /** Writes into the words of the request what was done. */
  rewrite(stream: StreamValue, words: CommandWord[]): void {
    if (!this.isRewritten) return;
    words[this.thresholdIndex - 1] = "=";
    const isChosen = this.policy > Policy.KEEP;
    if (this.strategy === Strategy.ID && isChosen) words[this.thresholdIndex - 2] = "MAXLEN";
    if (this.strategy === Strategy.LENGTH || isChosen) {
      words[this.thresholdIndex] = stream.length;
      return;
    }
    const id = new StreamId();
    // Of a stream that nothing is left of, whoever follows keeps nothing either.
    const least = stream.length === 0 ? id.setMax() : stream.readFirstId(id);
    words[this.thresholdIndex] = least.toString();
  }
}

function isByte(call: Call, index: number, byte: number): boolean {
  return call.length(index) === 1 && call.bytes[call.start(index)] === byte;
}

/** The words of the request. */
export function wordsOf(call: Call): CommandWord[] {
  return Array.from({ length: call.argc }, (_, index) => call.argument(index));
}
