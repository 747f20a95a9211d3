/** GEORADIUS and its kin: the older forms of GEOSEARCH, for circles only. */
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { type KeySpec, keyAt } from "../declare/key-spec.ts";
import { unitArgument } from "./geo-at.ts";
import {
  countArgument,
  orderArgument,
  runSearch,
  type SearchForm,
  withArguments,
} from "./search-request.ts";

const complexity =
  "O(N+log(M)) where N is the number of members in the boxes around the circle, and M that of all.";

const fromPlace: Argument[] = [
  arg.key("key"),
  arg.double("longitude"),
  arg.double("latitude"),
  arg.double("radius"),
  unitArgument,
];
const fromMember: Argument[] = [
  arg.key("key"),
  arg.string("member"),
  arg.double("radius"),
  unitArgument,
];
const storeArguments: Argument[] = [
  arg.optional(
    arg.oneOf(
      "store",
      arg.key("storekey", { token: "STORE", keySpecIndex: 1, displayText: "key" }),
      arg.key("storedistkey", { token: "STOREDIST", keySpecIndex: 2, displayText: "key" }),
    ),
  ),
];

/** A key behind a keyword among the options. */
function keyBehind(keyword: string, startFrom: number): KeySpec {
  return {
    flags: ["OW", "update"],
    begin: { type: "keyword", keyword, startFrom },
    find: { type: "range", last: 0, step: 1, limit: 0 },
  };
}

const anySince: readonly [string, string] = ["6.2.0", "New option `ANY` for `COUNT`."];
const unitsSince: readonly [string, string] = ["7.0.0", "Units may be in upper case."];

const placeForm: SearchForm = {
  key: 1,
  options: 6,
  middle: "place",
  hasStoreOptions: true,
  storeKey: 0,
};
const memberForm: SearchForm = { ...placeForm, options: 5, middle: "member" };
const placeOnly: SearchForm = { ...placeForm, hasStoreOptions: false };
const memberOnly: SearchForm = { ...memberForm, hasStoreOptions: false };

export const georadius = command({
  name: "georadius",
  group: "geo",
  since: "3.2.0",
  summary: "Returns, or stores, the members within a circle around a place.",
  complexity,
  arity: -6,
  flags: ["write", "denyoom", "movablekeys"],
  keys: [keyAt(1, "RO", "access"), keyBehind("STORE", 6), keyBehind("STOREDIST", 6)],
  args: [...fromPlace, ...withArguments, countArgument("6.2.0"), orderArgument, ...storeArguments],
  history: [anySince, unitsSince],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
  run: (call) => runSearch(call, placeForm),
});

export const georadiusRo = command({
  name: "georadius_ro",
  group: "geo",
  since: "3.2.10",
  summary: "Returns the members within a circle around a place.",
  complexity,
  arity: -6,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [...fromPlace, ...withArguments, countArgument("6.2.0"), orderArgument],
  history: [anySince],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument",
  run: (call) => runSearch(call, placeOnly),
});

export const georadiusbymember = command({
  name: "georadiusbymember",
  group: "geo",
  since: "3.2.0",
  summary: "Returns, or stores, the members within a circle around one of them.",
  complexity,
  arity: -5,
  flags: ["write", "denyoom", "movablekeys"],
  keys: [keyAt(1, "RO", "access"), keyBehind("STORE", 5), keyBehind("STOREDIST", 5)],
  args: [...fromMember, ...withArguments, countArgument(), orderArgument, ...storeArguments],
  history: [unitsSince],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
  run: (call) => runSearch(call, memberForm),
});

export const georadiusbymemberRo = command({
  name: "georadiusbymember_ro",
  group: "geo",
  since: "3.2.10",
  summary: "Returns the members within a circle around one of them.",
  complexity,
  arity: -5,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [...fromMember, ...withArguments, countArgument(), orderArgument],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
  run: (call) => runSearch(call, memberOnly),
});
