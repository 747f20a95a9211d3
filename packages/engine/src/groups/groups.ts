/** Generated: the groups of commands in the folders beside this file. */
import * as connection from "./connection/index.ts";
import * as generic from "./generic/index.ts";
import * as pubsub from "./pubsub/index.ts";
import * as scripting from "./scripting/index.ts";
import * as server from "./server/index.ts";
import * as transactions from "./transactions/index.ts";

export const groups: readonly object[] = [
  connection,
  generic,
  pubsub,
  scripting,
  server,
  transactions,
];
