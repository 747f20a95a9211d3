/** EngineCall: what commands see that also need the engine or the client who sent them. */

import { KeyAccess } from "@kv/acl";
import { Call, type Command, type CommandSpec, command } from "@kv/commands";
import type { Engine } from "../engine.ts";
import { type Client, ClientState } from "../kernel/client.ts";

export class EngineCall extends Call {
  engine!: Engine;
  client!: Client;

  override mayReadAnyKey(): boolean {
    const { client, entry } = this;
    if (!client.is(ClientState.RESTRICTED)) return true;
    return client.user.mayUseAnyKey(entry, this, KeyAccess.READ);
  }
}

/** As command(), for commands of the engine's own groups. */
export function engineCommand(spec: CommandSpec<EngineCall>): Command {
  return command<EngineCall>(spec);
}
