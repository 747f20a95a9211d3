/**
 * LCS: the longest common subsequence of two strings.
 *
 * The textbook table has (n+1)(m+1) lengths; we keep two of its rows, and for the walk back one bit
 * a cell: whether to step up (towards the start of the first string) or left. Redis keeps the whole
 * table at four bytes a cell and refuses strings for which that exceeds proto-max-bulk-len. So do
 * we, at the same sizes, while we need one 32nd of it; the time is what that limit bounds for us.
 */
import { NONE, type Ref, StringView, Type, typeOf } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyRange } from "../declare/key-spec.ts";

const notStrings = new CommandError("ERR The specified keys must contain string values");
const lengthAndIndexes = new CommandError(
  "ERR If you want both the length and indexes, please just use IDX.",
);
const tooMuchMemory = new CommandError(
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
);
const noMemory = new CommandError(
  "ERR Insufficient memory, failed allocating transient memory for LCS",
);
const CELL_BYTES = 4;
/** Cells are counted in 32 bits. Only with a proto-max-bulk-len beyond 8 GiB does this decide. */
const CELLS_MAX = 2 ** 31;
const NO_BYTES = new Uint8Array(0);

/** The two strings of one command: LCS is no hot path, so it makes windows of its own. */
interface Strings {
  readonly first: StringView;
  readonly second: StringView;
}

const options = {
  wantsLength: false,
  wantsIndexes: false,
  withMatchLength: false,
  matchLengthMin: 0,
};

export const lcs = command({
  name: "lcs",
  group: "string",
  since: "7.0.0",
  summary: "Finds the longest common subsequence of two strings, its length, or where it lies.",
  complexity: "O(N*M) where N and M are the lengths of the strings.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyRange(1, 2, 1, "RO", "access")],
  args: [
    arg.key("key1"),
    arg.key("key2"),
    arg.optional(arg.token("len", "LEN")),
    arg.optional(arg.token("idx", "IDX")),
    arg.optional(arg.integer("min-match-len", { token: "MINMATCHLEN" })),
    arg.optional(arg.token("withmatchlen", "WITHMATCHLEN")),
  ],

  run(call) {
    // Both keys are looked up before a wrong type is reported: both count as read.
    const a = call.lookupRead(1);
    const b = call.lookupRead(2);
    const strings: Strings = { first: new StringView(), second: new StringView() };
    const { first, second } = strings;
    show(call, a, first);
    show(call, b, second);
    parseOptions(call);
    const cells = (first.end - first.start + 1) * (second.end - second.start + 1);
    if (cells * CELL_BYTES > call.settings.transientBytesMax) throw tooMuchMemory;
    if (cells > CELLS_MAX) throw noMemory;
    if (options.wantsLength) call.reply.integer(fillTable(strings, null));
    else if (options.wantsIndexes) replyMatches(call, strings);
    else replySubsequence(call, strings);
  },
});

function show(call: Call, entry: Ref, view: StringView): void {
  if (entry === NONE) {
    view.bytes = NO_BYTES;
    view.start = 0;
    view.end = 0;
    return;
  }
  if (typeOf(call.keyspace.arena, entry) !== Type.STRING) throw notStrings;
  view.read(call.keyspace.arena, entry);
}

function parseOptions(call: Call): void {
  options.wantsLength = false;
  options.wantsIndexes = false;
  options.withMatchLength = false;
  options.matchLengthMin = 0;
  for (let i = 3; i < call.argc; i++) {
    if (call.is(i, "IDX")) options.wantsIndexes = true;
    else if (call.is(i, "LEN")) options.wantsLength = true;
    else if (call.is(i, "WITHMATCHLEN")) options.withMatchLength = true;
    else if (call.is(i, "MINMATCHLEN") && i + 1 < call.argc)
      options.matchLengthMin = call.integer(++i);
    else throw errors.syntax;
  }
  if (options.wantsIndexes && options.wantsLength) throw lengthAndIndexes;
}

/**
 * Computes the table row by row; returns the length of the subsequence. Bit (i - 1) * m + j - 1 of
 * `steps` is set where leaving out the i-th byte of the first string loses less than leaving out
 * the j-th of the second. Among equals the walk goes left, as Redis's does: that decides which of
 * several longest subsequences is returned.
 */
function fillTable({ first, second }: Strings, steps: Uint8Array | null): number {
  const { bytes: a, start: aStart, end: aEnd } = first;
  const { bytes: b, start: bStart, end: bEnd } = second;
  const columns = bEnd - bStart;
  const row = new Uint32Array(memoryFor((columns + 1) * 4));
  let bit = 0;
  for (let i = aStart; i < aEnd; i++) {
    const byte = a[i];
    // `row` is the previous row from `above` on and the present one up to `left`.
    let diagonal = 0;
    let left = 0;
    for (let j = 1; j <= columns; j++, bit++) {
      const above = row[j];
      if (b[bStart + j - 1] === byte) left = diagonal + 1;
      else if (above > left) {
        left = above;
        if (steps !== null) steps[bit >>> 3] |= 1 << (bit & 7);
      }
      row[j] = left;
      diagonal = above;
    }
  }
  return row[columns];
}

/** One bit a cell: 16 MiB at the most, unless proto-max-bulk-len was raised. */
function newSteps({ first, second }: Strings): Uint8Array {
  const cells = (first.end - first.start) * (second.end - second.start);
  return new Uint8Array(memoryFor(Math.ceil(cells / 8)));
}

/** So many bytes for a while, or the error that there are none. */
function memoryFor(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw noMemory;
  }
}

function replySubsequence(call: Call, strings: Strings): void {
  const { first, second } = strings;
  const steps = newSteps(strings);
  let left = fillTable(strings, steps);
  const result = new Uint8Array(memoryFor(left));
  const columns = second.end - second.start;
  let i = first.end - first.start;
  let j = columns;
  while (left > 0) {
    const byte = first.bytes[first.start + i - 1];
    if (byte === second.bytes[second.start + j - 1]) {
      result[--left] = byte;
      i--;
      j--;
    } else if (stepsUp(steps, (i - 1) * columns + j - 1)) i--;
    else j--;
  }
  call.reply.bulk(result, 0, result.length);
}

function stepsUp(steps: Uint8Array, bit: number): boolean {
  return (steps[Math.floor(bit / 8)] & (1 << (bit % 8))) !== 0;
}

/** Replies with the ranges in both strings that match, last one first. */
function replyMatches(call: Call, strings: Strings): void {
  const { reply } = call;
  const { first, second } = strings;
  const steps = newSteps(strings);
  const length = fillTable(strings, steps);
  reply.map(2);
  reply.bulkLatin1("matches");
  const handle = reply.deferArray();
  let count = 0;
  const columns = second.end - second.start;
  let i = first.end - first.start;
  let j = columns;
  let run = 0;
  while (i > 0 && j > 0) {
    if (first.bytes[first.start + i - 1] === second.bytes[second.start + j - 1]) {
      run++;
      i--;
      j--;
      continue;
    }
    if (replyMatch(call, i, j, run)) count++;
    run = 0;
    if (stepsUp(steps, (i - 1) * columns + j - 1)) i--;
    else j--;
  }
  if (replyMatch(call, i, j, run)) count++;
  reply.closeArray(handle, count);
  reply.bulkLatin1("len");
  reply.integer(length);
}

/** A match of `run` bytes that begins at `i` and `j`. False when it is too short to tell. */
function replyMatch(call: Call, i: number, j: number, run: number): boolean {
  if (run === 0 || run < options.matchLengthMin) return false;
  const { reply } = call;
  reply.array(options.withMatchLength ? 3 : 2);
  reply.array(2);
  reply.integer(i);
  reply.integer(i + run - 1);
  reply.array(2);
  reply.integer(j);
  reply.integer(j + run - 1);
  if (options.withMatchLength) reply.integer(run);
  return true;
}
