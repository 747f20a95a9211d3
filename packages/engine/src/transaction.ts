/** Transactions: the queue of MULTI. The keys of WATCH are in watched-keys.ts. */
import { type CommandRow, errors } from "@kv/commands";
import { type Arena, ArenaFullError } from "@kv/core";
import type { Client } from "./client.ts";
import { CommandQueue } from "./command-queue.ts";
import type { Engine } from "./engine.ts";

/** Keeps the present request of a client in MULTI for EXEC, and answers it. */
export function queueCommand(engine: Engine, client: Client, entry: CommandRow): void {
  const transaction = client.transaction;
  // What cannot be executed any more need not be kept, and EXEC is not judged by it.
  if (transaction !== null && !transaction.refused && !transaction.disturbed) {
    try {
      transaction.queue.push(entry, engine.call);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      engine.reject(client, entry, errors.outOfMemory);
      return;
    }
    transaction.flags |= entry.bits;
  }
  engine.reply.queued();
}

/** A client's open transaction, and whether what it watches has changed. */
export class Transaction {
  readonly queue: CommandQueue;
  /** A command was refused while queueing: EXEC aborts. */
  refused = false;
  /** A watched key changed: EXEC answers null. */
  disturbed = false;
  /** How many keys the client watches: watched-keys.ts knows which. */
  watchedCount = 0;
  /** Some queued command writes / is of the kinds that EXEC is checked for. */
  flags = 0;

  constructor(arena: Arena) {
    this.queue = new CommandQueue(arena);
  }
}
