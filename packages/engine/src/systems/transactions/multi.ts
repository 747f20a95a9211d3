/**
 * MULTI, EXEC, DISCARD: commands are queued and then run one after the other with nothing in
 * between. EXEC answers null when a watched key changed, EXECABORT when a command was refused.
 */
import { CommandError, type CommandRow, Propagation } from "@kv/commands";
import type { ClientCall } from "../../kernel/client-call.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { CommandQueue } from "../../kernel/command-queue.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { execAccessPort } from "../../module/ports.ts";
import { watchedKeysPort } from "./watched-keys.ts";

const aborted = new CommandError("EXECABORT Transaction discarded because of previous errors.");
const nested = new CommandError("ERR MULTI calls can not be nested");
const execAlone = new CommandError("ERR EXEC without MULTI");
const discardAlone = new CommandError("ERR DISCARD without MULTI");

export const multi = engineCommand({
  name: "multi",
  group: "transactions",
  since: "1.2.0",
  summary: "Begins a transaction: what follows is queued.",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy", "not_queued"],

  run({ client, engine, reply }) {
    if (client.inTransaction) throw nested;
    engine.transactions.of(client);
    client.mark(ClientState.MULTI, true);
    reply.ok();
  },
});

export const discard = engineCommand({
  name: "discard",
  group: "transactions",
  since: "2.0.0",
  summary: "Ends the transaction and forgets what was queued.",
  complexity: "O(N) with N queued commands.",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy", "not_queued", "leaves_multi"],

  run({ client, engine, reply }) {
    if (!client.inTransaction) throw discardAlone;
    engine.transactions.discard(client);
    reply.ok();
  },
});

export const exec = engineCommand({
  name: "exec",
  group: "transactions",
  since: "1.2.0",
  summary: "Runs the queued commands.",
  complexity: "That of the queued commands.",
  arity: 1,
  flags: [
    "noscript",
    "loading",
    "stale",
    "skip_slowlog",
    "not_queued",
    "leaves_multi",
    "runs_queue",
  ],

  run(call) {
    const { client, engine, reply } = call;
    const { transaction } = client;
    if (!client.inTransaction || transaction === null) throw execAlone;
    if (transaction.refused) {
      engine.transactions.discard(client);
      throw aborted;
    }
    if (transaction.disturbed || engine.of(watchedKeysPort).anyExpired(client, call)) {
      engine.transactions.discard(client);
      reply.nullArray();
      return;
    }
    // Nothing is watched any more: the transaction's own changes must not disturb it.
    engine.transactions.end(client);
    const { muting } = engine;
    muting.keep();
    reply.array(transaction.queue.count);
    muting.takeBack(client);
    engine.execution.open();
    client.executing = transaction.queue;
    runQueue(call, transaction.queue, call.row);
  },
});

/** Runs what is left of the queue, and ends EXEC; or stops with a request that does. */
function runQueue(call: EngineCall, queue: CommandQueue, exec: CommandRow): void {
  const { client, engine } = call;
  const { execution, muting } = engine;
  let isOver = true;
  try {
    isOver = runToEnd(call, queue, exec);
    if (isOver) execution.close();
  } finally {
    if (isOver) {
      queue.free();
      client.executing = null;
    }
  }
  if (isOver) call.propagation = Propagation.PREVENTED;
  else
    execution.suspend(() => {
      muting.takeBack(client);
      runQueue(call, queue, exec);
    });
}

/** False: a request has stopped in its middle. */
function runToEnd(
  { client, engine, reply }: EngineCall,
  queue: CommandQueue,
  exec: CommandRow,
): boolean {
  const { commands, execution, muting, queuedBatch: batch } = engine;
  let wasRefused = false;
  const refusal = (queued: ClientCall) => {
    const error = engine.of(execAccessPort).refusalInside(queued, "exec");
    wasRefused = error !== null;
    return error;
  };
  muting.keep();
  for (let id = queue.next(batch); id !== -1; id = queue.next(batch)) {
    // Who was closed by an earlier command of the transaction hears nothing of later ones.
    const isGone = client.is(ClientState.CLOSING);
    const mark = execution.run(batch, commands.all[id] as CommandRow, refusal);
    if (execution.isSuspended) return false;
    if (isGone) reply.rewind(mark);
    // CLIENT REPLY may be queued as well: it counts from where it stands, not for all of EXEC.
    muting.takeBack(client);
    muting.keep();
  }
  batch.clear();
  // No command has run that this error could count for, so it counts for EXEC.
  if (wasRefused) exec.failedCalls++;
  return true;
}
