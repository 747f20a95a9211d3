/** GEOSEARCH and GEOSEARCHSTORE: the members within a circle or a rectangle. */
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { unitArgument } from "./geo-at.ts";
import {
  countArgument,
  orderArgument,
  runSearch,
  type SearchForm,
  withArguments,
} from "./search-request.ts";

const shapeArguments: Argument[] = [
  arg.oneOf("from", arg.string("member", { token: "FROMMEMBER" }), {
    ...arg.block("fromlonlat", arg.double("longitude"), arg.double("latitude")),
    token: "FROMLONLAT",
  }),
  arg.oneOf(
    "by",
    arg.block("circle", arg.double("radius", { token: "BYRADIUS" }), unitArgument),
    arg.block("box", arg.double("width", { token: "BYBOX" }), arg.double("height"), unitArgument),
  ),
  orderArgument,
  countArgument(),
];
const complexity =
  "O(N+log(M)) where N is the number of members in the boxes around the shape, and M that of all.";
const history = [["7.0.0", "Units may be in upper case."]] as const;

const searchForm: SearchForm = {
  key: 1,
  options: 2,
  middle: "option",
  hasStoreOptions: false,
  storeKey: 0,
};

export const geosearch = command({
  name: "geosearch",
  group: "geo",
  since: "6.2.0",
  summary: "Returns the members within a circle or a rectangle, around a place or a member.",
  complexity,
  arity: -7,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), ...shapeArguments, ...withArguments],
  history,
  run: (call) => runSearch(call, searchForm),
});

const storeForm: SearchForm = { ...searchForm, key: 2, options: 3, storeKey: 1 };

export const geosearchstore = command({
  name: "geosearchstore",
  group: "geo",
  since: "6.2.0",
  summary: "Stores the members within a circle or a rectangle as a sorted set of their own.",
  complexity,
  arity: -8,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
  args: [
    arg.key("destination"),
    arg.key("source", { keySpecIndex: 1 }),
    ...shapeArguments,
    arg.optional(arg.token("storedist", "STOREDIST")),
  ],
  history,
  run: (call) => runSearch(call, storeForm),
});
