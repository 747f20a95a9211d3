/** Transaction: what one client has queued since MULTI, and whether EXEC may still run it. */
import type { Arena } from "@kv/core";
import { CommandQueue } from "./command-queue.ts";

/** A client's open transaction, and whether what it watches has changed. */
export class Transaction {
  /** The requests since MULTI. To be freed when the transaction ends. */
  readonly queue: CommandQueue;
  /** A command was refused while queueing: EXEC aborts. */
  refused = false;
  /** A watched key changed: EXEC answers null. */
  disturbed = false;
  /** How many keys the client watches. */
  watchedCount = 0;
  /** The flags of all queued commands together, as FLAG_BITS: what EXEC is judged by. */
  flags = 0;
  /** The flags that one of them, or more, does not have, as FLAG_BITS. */
  lackedFlags = 0;

  constructor(arena: Arena) {
    this.queue = new CommandQueue(arena);
  }
}
