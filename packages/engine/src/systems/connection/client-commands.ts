/** CLIENT: a container of everything about connections. */
import type { Command } from "@kv/commands";
import { helpCommand } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { identity } from "./client-identity.ts";
import { clientKill } from "./client-kill.ts";
import { listing } from "./client-list.ts";
import { modes } from "./client-modes.ts";
import { pausing } from "./client-pause.ts";

const subcommands: readonly Command[] = [...identity, ...listing, clientKill, ...pausing, ...modes];

export const client = engineCommand({
  name: "client",
  group: "connection",
  since: "2.4.0",
  summary: "A container for commands about connections.",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("client", { group: "connection", since: "5.0.0" })],
});
