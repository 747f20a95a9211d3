/**
 * redis.call() and redis.pcall(): a command from within a script.
 *
 *      arguments on Lua's stack → request → may it run? → Execution.run() → reply → one value
 *
 * Whether it may run is asked in Redis's order. What is about the whole server (memory, the disk,
 * replicas) is asked for the first write only: a script is not stopped half-way.
 */
import type { AclRequest } from "@kv/acl";
import { CommandError, type CommandRow, errors, FLAG_BITS } from "@kv/commands";
import {
  type ClientCall,
  ClientState,
  EngineState,
  type ExecAccess,
  execAccessPort,
  lookup,
  noReplicas,
  type Ports,
  replicaIsReadOnly,
  tooLarge,
} from "@kv/engine";
import type { LuaStack } from "@kv/lua";
import { type ArgVector, latin1 } from "@kv/resp";
import { isReadOnly } from "./may-begin.ts";
import { COUNTED, ReplyToLua } from "./reply-to-lua.ts";
import { type RunContext, ScriptFlag } from "./run-context.ts";
import { ScriptRequest } from "./script-request.ts";

const noArguments = "ERR Please specify at least one argument for this redis lib call";
const badArguments = "ERR Lua redis lib command arguments must be strings or integers";

const unknown = new CommandError("ERR Unknown Redis command called from script");
const wrongArity = new CommandError("ERR Wrong number of args calling Redis command from script");
const notFromScripts = new CommandError("ERR This Redis command is not allowed from script");
const onStaleReplica = new CommandError("ERR Can not execute the command on a stale replica");
const readsOnly = new CommandError("ERR Write commands are not allowed from read-only scripts.");

const IN_NO_SCRIPT = FLAG_BITS.no_multi | FLAG_BITS.not_queued | FLAG_BITS.runs_queue;

/** Runs commands of scripts. One for each engine. */
export class RedisCall {
  private readonly ports: Ports;
  private readonly context: RunContext;
  private readonly request = new ScriptRequest();
  private readonly toLua: ReplyToLua;
  /** Who may do what; asked for when a command comes, for by then all systems are there. */
  private access: ExecAccess | null = null;
  private readonly refusal = (call: ClientCall) => {
    const refused = this.refusalOf(call);
    if (refused !== null) call.row.rejectedCalls++;
    return refused;
  };

  constructor(ports: Ports, context: RunContext, stack: LuaStack) {
    this.ports = ports;
    this.context = context;
    this.toLua = new ReplyToLua(stack);
  }

  /** A function of the host: pushes what the command answered. `raises`: an error is one of Lua's. */
  run(stack: LuaStack, raises: boolean): number {
    const { request } = this;
    if (stack.top === 0) return pushError(stack, noArguments, raises);
    try {
      return request.take(stack)
        ? this.runTaken(stack, raises)
        : pushError(stack, badArguments, raises);
    } finally {
      // What is pushed may throw: Lua may have no memory for it.
      request.release(stack);
    }
  }

  private runTaken(stack: LuaStack, raises: boolean): number {
    const { ports, context, request } = this;
    const { reply, caller, execution, propagator } = ports;
    const row = lookup(ports.commands, request.batch, 0);
    const refused = refusalByName(row, request);
    if (refused !== null || row === null) {
      const { reply: text } = refused ?? unknown;
      ports.stats.countError(text);
      if (row !== null && !row.isAbsent) row.rejectedCalls++;
      return pushError(stack, text, raises, true);
    }
    propagator.mask = context.targets;
    caller.timeFromHere();
    // What the script is answered is not for the client: no limit of the client's is about it, and it is
    // there even where the client's own reply is lost already.
    const { allows, isOverflowed } = reply;
    reply.allows = null;
    reply.isOverflowed = false;
    let mark: number;
    try {
      mark = execution.run(request.batch, row, this.refusal, context.speaks3);
    } finally {
      reply.allows = allows;
    }
    // What the script does next is not the command's.
    caller.closeWindow();
    if (reply.isOverflowed) return pushError(stack, tooLarge.reply, raises, true);
    const bytes = mark >= reply.partsBytes ? reply.bytes : reply.copySince(mark);
    const start = bytes === reply.bytes ? mark - reply.partsBytes : 0;
    let isError: boolean;
    try {
      isError = this.toLua.push(bytes, start, context.speaks3);
    } finally {
      // Lua may have no memory for it, and the script catch that: its client is not to get this reply.
      reply.rewind(mark);
      reply.isOverflowed = isOverflowed;
    }
    return isError && raises ? stack.raise() : 1;
  }

  /** redis.acl_check_cmd(): whether the client's user may run the command of the arguments. */
  mayRun(stack: LuaStack): number {
    const { ports, request } = this;
    if (stack.top === 0) return pushError(stack, noArguments, true);
    const isTaken = request.take(stack);
    const row = isTaken ? lookup(ports.commands, request.batch, 0) : null;
    const client = ports.situation.current;
    const isAllowed =
      row !== null &&
      (client === null ||
        !client.is(ClientState.RESTRICTED) ||
        client.user.denial(row, wordsOf(request.batch)) === null);
    request.release(stack);
    if (!isTaken) return pushError(stack, badArguments, true);
    if (row === null)
      return pushError(stack, "ERR Invalid command passed to redis.acl_check_cmd()", true);
    stack.pushBoolean(isAllowed);
    return 1;
  }

  /** Why the request that the call points at may not run; null: it may. */
  private refusalOf(call: ClientCall): CommandError | null {
    const { ports, context } = this;
    const { situation } = ports;
    const { bits } = call.row;
    if ((bits & FLAG_BITS.noscript) !== 0 && !this.isTest(call.row)) return notFromScripts;
    if (situation.is(EngineState.STALE) && (bits & FLAG_BITS.stale) === 0 && !ports.call.isReplayed)
      return onStaleReplica;
    this.access ??= ports.of(execAccessPort);
    const denied = this.access.refusalInside(call, "script");
    if (denied !== null) return denied;
    // What replicas hear of counts as written where nothing may be: PFCOUNT and PUBLISH, too.
    if (context.mayNotWrite && (bits & (FLAG_BITS.write | FLAG_BITS.may_replicate)) !== 0)
      return readsOnly;
    const writes = (bits & FLAG_BITS.write) !== 0;
    if (writes) {
      const refused = this.writeRefusal();
      if (refused !== null) return refused;
    }
    if (
      context.wasOutOfMemory &&
      !context.hasWritten &&
      (context.flags & ScriptFlag.ALLOW_OOM) === 0 &&
      (bits & FLAG_BITS.denyoom) !== 0
    )
      return errors.outOfMemory;
    if (writes) context.hasWritten = true;
    return null;
  }

  /**
   * A test has asked for what scripts may not (DEBUG SET-DISABLE-DENY-SCRIPTS). It gets nothing that would
   * take away what runs, or run another script or transaction in its middle.
   */
  private isTest({ bits, command }: CommandRow): boolean {
    if (!this.ports.debug.allowsAllInScripts) return false;
    return (bits & IN_NO_SCRIPT) === 0 && command.group !== "scripting";
  }

  private writeRefusal(): CommandError | null {
    const { context } = this;
    const { situation, refusals } = this.ports;
    if (context.hasWritten || this.ports.call.isReplayed) return null;
    if (isReadOnly(situation)) return replicaIsReadOnly;
    if (situation.is(EngineState.DISK_FAILED)) return new CommandError(refusals.error);
    if (situation.is(EngineState.REPLICA)) return null;
    return situation.is(EngineState.LACKS_REPLICAS) ? noReplicas : null;
  }
}

/** A request as the rules of users look at it. */
function wordsOf(batch: ArgVector): AclRequest {
  const { bytes, starts, ends } = batch;
  const text = (index: number) => latin1(bytes, starts[index] as number, ends[index] as number);
  return {
    argc: batch.argTotal,
    bytes,
    start: (index) => starts[index] as number,
    end: (index) => ends[index] as number,
    length: (index) => (ends[index] as number) - (starts[index] as number),
    is: (index, word) => text(index).toUpperCase() === word,
    text,
  };
}

/** What the name and the number of arguments say already. */
function refusalByName(row: CommandRow | null, { batch }: ScriptRequest): CommandError | null {
  if (row === null || row.isAbsent) return unknown;
  return row.accepts(batch.argCount[0] as number) ? null : wrongArity;
}

/** An error begins with a code: what has but one word gets one. */
export function withCode(text: string): string {
  return text.includes(" ") ? text : `ERR ${text}`;
}

/**
 * Pushes an error as scripts see it: a table with the text under `err`. `isCounted`: INFO has counted
 * it already.
 */
export function pushError(
  stack: LuaStack,
  text: string,
  raises: boolean,
  isCounted = false,
): number {
  stack.pushTable(0, 2);
  stack.pushText(text);
  stack.setField(-2, "err");
  if (isCounted) {
    stack.pushBoolean(true);
    stack.setField(-2, COUNTED);
  }
  return raises ? stack.raise() : 1;
}
