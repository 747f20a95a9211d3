/** REPLCONF: what a replica, or a tool that wants the data set, says of itself before SYNC. */
import { CommandError, errors, quoted } from "@kv/commands";
import { splitArgs } from "@kv/config";
import { ClientState, type EngineCall, engineCommand } from "@kv/engine";
import { parseInteger } from "@kv/resp";
import { replicationPort } from "./primary.ts";
import type { Replica } from "./replica.ts";

/** A longer one is no address. */
const IP_BYTES_MAX = 255;

const rdbOnlyRange = new CommandError("ERR value is out of range, value must between 0 and 1");
const noFilter = new CommandError("ERR Missing rdb-filter-only values");
const fail = (text: string): never => {
  throw new CommandError(`ERR ${text}`);
};

/** Does with the argument behind an option what that asks for. */
type Option = (replica: Replica, call: EngineCall, value: number) => void;
/** By the name of the option: any other word finds nothing. */
const options = new Map<string, Option>(
  Object.entries({
    "listening-port": (replica, call, value) => {
      replica.listeningPort = call.integer(value) | 0;
    },
    "ip-address": (replica, call, value) => {
      const length = call.length(value);
      if (length > IP_BYTES_MAX)
        fail(`REPLCONF ip-address provided by replica instance is too long: ${length} bytes`);
      replica.announcedIp = call.word(value);
    },
    capa: (replica, call, value) => {
      // Those that are not known are of no use to us, and no error.
      if (call.is(value, "EOF")) replica.canEof = true;
      else if (call.is(value, "PSYNC2")) replica.canPsync2 = true;
    },
    version: (_replica, call, value) => {
      // No version has needed anything else so far.
      const version = call.word(value);
      if (!/^\d+\.\d+\.\d+/.test(version)) fail(`Unrecognized version format: ${version}`);
    },
    "rdb-only": (replica, call, value) => {
      const flag = call.integer(value);
      if (flag < 0 || flag > 1) throw rdbOnlyRange;
      replica.isRdbOnly = flag === 1;
    },
    "rdb-filter-only": (replica, call, value) => {
      const parts = splitArgs(call.word(value));
      if (parts === undefined) throw noFilter;
      replica.wantsKeys = false;
      replica.wantsFunctions = false;
      for (const part of parts) {
        if (part.toLowerCase() !== "functions") fail(`Unsupported rdb-filter-only option: ${part}`);
        replica.wantsFunctions = true;
      }
    },
  } satisfies Record<string, Option>),
);

/** NaN where it is none. */
const offsetAt = (call: EngineCall, index: number): number =>
  parseInteger(call.bytes, call.start(index), call.end(index));

export const replconf = engineCommand({
  name: "replconf",
  group: "server",
  since: "3.0.0",
  summary: "Tells the server what a replica can and wants, before it asks for the data set.",
  complexity: "O(1)",
  arity: -1,
  arityBecause: "Redis takes it alone, too, and says OK.",
  flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
  docFlags: ["syscmd"],
  run(call) {
    if (call.argc % 2 === 0) throw errors.syntax;
    const primary = call.engine.of(replicationPort);
    const replica = primary.replicaOf(call.client);
    for (let index = 1; index < call.argc; index += 2) {
      // Neither is ever answered: the one is a report, the other is for replicas.
      if (call.is(index, "GETACK")) {
        if (call.client.is(ClientState.PRIMARY)) primary.upstream.asked();
        return;
      }
      if (call.is(index, "ACK")) {
        const offset = offsetAt(call, index + 1);
        const hasSynced = call.argc > index + 3 && call.is(index + 2, "FACK");
        const syncedOffset = hasSynced ? offsetAt(call, index + 3) : Number.NaN;
        if (!Number.isNaN(offset)) primary.acknowledged(replica, offset, syncedOffset);
        return;
      }
      const name = call.word(index);
      const option = options.get(name.toLowerCase());
      if (option === undefined) fail(`Unrecognized REPLCONF option: ${quoted(name)}`);
      else option(replica, call, index + 1);
    }
    call.reply.ok();
  },
});
