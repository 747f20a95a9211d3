/** Reading the options of a search, and carrying it out: GEOSEARCH, GEORADIUS and their kin. */
import type { SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors, fail, quoted } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { readSortedSet } from "../sorted-set/sorted-set-at.ts";
import { findPlace, placeAt, unitAt } from "./geo-at.ts";
import { place } from "./geohash.ts";
import { Order, removeKey, type Search, searches } from "./search.ts";

const noSuchMember = new CommandError("ERR could not decode requested zset member");
const noRadius = new CommandError("ERR need numeric radius");
const negativeRadius = new CommandError("ERR radius cannot be negative");
const noWidth = new CommandError("ERR need numeric width");
const noHeight = new CommandError("ERR need numeric height");
const negativeSide = new CommandError("ERR height or width cannot be negative");
const noCount = new CommandError("ERR COUNT must be > 0");
const anyWithoutCount = new CommandError("ERR the ANY argument requires COUNT argument");

/** How a command of the family is called. */
export interface SearchForm {
  /** The argument with the key that is searched. */
  readonly key: number;
  /** The first of the options. */
  readonly options: number;
  /** What stands before them: a place, a member and a radius, or nothing. */
  readonly middle: "place" | "member" | "option";
  /** Whether options may name a key that takes the result. */
  readonly hasStoreOptions: boolean;
  /** The argument with that key, where it has a place of its own; else 0. */
  readonly storeKey: number;
}

/** What the options have named so far. */
const named = { middle: "", isShape: false };

function radiusAt(call: Call, index: number, search: Search): void {
  const radius = call.float(index, noRadius);
  if (radius < 0) throw negativeRadius;
  search.shape.radius = radius;
  search.shape.unitMeters = unitAt(call, index + 1);
}

function boxAt(call: Call, index: number, search: Search): void {
  const width = call.float(index, noWidth);
  const height = call.float(index + 1, noHeight);
  if (height < 0 || width < 0) throw negativeSide;
  search.shape.isBox = true;
  search.shape.width = width;
  search.shape.height = height;
  search.shape.unitMeters = unitAt(call, index + 2);
}

/** The middle is the place of the member at an argument. Of a missing key there is none, for now. */
function memberAt(call: Call, index: number, set: SortedSetValue | null, search: Search): void {
  if (set === null) return;
  if (!findPlace(call, set, index)) throw noSuchMember;
  takePlace(search);
}

function takePlace({ shape }: Search): void {
  shape.longitude = place.longitude;
  shape.latitude = place.latitude;
}

/** Reads the option at an argument; returns the last argument that belongs to it, or 0. */
function plainOption(call: Call, index: number, search: Search): number {
  if (call.is(index, "WITHDIST")) search.withDistance = true;
  else if (call.is(index, "WITHHASH")) search.withScore = true;
  else if (call.is(index, "WITHCOORD")) search.withPlace = true;
  else if (call.is(index, "ANY")) search.takesAny = true;
  else if (call.is(index, "ASC")) search.order = Order.ASCENDING;
  else if (call.is(index, "DESC")) search.order = Order.DESCENDING;
  else if (call.is(index, "COUNT") && index + 1 < call.argc) {
    search.limit = call.integer(index + 1);
    if (search.limit <= 0) throw noCount;
    return index + 1;
  } else return 0;
  return index;
}

function storeOption(call: Call, index: number, search: Search): number {
  const isDistance = call.is(index, "STOREDIST");
  if ((!isDistance && !call.is(index, "STORE")) || index + 1 >= call.argc) return 0;
  search.storeArgument = index + 1;
  search.storesDistance = isDistance;
  return index + 1;
}

/** As plainOption, for what only GEOSEARCH has. */
function shapeOption(
  call: Call,
  index: number,
  search: Search,
  set: SortedSetValue | null,
): number {
  const left = call.argc - index - 1;
  const isBox = search.shape.isBox;
  if (call.is(index, "FROMMEMBER") && left >= 1 && named.middle !== "place") {
    memberAt(call, index + 1, set, search);
    named.middle = "member";
    return index + 1;
  }
  if (call.is(index, "FROMLONLAT") && left >= 2 && named.middle !== "member") {
    placeAt(call, index + 1);
    takePlace(search);
    named.middle = "place";
    return index + 2;
  }
  if (call.is(index, "BYRADIUS") && left >= 2 && !isBox) {
    radiusAt(call, index + 1, search);
    named.isShape = true;
    return index + 2;
  }
  if (call.is(index, "BYBOX") && left >= 3 && (isBox || !named.isShape)) {
    boxAt(call, index + 1, search);
    named.isShape = true;
    return index + 3;
  }
  return 0;
}

function readOptions(
  call: Call,
  form: SearchForm,
  search: Search,
  set: SortedSetValue | null,
): void {
  named.middle = "";
  named.isShape = false;
  for (let i = form.options; i < call.argc; i++) {
    let last = plainOption(call, i, search);
    if (last === 0 && form.hasStoreOptions) last = storeOption(call, i, search);
    if (last === 0 && form.middle === "option") last = shapeOption(call, i, search, set);
    if (last === 0 && form.storeKey !== 0 && call.is(i, "STOREDIST")) {
      search.storesDistance = true;
      last = i;
    }
    if (last === 0) throw errors.syntax;
    i = last;
  }
}

function checkOptions(call: Call, form: SearchForm, search: Search): void {
  const wantsMore = search.withDistance || search.withScore || search.withPlace;
  if (search.storeArgument !== 0 && wantsMore) {
    const who = form.storeKey !== 0 ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    fail(`ERR ${who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (form.middle === "option") {
    const name = quoted(call.word(0));
    if (named.middle === "")
      fail(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
    if (!named.isShape) fail(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
  }
  if (search.takesAny && search.limit === 0) throw anyWithoutCount;
}

/** Reads a search from the request and carries it out. */
export function runSearch(call: Call, form: SearchForm): void {
  const search = searches.of(call);
  search.reset();
  const set = readSortedSet(call, form.key);
  search.storeArgument = form.storeKey;
  if (form.middle === "place") {
    placeAt(call, 2);
    takePlace(search);
    radiusAt(call, 4, search);
  } else if (form.middle === "member" && set !== null) {
    memberAt(call, 2, set, search);
    radiusAt(call, 3, search);
  }
  readOptions(call, form, search, set);
  checkOptions(call, form, search);
  const wanted = set === null ? 0 : search.run(set);
  if (search.storeArgument === 0) {
    if (set === null) call.reply.array(0);
    else search.reply(call, set, wanted);
    return;
  }
  if (set === null) removeKey(call, search.storeArgument);
  else search.store(call, set, wanted, form.storeKey !== 0 ? "geosearchstore" : "georadiusstore");
  call.reply.integer(wanted);
}

/** ASC or DESC, for COMMAND DOCS. */
export const orderArgument: Argument = arg.optional(
  arg.oneOf("order", arg.token("asc", "ASC"), arg.token("desc", "DESC")),
);

/** COUNT with ANY, which came later where `since` says so. */
export function countArgument(since?: string): Argument {
  const any = arg.token("any", "ANY", since === undefined ? {} : { since });
  return arg.optional(
    arg.block("count-block", arg.integer("count", { token: "COUNT" }), arg.optional(any)),
  );
}

/** What a match is to be shown with. */
export const withArguments: Argument[] = [
  arg.optional(arg.token("withcoord", "WITHCOORD")),
  arg.optional(arg.token("withdist", "WITHDIST")),
  arg.optional(arg.token("withhash", "WITHHASH")),
];
