/** Transaction: what one client has queued since MULTI, and whether EXEC may still run it. */
import type { Arena } from "@kv/core";
import { CommandQueue } from "./command-queue.ts";

/** A client's open transaction, and whether what it watches has changed. */
export class Transaction {
  readonly queue: CommandQueue;
  /** A command was refused while queueing: EXEC aborts. */
  refused = false;
  /** A watched key changed: EXEC answers null. */
  disturbed = false;
  /** How many keys the client watches. */
  watchedCount = 0;
  /** Some queued command writes / is of the kinds that EXEC is checked for. */
  flags = 0;

  constructor(arena: Arena) {
    this.queue = new CommandQueue(arena);
  }
}
