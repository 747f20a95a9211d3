/** All commands that work on data alone. A group exports commands and nothing else. */
import { type Command, isCommand } from "./declare/command.ts";
import * as generic from "./generic/index.ts";
import * as hash from "./hash/index.ts";
import * as server from "./server/index.ts";
import * as string from "./string/index.ts";

export const dataCommands: readonly Command[] = [generic, string, hash, server].flatMap((group) =>
  Object.values(group).filter(isCommand),
);
