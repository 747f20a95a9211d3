/**
 * BITOP: bit by bit operations on any number of strings, whose result is a string of its own.
 *
 * The result is one block, made before anything changes, so a source may be the destination. It is
 * filled piece by piece, and of each piece all sources are combined before the next one: so the
 * piece stays in the processor's cache however many sources there are. The result is as long as the
 * longest source, and what a shorter one lacks is zero:
 *
 *      AND, OR, XOR   of all of them               NOT    of the only one
 *      DIFF           x and none of the others     DIFF1  not x, but some other
 *      ANDOR          x and some other             ONE    exactly one of all
 *
 * DIFF1 and ANDOR combine the others first, and x (the first source) at the end. ONE keeps beside
 * the piece which of its bits were met twice.
 */
import {
  createBlank,
  NONE,
  type Ref,
  RefList,
  StringView,
  stringLength,
  Type,
  textWords,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyRange } from "../declare/key-spec.ts";
import { putAside } from "../string/string-at.ts";
import { BitRun, Combine, combine } from "./combine-bits.ts";

/** Bytes of the result that are made at a time: what a processor's inner cache holds. */
const PIECE_BYTES = 32768;

const Operation = { AND: 0, OR: 1, XOR: 2, NOT: 3, DIFF: 4, DIFF1: 5, ANDOR: 6, ONE: 7 } as const;
const NAMES = ["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"];
/** How the sources are combined one after the other; those of DIFF1 and ANDOR without the first. */
const STEPS = [
  Combine.AND,
  Combine.OR,
  Combine.XOR,
  Combine.NOT,
  Combine.AND_NOT,
  Combine.OR,
  Combine.OR,
  Combine.OR,
];

const onlyOneSource = new CommandError("ERR BITOP NOT must be called with a single source key.");
const twoForDiff = tooFewSources("DIFF");
const twoForDiff1 = tooFewSources("DIFF1");
const twoForAndOr = tooFewSources("ANDOR");

function tooFewSources(name: string): CommandError {
  return new CommandError(`ERR BITOP ${name} must be called with at least two source keys.`);
}

/** The BITOP that runs now. */
class Combination {
  /** Entries of the sources: NONE for what is missing. */
  readonly sources = new RefList();
  /** The result, or the piece of it that is being made. */
  readonly target = new BitRun();
  private readonly source = new BitRun();
  private readonly second = new BitRun();
  private readonly twice = new BitRun();
  private readonly common = new BitRun();
  private readonly result = new StringView();
  private readonly text = new StringView();
  /** Two integers that are shown together have their digits in two places. */
  private readonly secondText = new StringView();
  /** Bytes of the piece. */
  private length = 0;

  /** Bytes of the longest source. */
  lengthMax(call: Call): number {
    const { arena } = call.keyspace;
    let longest = 0;
    for (let i = 0; i < this.sources.count; i++) {
      const entry = this.sources.at(i);
      if (entry !== NONE) longest = Math.max(longest, stringLength(arena, entry));
    }
    return longest;
  }

  /** A new entry for the key at argument 2 that holds the result. */
  make(call: Call, operation: number, length: number): Ref {
    const { arena, cuts } = call.keyspace;
    const { result, target } = this;
    const start = call.start(2);
    const end = call.end(2);
    const { fresh } = call.idle;
    const entry = createBlank(arena, cuts.epoch, call.bytes, start, end, length, fresh, result);
    target.bytes = result.bytes;
    target.words = textWords(arena, entry);
    for (let at = 0; at < length; at += PIECE_BYTES) {
      target.start = result.start + at;
      this.length = Math.min(PIECE_BYTES, length - at);
      this.makePiece(call, operation, at);
    }
    return entry;
  }

  private makePiece(call: Call, operation: number, at: number): void {
    const { target, source, second, sources, length } = this;
    const step = STEPS[operation] as number;
    const isLate = operation === Operation.DIFF1 || operation === Operation.ANDOR;
    const isOne = operation === Operation.ONE;
    let next = isLate ? 1 : 0;
    const has = this.show(call, next++, at, source);
    if (operation === Operation.NOT) {
      combine(Combine.NOT, target, source, source, has);
      return;
    }
    if (isOne) this.clearTwice();
    // Two that have the whole piece are combined right into it.
    if (!isOne && has === length && next < sources.count) {
      const more = this.show(call, next, at, second);
      if (more === length) combine(step, target, source, second, length);
      if (more === length) next++;
      else this.copy(has);
    } else {
      this.copy(has);
    }
    for (; next < sources.count; next++) {
      const more = this.show(call, next, at, source);
      if (isOne) this.noteTwice(more);
      this.add(step, more);
    }
    if (isOne) combine(Combine.AND_NOT, target, target, this.twice, length);
    if (!isLate) return;
    const more = this.show(call, 0, at, source);
    this.add(operation === Operation.ANDOR ? Combine.AND : Combine.AND_NOT, more);
  }

  /** Combines the piece with that of the source, which has so many bytes of it. */
  private add(step: number, count: number): void {
    combine(step, this.target, this.target, this.source, count);
    if (step === Combine.AND) this.clearFrom(count);
  }

  /** Lets `run` show the piece of a source; returns how many bytes it has of it. */
  private show(call: Call, index: number, at: number, run: BitRun): number {
    const { arena } = call.keyspace;
    const text = run === this.second ? this.secondText : this.text;
    const entry = this.sources.at(index);
    if (entry === NONE) return 0;
    text.read(arena, entry);
    run.bytes = text.bytes;
    run.words = textWords(arena, entry);
    run.start = text.start + at;
    return Math.max(0, Math.min(this.length, text.end - run.start));
  }

  private copy(count: number): void {
    const { bytes, start } = this.target;
    const { source } = this;
    if (count > 0) bytes.set(source.bytes.subarray(source.start, source.start + count), start);
    this.clearFrom(count);
  }

  private clearFrom(count: number): void {
    const { bytes, start } = this.target;
    if (count < this.length) bytes.fill(0, start + count, start + this.length);
  }

  private clearTwice(): void {
    const { twice } = this;
    if (twice.words === null) {
      ownRun(twice);
      ownRun(this.common);
    }
    twice.bytes.fill(0, 0, this.length);
  }

  /** What the piece and the source have in common was met twice. */
  private noteTwice(count: number): void {
    const { twice, common } = this;
    combine(Combine.AND, common, this.target, this.source, count);
    combine(Combine.OR, twice, twice, common, count);
  }
}

/** A run of a piece's size, in a buffer of its own. */
function ownRun(run: BitRun): void {
  run.words = new Int32Array(PIECE_BYTES / 4);
  run.bytes = new Uint8Array(run.words.buffer);
}

const combinations = new Kept(() => new Combination());

function operationAt(call: Call): number {
  for (let operation = 0; operation < NAMES.length; operation++)
    if (call.is(1, NAMES[operation] as string)) return operation;
  throw errors.syntax;
}

function checkSourceCount(operation: number, count: number): void {
  if (operation === Operation.NOT && count !== 1) throw onlyOneSource;
  if (count > 1) return;
  if (operation === Operation.DIFF) throw twoForDiff;
  if (operation === Operation.DIFF1) throw twoForDiff1;
  if (operation === Operation.ANDOR) throw twoForAndOr;
}

export const bitop = command({
  name: "bitop",
  group: "bitmap",
  since: "2.6.0",
  summary: "Combines strings bit by bit and stores the result; returns its length.",
  complexity: "O(N) where N is the number of bytes of all sources together.",
  arity: -4,
  flags: ["write", "denyoom"],
  keys: [keyAt(2, "OW", "update"), keyRange(3, -1, 1, "RO", "access")],
  args: [
    arg.oneOf(
      "operation",
      arg.token("and", "AND"),
      arg.token("or", "OR"),
      arg.token("xor", "XOR"),
      arg.token("not", "NOT"),
      arg.token("diff", "DIFF", { since: "8.2.0" }),
      arg.token("diff1", "DIFF1", { since: "8.2.0" }),
      arg.token("andor", "ANDOR", { since: "8.2.0" }),
      arg.token("one", "ONE", { since: "8.2.0" }),
    ),
    arg.key("destkey"),
    arg.many(arg.key("key", { keySpecIndex: 1 })),
  ],
  history: [["8.2.0", "New operations `DIFF`, `DIFF1`, `ANDOR` and `ONE`."]],

  run(call) {
    const operation = operationAt(call);
    checkSourceCount(operation, call.argc - 3);
    const combination = combinations.of(call);
    const { sources } = combination;
    sources.clear();
    for (let i = 3; i < call.argc; i++) sources.push(call.readTyped(i, Type.STRING));
    const length = combination.lengthMax(call);
    if (length === 0) {
      // Whatever was there goes, even if its time has passed and nobody has come by since.
      const old = call.findStored(2);
      if (old !== NONE) {
        call.database.remove(old, call.settings.lazyServerDel);
        call.changed(2, "del", Notify.GENERIC);
      }
    } else {
      const entry = combination.make(call, operation, length);
      putAside(call, 2, entry);
      call.changed(2, "set", Notify.STRING);
    }
    call.reply.integer(length);
  },
});
