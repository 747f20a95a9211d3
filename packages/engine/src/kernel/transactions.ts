/**
 * Transactions: those of clients, from MULTI or WATCH to their end (transaction.ts is one). What they
 * watch is known to whoever watches keys, who is told when a transaction ends.
 */
import { type Call, type CommandError, type CommandRow, errors } from "@kv/commands";
import { type Arena, ArenaFullError } from "@kv/core";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import { Transaction } from "./transaction.ts";

/** Begins and ends the transactions of clients: see the head of this file. */
export class Transactions {
  /** Told of a client whose transaction ends: nothing is watched any more. */
  onEnd: (client: Client) => void = () => {};
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** The client's transaction, made where it has none: MULTI and WATCH begin one. */
  of(client: Client): Transaction {
    client.transaction ??= new Transaction(this.arena);
    return client.transaction;
  }

  /** Keeps the present request of a client in MULTI for EXEC. Null, or why it cannot be kept. */
  queue(client: Client, row: CommandRow, call: Call): CommandError | null {
    const { transaction } = client;
    // What cannot be executed any more need not be kept, and EXEC is not judged by it.
    if (transaction === null || transaction.refused || transaction.disturbed) return null;
    try {
      transaction.queue.push(row, call);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      return errors.outOfMemory;
    }
    const bits = row.bitsOf(call);
    transaction.flags |= bits;
    transaction.lackedFlags |= ~bits;
    return null;
  }

  /** Nothing is queued or watched any more. Returns what was: its queue is the caller's to free. */
  end(client: Client): Transaction | null {
    const { transaction } = client;
    this.onEnd(client);
    client.transaction = null;
    client.mark(ClientState.MULTI, false);
    return transaction;
  }

  /** Ends the transaction without executing it. */
  discard(client: Client): void {
    this.end(client)?.queue.free();
  }
}
