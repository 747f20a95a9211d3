/** EngineCall: what commands see that also need the engine or the client who sent them. */
import { Call, type Command, type CommandRow, type CommandSpec, command } from "@kv/commands";
import { KeyAccess } from "./acl/patterns.ts";
import { type Client, ClientState } from "./client.ts";
import type { Engine } from "./engine.ts";

export class EngineCall extends Call<CommandRow> {
  engine!: Engine;
  client!: Client;

  override mayReadAnyKey(): boolean {
    const { client, row } = this;
    if (!client.is(ClientState.RESTRICTED)) return true;
    return client.user.mayUseAnyKey(row, this, KeyAccess.READ);
  }
}

/** As command(), for commands of the engine's own groups. */
export function engineCommand(spec: CommandSpec<EngineCall>): Command {
  return command<EngineCall>(spec);
}
