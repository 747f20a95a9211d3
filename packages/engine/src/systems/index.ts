/** The engine's own command groups. A group exports commands and nothing else. */
import { type Command, isCommand } from "@kv/commands";
import * as generic from "../groups/generic/index.ts";
import * as connection from "./connection/index.ts";
import * as pubsub from "./pubsub/index.ts";
import * as scripting from "./scripting/index.ts";
import * as server from "./server-index.ts";
import * as transactions from "./transactions/index.ts";

export const groups: readonly Command[] = [
  connection,
  generic,
  scripting,
  server,
  transactions,
  pubsub,
].flatMap((group) => Object.values(group).filter(isCommand));
