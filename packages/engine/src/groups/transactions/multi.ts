/**
 * MULTI, EXEC, DISCARD: commands are queued and then run one after the other with nothing in
 * between. EXEC answers null when a watched key changed, EXECABORT when a command was refused.
 */
import { CommandError, type CommandRow, FLAG_BITS, Propagation } from "@kv/commands";
import { ClientState } from "../../client.ts";
import type { CommandQueue } from "../../command-queue.ts";
import { type EngineCall, engineCommand } from "../../engine-call.ts";
import { EngineState } from "../../guards.ts";
import { Transaction } from "../../transaction.ts";

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

  run({ client, reply, keyspace }) {
    if (client.inTransaction) throw nested;
    client.transaction ??= new Transaction(keyspace.arena);
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
    engine.discard(client);
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
      engine.discard(client);
      throw aborted;
    }
    if (transaction.disturbed || engine.watchedKeys.anyExpired(client, call)) {
      engine.discard(client);
      reply.nullArray();
      return;
    }
    // Nothing is watched any more: the transaction's own changes must not disturb it.
    engine.endTransaction(client);
    try {
      runQueue(call, transaction.queue);
    } finally {
      transaction.queue.free();
    }
  },
});

function runQueue(call: EngineCall, queue: CommandQueue): void {
  const { client, engine, reply, row: execEntry, args, requestIndex } = call;
  const { queuedBatch: batch } = engine;
  const start = reply.mark();
  reply.array(queue.count);
  takeBackIfMuted(call, start);
  engine.propagator.open();
  try {
    for (let id = queue.next(batch); id !== -1; id = queue.next(batch)) {
      const entry = engine.commands.all[id] as CommandRow;
      engine.caller.before(entry);
      call.database = call.keyspace.databases[client.databaseIndex] as typeof call.database;
      call.begin(batch, 0, entry);
      reply.resp3 = client.protocol === 3;
      if ((engine.unusual & EngineState.LOADING) !== 0 && !isAllowedLoading(entry)) {
        reply.error("LOADING Redis is loading the dataset in memory");
        continue;
      }
      const denied = engine.access.refusalInExec(client, entry, call);
      if (denied !== null) {
        engine.stats.countError(denied.reply);
        reply.error(denied.reply);
        continue;
      }
      const mark = reply.mark();
      // Who was closed by an earlier command of the transaction hears nothing of later ones.
      const isGone = client.is(ClientState.CLOSING);
      engine.caller.run(client, entry);
      if (isGone) reply.rewind(mark);
      takeBackIfMuted(call, mark);
    }
    // Not after a failure that ends the server: half a transaction must reach no file.
    engine.propagator.close();
  } finally {
    engine.caller.before(null);
    batch.clear();
    call.begin(args, requestIndex, execEntry);
    call.propagation = Propagation.PREVENTED;
    client.lastCommand = execEntry;
  }
}

/** CLIENT REPLY may be queued as well: it counts from where it stands, not for all of EXEC. */
function takeBackIfMuted({ engine, client, reply }: EngineCall, mark: number): void {
  if (engine.isMuted(client)) reply.rewind(mark);
  engine.keptBytes = reply.mark();
}

function isAllowedLoading({ bits }: CommandRow): boolean {
  return (bits & FLAG_BITS.loading) !== 0;
}
