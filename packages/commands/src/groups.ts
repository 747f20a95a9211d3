/** Generated: the groups of commands in the folders beside this file. */
import * as bitmap from "./bitmap/index.ts";
import * as generic from "./generic/index.ts";
import * as geo from "./geo/index.ts";
import * as hash from "./hash/index.ts";
import * as hyperloglog from "./hyperloglog/index.ts";
import * as list from "./list/index.ts";
import * as server from "./server/index.ts";
import * as set from "./set/index.ts";
import * as sortedSet from "./sorted-set/index.ts";
import * as stream from "./stream/index.ts";
import * as string from "./string/index.ts";

export const groups: readonly object[] = [
  bitmap,
  generic,
  geo,
  hash,
  hyperloglog,
  list,
  server,
  set,
  sortedSet,
  stream,
  string,
];
