/** ClientCall: what a command sees of the client who sent it, besides the data. */
import { KeyAccess } from "@kv/acl";
import { Call, type CommandRow } from "@kv/commands";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";

export class ClientCall extends Call<CommandRow> {
  client!: Client;

  override mayReadAnyKey(): boolean {
    const { client, row } = this;
    if (!client.is(ClientState.RESTRICTED)) return true;
    return client.user.mayUseAnyKey(row, this, KeyAccess.READ);
  }
}
