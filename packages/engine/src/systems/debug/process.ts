/** DEBUG subcommands about the process and its memory: CLIENT-EVICTION, LEAK, RESTART, STRUCTSIZE. */
import { CommandError } from "@kv/commands";
import { HEADER_BYTES } from "@kv/core";
import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { EngineCall } from "../../module/engine-call.ts";

const evictionOff = new CommandError("ERR maxmemory-clients is disabled.");
const noRestart = new CommandError("ERR failed to restart the server. Check server logs.");

/** Clients are counted by what they cost: up to 2^15 bytes, then by powers of two, from 2^32 on. */
const SMALLEST_BITS = 15;
const LARGEST_BITS = 32;

/** Where clients of this cost are counted. */
function bucketOf(bytes: number): number {
  const bits = Math.floor(Math.log2(Math.max(1, bytes))) + 1;
  return Math.min(Math.max(bits - SMALLEST_BITS, 0), LARGEST_BITS - SMALLEST_BITS + 1);
}

function bucketLine(bucket: number, bytes: number, clients: number): string {
  const bits = SMALLEST_BITS + bucket;
  const from = bucket === 0 ? 0 : 2 ** (bits - 1);
  const range =
    bits > LARGEST_BITS
      ? `${`${from}`.padStart(10)}+            `
      : `${`${from}`.padStart(10)} - ${`${2 ** bits - 1}`.padStart(10)}`;
  return `bucket ${range}: tot-mem: ${`${bytes}`.padStart(10)}, clients: ${clients}\n`;
}

/** Those that `maxmemory-clients` is about. */
function isCounted(client: Client): boolean {
  return !client.noEvict && !client.is(ClientState.REPLICATION | ClientState.MONITOR);
}

/** How many clients cost how much. */
export function clientEviction({ engine, reply }: EngineCall): void {
  const { clients, config, report } = engine;
  const limit = config.number("maxmemory-clients");
  // A share of no limit is none.
  if (limit === 0 || (limit < 0 && config.number("maxmemory") === 0)) throw evictionOff;
  const last = LARGEST_BITS - SMALLEST_BITS + 1;
  const bytes = new Array<number>(last + 1).fill(0);
  const counts = new Array<number>(last + 1).fill(0);
  for (const client of clients.values()) {
    if (!isCounted(client)) continue;
    const cost = report.bytesOf(client);
    const bucket = bucketOf(cost);
    bytes[bucket] = (bytes[bucket] as number) + cost;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  const lines = bytes.map((sum, bucket) => bucketLine(bucket, sum, counts[bucket] as number));
  reply.verbatim("txt", lines.join(""));
}

/** Takes as much memory as the argument has, and forgets it: for who looks for leaks. */
export function leak(call: EngineCall): void {
  const { arena } = call.engine.keyspace;
  arena.alloc(Math.max(1, call.length(2)));
  call.reply.ok();
}

/** The sizes of what a key is made of. */
export function structSize({ reply }: EngineCall): void {
  // An entry goes on with its key, and its value where that is short; a slot has a hash and a ref.
  reply.simple(`bits:64 entry:${HEADER_BYTES} expiry:8 word:8 slot:8`);
}

/** Who has started the process starts it anew: it does not do so itself. */
export function restart(call: EngineCall): void {
  if (call.argc > 2) call.integer(2);
  call.engine.host.log(
    "warning",
    `DEBUG ${call.text(1).toUpperCase()}: the process does not replace itself; a supervisor restarts it after SHUTDOWN`,
  );
  throw noRestart;
}
