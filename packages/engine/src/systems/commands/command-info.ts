/** How COMMAND and COMMAND INFO describe a command: an array of ten, made from its declaration. */
import { type Command, type CommandRow, FLAG_BITS, type KeySpec, SHOWN_FLAGS } from "@kv/commands";
import type { ReplyWriter } from "@kv/resp";

interface KeyRange {
  first: number;
  last: number;
  step: number;
}

/**
 * First key, last key and step as before key specs: what the specs that are plain ranges, one
 * behind the other, cover together. `isWhole` is false when they leave keys out.
 */
function legacyRange(specs: readonly KeySpec[]): KeyRange & { isWhole: boolean } {
  const only = specs.length === 1 ? specs[0] : undefined;
  let first = 0;
  let last = 0;
  let isWhole = true;
  for (const { begin, find, flags } of specs) {
    if (begin.type !== "index" || find.type !== "range") {
      isWhole = false;
      continue;
    }
    const end = find.last >= 0 ? begin.index + find.last : find.last;
    if (only !== undefined) {
      const whole = !flags.includes("incomplete");
      return { first: begin.index, last: end, step: find.step, isWhole: whole };
    }
    if (find.step !== 1 || (last !== 0 && last !== begin.index - 1)) {
      isWhole = false;
      continue;
    }
    if (first === 0) first = begin.index;
    // A last key counted from the end lies behind all others.
    if (last >= 0) last = end < 0 ? end : Math.max(last, end);
  }
  return { first, last, step: first === 0 ? 0 : 1, isWhole };
}

/** The flags that are shown, in Redis's order. */
function shownFlags({ bits, keys }: Command): string[] {
  const moves = !legacyRange(keys).isWhole;
  return SHOWN_FLAGS.filter(
    (flag) => (bits & FLAG_BITS[flag]) !== 0 || (flag === "movablekeys" && moves),
  );
}

function replyStatuses(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function replyKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  const { flags, notes, begin, find } = spec;
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.bulkLatin1("notes");
    reply.bulkText(notes);
  }
  reply.bulkLatin1("flags");
  replyStatuses(reply, flags);
  reply.bulkLatin1("begin_search");
  const start: [string, string | number][] = [];
  if (begin.type === "index") start.push(["index", begin.index]);
  if (begin.type === "keyword")
    start.push(["keyword", begin.keyword], ["startfrom", begin.startFrom]);
  replyStep(reply, begin.type, start);
  reply.bulkLatin1("find_keys");
  const steps: [string, string | number][] = [];
  if (find.type === "range")
    steps.push(["lastkey", find.last], ["keystep", find.step], ["limit", find.limit]);
  if (find.type === "keynum")
    steps.push(
      ["keynumidx", find.keyNumIndex],
      ["firstkey", find.firstKey],
      ["keystep", find.step],
    );
  replyStep(reply, find.type, steps);
}

function replyStep(
  reply: ReplyWriter,
  type: string,
  fields: readonly (readonly [string, string | number])[],
): void {
  reply.map(2);
  reply.bulkLatin1("type");
  reply.bulkLatin1(type);
  reply.bulkLatin1("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkLatin1(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulkLatin1(value);
  }
}

/** Describes a command, or answers null for one that is unknown. */
export function replyCommandInfo(reply: ReplyWriter, row: CommandRow | undefined): void {
  if (row === undefined) {
    reply.null();
    return;
  }
  const { command } = row;
  const { first, last, step } = legacyRange(command.keys);
  const tips = command.tips ?? [];
  reply.array(10);
  reply.bulkLatin1(row.fullName);
  reply.integer(row.arity);
  replyStatuses(reply, shownFlags(command));
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  replyStatuses(
    reply,
    command.categories.map((category) => `@${category}`),
  );
  reply.set(tips.length);
  for (const tip of tips) reply.bulkLatin1(tip);
  reply.set(command.keys.length);
  for (const spec of command.keys) replyKeySpec(reply, spec);
  const subcommands = row.listedSubcommands();
  // Redis answers an array here, and an empty set where there are none.
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const subcommand of subcommands) replyCommandInfo(reply, subcommand);
}
