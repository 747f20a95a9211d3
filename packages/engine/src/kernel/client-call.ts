/** ClientCall: what a command sees of the client who sent it, besides the data. */
import { KeyAccess } from "@kv/acl";
import { Call, type CommandRow } from "@kv/commands";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";

/** A Call that knows its client: what a command gets when a client sent it. */
export class ClientCall extends Call<CommandRow> {
  /** Who sent the command. Set before each command, and good until it returns. */
  client!: Client;
  /** The request made its client wait before, and runs anew: whoever listens has seen it. */
  isRerun = false;

  /**
   * True when the client's user may read every key: what SORT asks before it follows BY and GET.
   */
  override mayReadAnyKey(): boolean {
    const { client, row } = this;
    if (!client.is(ClientState.RESTRICTED)) return true;
    return client.user.mayUseAnyKey(row, this, KeyAccess.READ);
  }
}
