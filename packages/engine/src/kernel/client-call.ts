/** ClientCall: what a command sees of the client who sent it, besides the data. */
import { KeyAccess } from "@kv/acl";
import { Call } from "@kv/commands";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";

export class ClientCall extends Call {
  client!: Client;

  override mayReadAnyKey(): boolean {
    const { client, entry } = this;
    if (!client.is(ClientState.RESTRICTED)) return true;
    return client.user.mayUseAnyKey(entry, this, KeyAccess.READ);
  }
}
