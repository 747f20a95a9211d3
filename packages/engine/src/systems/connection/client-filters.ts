/**
 * Client filters: which connections CLIENT LIST shows and CLIENT KILL closes. All that are given must
 * hold; of one that is given twice, the last counts.
 *
 *      CLIENT LIST TYPE normal IDLE 600 NOT-NAME worker
 *      CLIENT KILL MAXAGE 86400 NOT-ID 7 12 SKIPME no
 *
 * TYPE and ID are Redis's, as are USER, ADDR, LADDR, SKIPME and MAXAGE of KILL. That both commands take
 * each of these, the other filters, and NOT- before any of them, came later, and to its relatives first.
 */

import type { User } from "@kv/acl";
import { type Argument, arg, CommandError, errors, fail, quoted } from "@kv/commands";
import type { Client } from "../../kernel/client.ts";
import { CLIENT_FLAGS } from "../../kernel/client-report.ts";
import type { EngineCall } from "../../module/engine-call.ts";
import { type ClientKind, kindArgument } from "./client-kind.ts";

/** Longer is nothing that is compared as a text. */
const NAME_BYTES_MAX = 4096;
/** The longest name of a filter has so many letters. */
const FILTER_BYTES_MAX = 12;

/** What a value of a filter is compared with; true: the client is one of those. */
type Matches = (client: Client) => boolean;

/** What CLIENT LIST and CLIENT KILL were asked for. */
export interface ClientFilters {
  /** The numbers of ID, in their order; null: it was not given. */
  readonly ids: readonly number[] | null;
  /** SKIPME; undefined: it was not given. */
  readonly skipsSelf: boolean | undefined;
  /** Whether all filters but SKIPME hold. */
  matches(client: Client): boolean;
}

/** Reads the value at `index` (of the filter `name`) into what it is compared with. */
type Reader = (call: EngineCall, index: number, name: string) => Matches;

const text =
  (of: (client: Client) => string): Reader =>
  (call, index) => {
    // Nothing that a client is called is longer.
    if (call.length(index) > NAME_BYTES_MAX) return () => false;
    const wanted = call.text(index);
    return (client) => of(client) === wanted;
  };

/** A whole number of seconds: those match for whom it is so long, or longer. */
const seconds =
  (sinceMs: (client: Client) => number): Reader =>
  (call, index, name) => {
    const word = name.toLowerCase();
    const least = call.integer(
      index,
      new CommandError(`ERR ${word} is not an integer or out of range`),
    );
    if (least <= 0) fail(`ERR ${word} should be greater than 0`);
    const { nowMs } = call.engine.situation;
    return (client) => Math.floor((nowMs - sinceMs(client)) / 1000) >= least;
  };

/** Letters, each of which must be among those that a client has. */
const letters =
  (what: string, known: string, of: (call: EngineCall, client: Client) => string): Reader =>
  (call, index, name) => {
    const wanted = [...call.text(index)];
    if (!wanted.every((letter) => known.includes(letter))) {
      const filter = name.startsWith("NOT-") ? name : "provided";
      fail(`ERR Unknown ${what} found in the ${filter} filter: ${quoted(call.word(index))}`);
    }
    return (client) => {
      const own = of(call, client);
      return wanted.every((letter) => own.includes(letter));
    };
  };

function userAt(call: EngineCall, index: number): User {
  const name = call.word(index);
  return call.engine.users.byName.get(name) ?? fail(`ERR No such user '${quoted(name)}'`);
}

/** The address without its port, nor the brackets of an IPv6 one. */
function hostOf(client: Client): string {
  const { address } = client.connection;
  const host = address.slice(0, Math.max(0, address.lastIndexOf(":")));
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

/** The filters with one value that may stand behind NOT- as well. */
const readers: Readonly<Record<string, Reader>> = {
  TYPE: (call, index) => {
    const kind: ClientKind = kindArgument(call, index);
    return (client) => client.kind === kind;
  },
  USER: (call, index) => {
    const user = userAt(call, index);
    return (client) => client.user === user;
  },
  ADDR: text((client) => client.connection.address),
  LADDR: text((client) => client.connection.localAddress),
  NAME: text((client) => client.name),
  FLAGS: letters("flags", CLIENT_FLAGS, ({ engine }, client) => engine.report.flagsOf(client)),
  "LIB-NAME": text((client) => client.libraryName),
  "LIB-VER": text((client) => client.libraryVersion),
  DB: (call, index) => {
    const database = call.integer(index);
    if (database < 0 || database >= call.engine.keyspace.databases.length)
      throw errors.dbIndexOutOfRange;
    return (client) => client.databaseIndex === database;
  },
  // No client says what it is capable of, as long as there is no command to say it by.
  CAPA: letters("capa", "r", () => ""),
  IP: text(hostOf),
};

/** Those that have no opposite. */
const plainReaders: Readonly<Record<string, Reader>> = {
  MAXAGE: seconds((client) => client.createdMs),
  IDLE: seconds((client) => client.lastActiveMs),
};

const withoutNot = (name: string) => (name.startsWith("NOT-") ? name.slice(4) : name);

const isFilter = (name: string) =>
  name in plainReaders ||
  name === "SKIPME" ||
  withoutNot(name) === "ID" ||
  withoutNot(name) in readers;

/** The name of the filter at an argument, in upper case; "": there is none of this name. */
function filterAt(call: EngineCall, index: number): string {
  if (call.length(index) > FILTER_BYTES_MAX) return "";
  const name = call.word(index).toUpperCase();
  return isFilter(name) ? name : "";
}

/** How the commands differ in what they take for the numbers of ID. */
export interface IdRules {
  /** For what is no integer, and for what is smaller than `least`. */
  readonly bad: CommandError;
  /** The smallest number that may be asked for. */
  readonly least: number;
  /** For a word behind numbers that is neither one more nor a filter. */
  readonly badNext: CommandError;
}

/** The numbers from an argument on: one in any case, more of them until something else comes. */
function idsAt(call: EngineCall, first: number, rules: IdRules): number[] {
  const ids: number[] = [];
  for (let index = first; index < call.argc; index++) {
    if (index > first && !/^-?\d+$/.test(call.word(index))) {
      if (filterAt(call, index) === "") throw rules.badNext;
      break;
    }
    const id = call.integer(index, rules.bad);
    if (id < rules.least) throw rules.bad;
    ids.push(id);
  }
  return ids;
}

/** The filters from the argument `first` on. */
export function clientFiltersAt(call: EngineCall, first: number, rules: IdRules): ClientFilters {
  const tests = new Map<string, Matches>();
  let ids: number[] | null = null;
  let skipsSelf: boolean | undefined;
  for (let index = first; index < call.argc; ) {
    const name = filterAt(call, index);
    const value = index + 1;
    if (name === "" || value >= call.argc) throw errors.syntax;
    let matches: Matches | undefined;
    index += 2;
    if (withoutNot(name) === "ID") {
      const read = idsAt(call, value, rules);
      const wanted = new Set(read);
      index = value + read.length;
      matches = (client) => wanted.has(client.id);
      if (name === "ID") ids = read;
    } else if (name === "SKIPME") {
      skipsSelf = yesOrNo(call, value);
    } else {
      matches = (plainReaders[name] ?? readers[withoutNot(name)])?.(call, value, name);
    }
    const holds = matches;
    if (holds !== undefined)
      tests.set(name, name.startsWith("NOT-") ? (client) => !holds(client) : holds);
  }
  const all = [...tests.values()];
  return { ids, skipsSelf, matches: (client) => all.every((each) => each(client)) };
}

function yesOrNo(call: EngineCall, index: number): boolean {
  if (call.is(index, "YES")) return true;
  if (call.is(index, "NO")) return false;
  throw errors.syntax;
}

const kinds = (...tokens: string[]): Argument =>
  arg.oneOf("client-type", ...tokens.map((token) => arg.token(token.toLowerCase(), token)));

const optional = (name: string, token: string, since = "8.0.0"): Argument =>
  arg.optional(arg.string(name, { token, since }));

/** What both commands take since Redis has had no say in it: NOT-ID and so on, and what is new. */
export const furtherFilters: readonly Argument[] = [
  optional("name", "NAME"),
  arg.optional(arg.integer("idle", { token: "IDLE", since: "8.0.0" })),
  optional("flags", "FLAGS"),
  optional("lib-name", "LIB-NAME"),
  optional("lib-ver", "LIB-VER"),
  arg.optional(arg.integer("db", { token: "DB", since: "8.0.0" })),
  optional("capa", "CAPA"),
  optional("ip", "IP"),
  arg.optional({
    ...kinds("NORMAL", "MASTER", "REPLICA", "PUBSUB"),
    name: "not-client-type",
    token: "NOT-TYPE",
    since: "8.0.0",
  }),
  arg.optional(
    arg.many(arg.integer("not-id", { token: "NOT-ID", displayText: "client-id", since: "8.0.0" })),
  ),
  optional("not-username", "NOT-USER"),
  optional("not-addr", "NOT-ADDR"),
  optional("not-laddr", "NOT-LADDR"),
  optional("not-name", "NOT-NAME"),
  optional("not-flags", "NOT-FLAGS"),
  optional("not-lib-name", "NOT-LIB-NAME"),
  optional("not-lib-ver", "NOT-LIB-VER"),
  arg.optional(arg.integer("not-db", { token: "NOT-DB", since: "8.0.0" })),
  optional("not-capa", "NOT-CAPA"),
  optional("not-ip", "NOT-IP"),
];
