/**
 * Unions, intersections and differences of sorted sets: what their commands have in common.
 *
 *      const operation = parseOperation(call, 1, "read");      keys, WEIGHTS, AGGREGATE ...
 *      unite(call, operation)                                  members of the result, in the builder
 *      replyResult(call, ...) or storeResult(call, ...)
 */
import { freeEntry, ListpackValue, NONE, type SortedSetBuilder } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors, fail } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { type Inputs, inputsAt } from "./inputs.ts";
import { attachMade, builderOf, replyMembersHeader, replyText, store } from "./sorted-set-at.ts";

const notAWeight = new CommandError("ERR weight value is not a float");
const negativeLimit = new CommandError("ERR LIMIT can't be negative");

/** How the scores of one member become one score. */
type Aggregate = "sum" | "min" | "max";

/** What an operation is asked for. */
export interface Operation {
  /** Where the members come from. */
  readonly inputs: Inputs;
  readonly aggregate: Aggregate;
  readonly withScores: boolean;
  /** At how many members to stop; 0: never. */
  readonly limit: number;
}

/** Which options there are. */
export interface OperationOptions {
  /** WEIGHTS and AGGREGATE. */
  readonly combines?: boolean;
  /** WITHSCORES. */
  readonly shows?: boolean;
  /** LIMIT. */
  readonly counts?: boolean;
}

/** The arguments WEIGHTS and AGGREGATE. */
export const combiningArgs = [
  arg.optional(arg.many(arg.integer("weight", { token: "WEIGHTS" }))),
  {
    ...arg.oneOf(
      "aggregate",
      arg.token("sum", "SUM"),
      arg.token("min", "MIN"),
      arg.token("max", "MAX"),
    ),
    token: "AGGREGATE",
    optional: true,
  },
];

/** Reads the number of keys at an argument, the keys, and the options behind them. */
export function parseOperation(
  call: Call,
  countIndex: number,
  { combines = false, shows = false, counts = false }: OperationOptions,
): Operation {
  const { argc } = call;
  const count = call.integer(countIndex);
  if (count < 1) fail(`ERR at least 1 input key is needed for '${call.row.fullName}' command`);
  if (count > argc - countIndex - 1) throw errors.syntax;
  const inputs = inputsAt(call, countIndex + 1, count);
  let aggregate: Aggregate = "sum";
  let withScores = false;
  let limit = 0;
  for (let i = countIndex + 1 + count; i < argc; i++) {
    const left = argc - i;
    if (combines && left > count && call.is(i, "WEIGHTS")) {
      for (let index = 0; index < count; index++)
        inputs.setWeight(index, call.float(++i, notAWeight));
    } else if (combines && left > 1 && call.is(i, "AGGREGATE")) {
      aggregate = aggregateAt(call, ++i);
    } else if (shows && call.is(i, "WITHSCORES")) {
      withScores = true;
    } else if (counts && left > 1 && call.is(i, "LIMIT")) {
      limit = call.integer(++i, negativeLimit);
      if (limit < 0) throw negativeLimit;
    } else {
      throw errors.syntax;
    }
  }
  return { inputs, aggregate, withScores, limit };
}

function aggregateAt(call: Call, index: number): Aggregate {
  if (call.is(index, "SUM")) return "sum";
  if (call.is(index, "MIN")) return "min";
  if (call.is(index, "MAX")) return "max";
  throw errors.syntax;
}

/** One score of two. Infinities that cancel each other out are 0. */
function combined(score: number, other: number, aggregate: Aggregate): number {
  // What is no number is neither smaller nor larger.
  if (aggregate !== "sum") {
    const isBetter = aggregate === "min" ? other < score : other > score;
    return isBetter ? other : score;
  }
  const sum = score + other;
  return Number.isNaN(sum) ? 0 : sum;
}

/** A weighted score; an infinite one that counts nothing is 0. */
function weighted(score: number, weight: number): number {
  const product = score * weight;
  return Number.isNaN(product) ? 0 : product;
}

/** What an operation does with its inputs: it adds the members of the result to the builder. */
type Operate = (operation: Operation, builder: SortedSetBuilder) => void;

/** Members of any input. */
export const unite: Operate = ({ inputs, aggregate }, builder) => {
  inputs.sort();
  for (let index = 0; index < inputs.count; index++) {
    const input = inputs.at(index);
    const weight = inputs.weightAt(index);
    const { member } = input;
    for (input.begin(); input.next(); ) {
      const { bytes, view, start, end } = member;
      const score = weighted(input.score, weight);
      const known = builder.find(bytes, view, start, end);
      if (known === NONE) builder.add(bytes, start, end, score);
      else builder.setScore(known, combined(builder.scoreOf(known), score, aggregate));
    }
  }
};

/** Members of all inputs. */
export const intersect: Operate = ({ inputs, aggregate }, builder) => {
  inputs.sort();
  const first = inputs.at(0);
  const { member } = first;
  for (first.begin(); first.next(); ) {
    let score = weighted(first.score, inputs.weightAt(0));
    let index = 1;
    for (; index < inputs.count; index++) {
      const input = inputs.at(index);
      if (!input.find(member)) break;
      score = combined(score, input.score * inputs.weightAt(index), aggregate);
    }
    if (index < inputs.count) continue;
    addNew(builder, member, score);
  }
};

/** How many members all inputs have; no more than the limit. */
export function countShared({ inputs, limit }: Operation): number {
  inputs.sort();
  const first = inputs.at(0);
  const { member } = first;
  let count = 0;
  for (first.begin(); first.next(); ) {
    let index = 1;
    while (index < inputs.count && inputs.at(index).find(member)) index++;
    if (index === inputs.count && ++count === limit) break;
  }
  return count;
}

/** Members of the first input that no other one has, with the scores that they have there. */
export const subtract: Operate = ({ inputs }, builder) => {
  const first = inputs.at(0);
  const { member } = first;
  for (first.begin(); first.next(); ) {
    const { score } = first;
    let index = 1;
    while (index < inputs.count && !inputs.at(index).find(member)) index++;
    if (index === inputs.count) addNew(builder, member, score);
  }
};

function addNew(builder: SortedSetBuilder, member: ListpackValue, score: number): void {
  const { bytes, view, start, end } = member;
  builder.find(bytes, view, start, end);
  builder.add(bytes, start, end, score);
}

const shown = new Kept(() => new ListpackValue());

/** Carries out an operation and replies with what comes of it. */
export function replyResult(call: Call, operation: Operation, operate: Operate): void {
  const builder = builderOf(call);
  const { withScores } = operation;
  const { reply } = call;
  const text = shown.of(call);
  builder.begin();
  try {
    operate(operation, builder);
    const elements = builder.sorted();
    replyMembersHeader(call, elements.length, withScores);
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i] as number;
      builder.show(element, text);
      if (withScores && reply.resp3) reply.array(2);
      replyText(call, text);
      if (withScores) reply.double(builder.scoreOf(element));
    }
    elements.buffer.transfer(0);
  } finally {
    builder.discard();
  }
}

/** Carries out an operation and stores what comes of it at argument 1. */
export function storeResult(
  call: Call,
  operation: Operation,
  operate: Operate,
  event: string,
): void {
  const builder = builderOf(call);
  const { arena, cuts } = call.keyspace;
  builder.begin();
  let entry = NONE;
  try {
    operate(operation, builder);
    const { sortedSet } = call.settings.limits;
    entry = builder.finish(cuts.epoch, call.bytes, call.start(1), call.end(1), sortedSet);
    store(call, attachMade(call, entry), event);
  } catch (full) {
    builder.discard();
    if (entry !== NONE) freeEntry(arena, entry);
    throw full;
  }
}
