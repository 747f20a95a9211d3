/** Transactions: the queue of MULTI. The keys of WATCH are in watched-keys.ts. */
import type { CommandEntry } from "@kv/commands";
import { type ArgVector, encodeRequest } from "@kv/resp";
import type { Client } from "./client.ts";
import type { EngineCall } from "./engine-call.ts";

/** A queued command: its request as RESP in a buffer of its own, and where its words are in it. */
export interface QueuedCommand {
  entry: CommandEntry;
  bytes: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
}

/** Keeps the present request of a client in MULTI for EXEC. */
export function queueCommand(client: Client, entry: CommandEntry, call: EngineCall): void {
  const transaction = client.transaction;
  if (transaction === null) return;
  // What cannot be executed any more need not be kept, and EXEC is not judged by it.
  if (transaction.refused || transaction.disturbed) return;
  const { args, requestIndex, argc } = call;
  const starts = new Int32Array(argc);
  const ends = new Int32Array(argc);
  let bytes: Uint8Array;
  if (args.inline[requestIndex] === 0) {
    const start = args.requestStart[requestIndex] as number;
    bytes = call.bytes.slice(start, args.requestEnd[requestIndex] as number);
    for (let index = 0; index < argc; index++) {
      starts[index] = call.start(index) - start;
      ends[index] = call.end(index) - start;
    }
  } else {
    const words: Uint8Array[] = [];
    for (let index = 0; index < argc; index++) words.push(call.argument(index));
    bytes = encodeRequest(words);
    let at = `*${argc}\r\n`.length;
    for (let index = 0; index < argc; index++) {
      const { length } = words[index] as Uint8Array;
      at += `$${length}\r\n`.length;
      starts[index] = at;
      ends[index] = at + length;
      at += length + 2;
    }
  }
  transaction.queue.push({ entry, bytes, starts, ends });
  transaction.queuedBytes += bytes.length + argc * 8;
  transaction.flags |= entry.bits;
}

/** Makes `vector` a batch of just this queued command. */
export function loadQueued(queued: QueuedCommand, vector: ArgVector): void {
  const { bytes, starts, ends } = queued;
  vector.clear();
  vector.bytes = bytes;
  vector.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < starts.length; index++)
    vector.pushArgument(starts[index] as number, ends[index] as number);
  vector.pushCommand(0, 0, bytes.length, 0);
}

/** A client's open transaction, and whether what it watches has changed. */
export class Transaction {
  readonly queue: QueuedCommand[] = [];
  queuedBytes = 0;
  /** A command was refused while queueing: EXEC aborts. */
  refused = false;
  /** A watched key changed: EXEC answers null. */
  disturbed = false;
  /** How many keys the client watches: watched-keys.ts knows which. */
  watchedCount = 0;
  /** Some queued command writes / is of the kinds that EXEC is checked for. */
  flags = 0;
}
