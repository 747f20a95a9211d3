/**
 * What the flags of a script or function forbid before it begins. Redis asks this where it asks about
 * any command, taking the flags for those of the command: so the texts are those of commands, and the
 * order is that of the guards. A script without a shebang is asked about its commands one by one.
 */
import { CommandError, errors, FLAG_BITS } from "@kv/commands";
import {
  ClientState,
  EngineState,
  masterDown,
  noReplicas,
  type Ports,
  replicaIsReadOnly,
} from "@kv/engine";
import { ScriptFlag } from "./run-context.ts";

const writesInReadOnly = new CommandError(
  "ERR Can not execute a script with write flag using *_ro command.",
);
const noCluster = new CommandError("ERR Can not run script on cluster, 'no-cluster' flag is set.");

const { write, denyoom, stale, may_replicate } = FLAG_BITS;

/**
 * The flags of a command that runs a script with these flags: what the script says of itself stands in
 * place of what any script may do. `bits` are those of the command.
 */
export function bitsOfRun(bits: number, flags: number): number {
  if ((flags & ScriptFlag.COMPATIBLE) !== 0) return bits;
  let own = bits & ~(write | denyoom | stale | may_replicate);
  if ((flags & ScriptFlag.NO_WRITES) === 0) own |= write;
  if ((flags & (ScriptFlag.NO_WRITES | ScriptFlag.ALLOW_OOM)) === 0) own |= denyoom;
  if ((flags & ScriptFlag.ALLOW_STALE) !== 0) own |= stale;
  return own;
}

/** Throws where the state of the server forbids a script with these flags. */
export function mustBeAllowedNow(ports: Ports, flags: number): void {
  const { situation, refusals } = ports;
  // It has run before, here or at the primary: without it the data set would be another one.
  if (ports.call.isReplayed) return;
  const mayWrite = (flags & (ScriptFlag.NO_WRITES | ScriptFlag.COMPATIBLE)) === 0;
  if (mayWrite) {
    if ((flags & ScriptFlag.ALLOW_OOM) === 0 && isOutOfMemory(ports)) throw errors.outOfMemory;
    if (situation.is(EngineState.DISK_FAILED)) throw new CommandError(refusals.error);
    if (situation.is(EngineState.LACKS_REPLICAS) && !situation.is(EngineState.REPLICA))
      throw noReplicas;
    if (isReadOnly(situation)) throw replicaIsReadOnly;
  }
  if ((flags & ScriptFlag.ALLOW_STALE) === 0 && situation.is(EngineState.STALE)) throw masterDown;
}

/** Throws where the command that runs a script, or the kind of server, does not suit its flags. */
export function mustSuit(ports: Ports, flags: number, isReadOnly: boolean): void {
  if ((flags & ScriptFlag.COMPATIBLE) !== 0) return;
  if ((flags & ScriptFlag.NO_CLUSTER) !== 0 && ports.situation.is(EngineState.CLUSTER))
    throw noCluster;
  if (isReadOnly && (flags & ScriptFlag.NO_WRITES) === 0) throw writesInReadOnly;
}

/** Replicas are written to by their primary; old ones have their scripts run here as well. */
export function isReadOnly(situation: Ports["situation"]): boolean {
  return situation.is(EngineState.READ_ONLY) && situation.current?.is(ClientState.PRIMARY) !== true;
}

/** The guard of memory has made what room could be made; what is replayed is not its business. */
export function isOutOfMemory({ situation, memory, call }: Ports): boolean {
  return situation.is(EngineState.MEMORY_LIMITED) && !call.isReplayed && memory.overBytes() > 0;
}
