/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in order.
 *
 * The request is read in full before the key is looked up. Of the types that exist so far none can
 * be sorted: a missing key sorts to nothing, any other is of the wrong type.
 */
import { NONE } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
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
    const destination = parseOptions(call, true);
    refuseUnsortable(call);
    if (destination === 0) {
      call.reply.emptyArray();
      return;
    }
    // Storing nothing is removing what was there.
    const old = call.findStored(destination);
    if (old !== NONE) {
      call.database.remove(old, call.settings.lazyServerDel);
      call.changed(destination, "del", Notify.GENERIC);
    }
    call.reply.integer(0);
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
    parseOptions(call, false);
    refuseUnsortable(call);
    call.reply.emptyArray();
  },
});

/** Reads the options; returns the argument with STORE's key, or 0. */
function parseOptions(call: Call, stores: boolean): number {
  const { argc } = call;
  let destination = 0;
  for (let i = 2; i < argc; i++) {
    const left = argc - i - 1;
    if (call.is(i, "ASC") || call.is(i, "DESC") || call.is(i, "ALPHA")) continue;
    if (left >= 2 && call.is(i, "LIMIT")) {
      call.integer(i + 1);
      call.integer(i + 2);
      i += 2;
    } else if (left >= 1 && stores && call.is(i, "STORE")) destination = ++i;
    else if (left >= 1 && call.is(i, "BY")) {
      i++;
      // A pattern without a star names no other key: it only says not to sort.
      if (hasStar(call, i) && !call.mayReadAnyKey()) throw byDenied;
    } else if (left >= 1 && call.is(i, "GET")) {
      i++;
      if (!call.mayReadAnyKey()) throw getDenied;
    } else throw errors.syntax;
  }
  return destination;
}

function hasStar(call: Call, index: number): boolean {
  return call.argument(index).includes("*".charCodeAt(0));
}

function refuseUnsortable(call: Call): void {
  if (call.lookupRead(1) !== NONE) throw errors.wrongType;
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
