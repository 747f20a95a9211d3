/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in order.
 *
 * The request is read in full before the key is looked up. Elements are copied into memory of their
 * own (sort-texts.ts), put in order there (sort-order.ts), and looked up by patterns (sort-pattern.ts).
 */
import {
  createList,
  freeEntry,
  ListValue,
  NONE,
  type Ref,
  RefList,
  setIdleBits,
  Type,
  typeOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import {
  type FoundKeys,
  foundAt,
  type KeySpec,
  keyAt,
  type RequestWords,
} from "../declare/key-spec.ts";
import { allElements, asTable, someElements, sortableLength } from "./sort-elements.ts";
import { NO_WEIGHT, prefixOf, SortOrder, SortWeights, weightOfText } from "./sort-order.ts";
import { SortPattern } from "./sort-pattern.ts";
import { type SortTexts, TOUCHED_AT_ONCE } from "./sort-texts.ts";

const patternKeys: KeySpec = {
  flags: ["RO", "access"],
  notes: "Keys that BY and GET make from the elements: known only when they are read.",
  begin: { type: "unknown" },
  find: { type: "unknown" },
};

const storeKey: KeySpec = {
  flags: ["OW", "update"],
  notes: "The key behind STORE, which may stand anywhere among the options.",
  begin: { type: "unknown" },
  find: { type: "unknown" },
};

const byDenied = new CommandError(
  "ERR BY option of SORT denied due to insufficient ACL permissions.",
);
const getDenied = new CommandError(
  "ERR GET option of SORT denied due to insufficient ACL permissions.",
);

const notNumbers = new CommandError("ERR One or more scores can't be converted into double");

const STAR = 42;
/** Longer strings that elements are sorted by are not copied. */
const COPIED_BYTES_MAX = 64;

const readArgs: Argument[] = [
  arg.key("key"),
  arg.optional(arg.pattern("by-pattern", { token: "BY", keySpecIndex: 1, displayText: "pattern" })),
  arg.optional({
    ...arg.block("limit", arg.integer("offset"), arg.integer("count")),
    token: "LIMIT",
  }),
  arg.optional(
    arg.many(
      arg.pattern("get-pattern", { token: "GET", keySpecIndex: 1, displayText: "pattern" }),
      { multipleToken: true },
    ),
  ),
  arg.optional(arg.oneOf("order", arg.token("asc", "ASC"), arg.token("desc", "DESC"))),
  arg.optional(arg.token("sorting", "ALPHA")),
];

export const sort = command({
  name: "sort",
  group: "generic",
  since: "1.0.0",
  summary: "Returns the elements of a list, set or sorted set in order, or stores them as a list.",
  complexity: "O(N+M*log(M)) for N elements of which M are returned.",
  arity: -2,
  flags: ["write", "denyoom", "movablekeys"],
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [keyAt(1, "RO", "access"), patternKeys, storeKey],
  args: [...readArgs, arg.optional(arg.key("destination", { token: "STORE", keySpecIndex: 2 }))],
  getKeys: sortKeys,

  run(call) {
    runSort(call, true);
  },
});

export const sortRo = command({
  name: "sort_ro",
  group: "generic",
  since: "7.0.0",
  summary: "Returns the elements of a list, set or sorted set in order; never stores them.",
  complexity: "O(N+M*log(M)) for N elements of which M are returned.",
  arity: -2,
  flags: ["readonly", "movablekeys"],
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [keyAt(1, "RO", "access"), patternKeys],
  args: readArgs,
  getKeys: (request) => sortKeys(request).slice(0, 1),

  run(call) {
    runSort(call, false);
  },
});

/** What a request asks for. Arguments by their index; 0: there is none. */
class SortOptions {
  by = 0;
  destination = 0;
  readonly gets = new RefList(16);
  limitStart = 0;
  limitCount = -1;
  isDescending = false;
  isAlpha = false;
  /** BY with a pattern that names no key: the order is that of the value itself. */
  keepsOrder = false;

  parse(call: Call, stores: boolean): void {
    this.by = 0;
    this.destination = 0;
    this.gets.clear();
    this.limitStart = 0;
    this.limitCount = -1;
    this.isDescending = false;
    this.isAlpha = false;
    this.keepsOrder = false;
    const { argc } = call;
    for (let i = 2; i < argc; i++) {
      const left = argc - i - 1;
      if (call.is(i, "ASC")) this.isDescending = false;
      else if (call.is(i, "DESC")) this.isDescending = true;
      else if (call.is(i, "ALPHA")) this.isAlpha = true;
      else if (left >= 2 && call.is(i, "LIMIT")) {
        this.limitStart = call.integer(i + 1);
        this.limitCount = call.integer(i + 2);
        i += 2;
      } else if (left >= 1 && stores && call.is(i, "STORE")) this.destination = ++i;
      else if (left >= 1 && call.is(i, "BY")) this.parseBy(call, ++i);
      else if (left >= 1 && call.is(i, "GET")) {
        if (!call.mayReadAnyKey()) throw getDenied;
        this.gets.push(++i);
      } else throw errors.syntax;
    }
  }

  private parseBy(call: Call, index: number): void {
    this.by = index;
    if (hasStar(call, index)) {
      if (!call.mayReadAnyKey()) throw byDenied;
    } else this.keepsOrder = true;
  }
}

/** A pattern without a star names no other key. It ends with its first zero byte. */
function hasStar(call: Call, index: number): boolean {
  const { bytes } = call;
  const end = call.end(index);
  for (let at = call.start(index); at < end && bytes[at] !== 0; at++)
    if (bytes[at] === STAR) return true;
  return false;
}

const kept = new Kept((call) => ({
  options: new SortOptions(),
  pattern: new SortPattern(call),
  list: new ListValue(call.keyspace.arena),
}));

function runSort(call: Call, stores: boolean): void {
  const { options, pattern } = kept.of(call);
  options.parse(call, stores);
  pattern.reset();
  const entry = call.lookupRead(1);
  if (entry === NONE) {
    if (options.destination === 0) call.reply.emptyArray();
    else storeNothingAt(call, options.destination);
    return;
  }
  const length = sortableLength(call, entry);
  if (stores) asTable(call, entry);
  // What is stored must be the same everywhere, and so must be what a script makes of it; and a set has no
  // order of its own.
  const isToBeTheSame = options.destination !== 0 || call.isScripted;
  if (options.keepsOrder && isToBeTheSame && isSet(call, entry)) {
    options.keepsOrder = false;
    options.isAlpha = true;
    options.by = 0;
  }
  const start = Math.min(Math.max(options.limitStart, 0), length);
  const wanted = options.limitCount < 0 ? length : options.limitCount;
  const count = Math.min(wanted, length - start);
  if (options.keepsOrder) replyInOwnOrder(call, options, entry, length, start, count);
  else replySorted(call, options, entry, length, start, count);
}

function isSet(call: Call, entry: Ref): boolean {
  return typeOf(call.keyspace.arena, entry) === Type.SET;
}

function replyInOwnOrder(
  call: Call,
  options: SortOptions,
  entry: Ref,
  length: number,
  start: number,
  count: number,
): void {
  const { isDescending } = options;
  const { texts, isReversed } = someElements(call, entry, length, start, count, isDescending);
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = isReversed ? count - 1 - i : i;
  try {
    finish(call, options, texts, order, 0, count);
  } finally {
    texts.free();
  }
}

function replySorted(
  call: Call,
  options: SortOptions,
  entry: Ref,
  length: number,
  start: number,
  count: number,
): void {
  const { by, isAlpha, isDescending } = options;
  const isStored = options.destination !== 0;
  const isOwnNumber = !isAlpha && by === 0;
  const numbers = new Float64Array(length);
  const texts = allElements(call, entry, length, isOwnNumber ? numbers : null);
  const sorting = new SortOrder(call.keyspace.arena, texts, numbers);
  try {
    if (by !== 0) weigh(call, options, texts, sorting);
    else if (isAlpha) {
      for (let i = 0; i < length; i++)
        numbers[i] = prefixOf(texts.bytes, texts.start(i), texts.end(i), isStored);
    }
    if (!isAlpha && hasNaN(numbers)) throw notNumbers;
    sorting.sort(isDescending, isAlpha, isStored, start, start + count);
    finish(call, options, texts, sorting.order, start, count);
  } finally {
    sorting.free();
  }
}

function hasNaN(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) return true;
  return false;
}

/** Looks up what each element is to be sorted by. One that has none weighs 0, or comes first. */
function weigh(call: Call, options: SortOptions, texts: SortTexts, sorting: SortOrder): void {
  const { pattern } = kept.of(call);
  const { numbers } = sorting;
  const { by, isAlpha, destination } = options;
  const weights = isAlpha ? new SortWeights(texts.count) : null;
  sorting.weights = weights;
  for (let i = 0; i < texts.count; i++) {
    const isFound = pattern.find(call, by, texts, i);
    const { bytes, start, end, entry } = pattern;
    if (weights === null) {
      numbers[i] = isFound ? weightOfText(bytes, start, end) : 0;
      continue;
    }
    numbers[i] = isFound ? prefixOf(bytes, start, end, destination !== 0) : NO_WEIGHT;
    const isCopied = isFound && (entry === NONE || end - start <= COPIED_BYTES_MAX);
    if (!isCopied) weights.entries[i] = isFound ? entry : NONE;
    weights.texts.push(bytes, start, isCopied ? end : start);
  }
}

/** Replies with, or stores, the elements order[start, start + count), or what GET finds for them. */
function finish(
  call: Call,
  options: SortOptions,
  texts: SortTexts,
  order: Int32Array,
  start: number,
  count: number,
): void {
  if (options.destination !== 0) {
    storeSorted(call, options, texts, order, start, count);
    return;
  }
  const { pattern } = kept.of(call);
  const { reply } = call;
  const { gets } = options;
  reply.array(count * Math.max(1, gets.count));
  for (let i = start; i < start + count; i++) {
    if ((i - start) % TOUCHED_AT_ONCE === 0)
      texts.touch(order, i, Math.min(i + TOUCHED_AT_ONCE, start + count));
    const element = order[i] as number;
    if (gets.count === 0)
      reply.bulkFrom(texts.bytes, texts.view, texts.start(element), texts.end(element));
    for (let get = 0; get < gets.count; get++) {
      if (pattern.find(call, gets.at(get), texts, element))
        reply.bulkFrom(pattern.bytes, pattern.view, pattern.start, pattern.end);
      else reply.null();
    }
  }
}

/** Makes a list of them, and that the value of STORE's key. Nothing to store removes the key. */
function storeSorted(
  call: Call,
  options: SortOptions,
  texts: SortTexts,
  order: Int32Array,
  start: number,
  count: number,
): void {
  const { destination, gets } = options;
  const stored = count * Math.max(1, gets.count);
  if (stored === 0) {
    storeNothingAt(call, destination);
    return;
  }
  const { arena, cuts } = call.keyspace;
  const key = call.start(destination);
  const entry = createList(arena, cuts.epoch, call.bytes, key, call.end(destination));
  try {
    fillList(call, options, entry, texts, order, start, count);
    const old = call.find(destination);
    setIdleBits(arena, entry, call.idleOf(old));
    call.database.put(entry, old, call.hashOf(destination), call.settings.lazyServerDel);
    if (old === NONE) call.event(destination, "new", Notify.NEW);
  } catch (full) {
    freeEntry(arena, entry);
    throw full;
  }
  call.changed(destination, "sortstore", Notify.LIST);
  call.dirty += stored - 1;
  call.reply.integer(stored);
}

function fillList(
  call: Call,
  { gets }: SortOptions,
  entry: Ref,
  texts: SortTexts,
  order: Int32Array,
  start: number,
  count: number,
): void {
  const { list, pattern } = kept.of(call);
  const limits = call.settings.limits.list;
  list.attach(entry);
  // It may become large; if it does not, it is made small in the end.
  list.toQuicklist(limits);
  for (let i = start; i < start + count; i++) {
    if ((i - start) % TOUCHED_AT_ONCE === 0)
      texts.touch(order, i, Math.min(i + TOUCHED_AT_ONCE, start + count));
    const element = order[i] as number;
    if (gets.count === 0)
      list.push(true, texts.bytes, texts.start(element), texts.end(element), limits);
    for (let get = 0; get < gets.count; get++) {
      pattern.find(call, gets.at(get), texts, element);
      list.push(true, pattern.bytes, pattern.start, pattern.end, limits);
    }
  }
  list.settle();
  list.shrink(limits, false);
}

/** Storing nothing is removing what was there, even if its time has passed. */
function storeNothingAt(call: Call, destination: number): void {
  const old = call.findStored(destination);
  if (old !== NONE) {
    call.database.remove(old, call.settings.lazyServerDel);
    call.changed(destination, "del", Notify.GENERIC);
  }
  call.reply.integer(0);
}

/** The key that is sorted and the last one that STORE names. */
function sortKeys(request: RequestWords): FoundKeys[] {
  const found = [foundAt(1, "RO", "access")];
  for (let i = 2; i < request.argc; i++) {
    // Redis looks at the destination again, as if it could be an option.
    if (request.is(i, "STORE") && i + 1 < request.argc) found[1] = foundAt(i + 1, "OW", "update");
    else if (request.is(i, "LIMIT")) i += 2;
    else if (request.is(i, "GET") || request.is(i, "BY")) i += 1;
  }
  return found;
}
