/**
 * Scripting: runs scripts, one at a time. The machine that runs them is made when the first one comes,
 * and made anew when a script has broken it.
 *
 *      EVAL → cache → compile → may it run? → frame of Execution → machine → reply
 *
 * A script is atomic: what it changes leaves together when it is over, no key expires in its middle,
 * and nobody else is served, unless it runs for longer than `busy-reply-threshold` (busy.ts).
 */
import { CommandError, Propagation } from "@kv/commands";
import { type Database, InvariantError } from "@kv/core";
import {
  ClientState,
  type EngineCall,
  EngineState,
  Port,
  type Ports,
  ReplyMode,
  type Running,
  Target,
} from "@kv/engine";
import {
  type LuaScript,
  type LuaStack,
  LuaSyntaxError,
  LuaType,
  LuaVm,
  Outcome,
  type WasmModule,
} from "@kv/lua";
import { Busy } from "./busy.ts";
import { LuaToReply } from "./lua-to-reply.ts";
import { redisConstants, redisFunctions, sha1Text } from "./redis-api.ts";
import { pushError, RedisCall } from "./redis-call.ts";
import { RunContext, ScriptFlag } from "./run-context.ts";
import { type CachedScript, ScriptCache } from "./script-cache.ts";
import { readShebang } from "./shebang.ts";

export const scriptingPort = new Port<Scripting>("scripting");

/** The chunk's name, as errors show it. */
const CHUNK_NAME = "@user_script";
/** Bytes that the values of all scripts may take. */
const MEMORY_BYTES_MAX = 256 * 2 ** 20;
/** A machine never shrinks: one that takes more than this is given up when its script is over. */
const KEPT_MACHINE_BYTES_MAX = 64 * 2 ** 20;
/** Garbage is collected a step at a time, after so many scripts. */
const SCRIPTS_PER_COLLECTION = 50;
const COLLECTED_KILOBYTES = 50;

const notBusy = new CommandError("NOTBUSY No scripts in execution right now.");
const unkillable = new CommandError(
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
);

const noScript = new CommandError("NOSCRIPT No matching script. Please use EVAL.");
const noKeyCount = new CommandError("ERR value is not an integer or out of range");
const tooManyKeys = new CommandError("ERR Number of keys can't be greater than number of args");
const negativeKeys = new CommandError("ERR Number of keys can't be negative");

const writesInReadOnly = new CommandError(
  "ERR Can not execute a script with write flag using *_ro command.",
);
const writesOnReplica = new CommandError(
  "READONLY You can not run a script with write flag on readonly replica.",
);
const noReplicas = new CommandError("NOREPLICAS Not enough good replicas to write.");
const staleReplica = new CommandError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
const outOfMemory = new CommandError(
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
);
const noCluster = new CommandError("ERR Can not run script on cluster, 'no-cluster' flag is set.");

/** The machine, and what is tied to it: all of it goes when the machine breaks. */
interface Machine {
  readonly vm: LuaVm;
  readonly toReply: LuaToReply;
}

/** Runs scripts: see the head of this file. */
export class Scripting implements Running {
  readonly cache: ScriptCache;
  /** What is true of the script that runs. */
  readonly context = new RunContext();
  private readonly ports: Ports;
  private readonly module: () => WasmModule;
  /** When a script has run for too long. */
  readonly busy: Busy;
  private machine: Machine | null = null;
  /** Database of the client whose script is suspended. */
  private databaseIndex = 0;
  private sinceCollection = 0;

  /** `module` is asked for once, when the first script comes. */
  constructor(ports: Ports, module: () => WasmModule) {
    this.ports = ports;
    this.module = module;
    this.busy = new Busy(ports);
    this.cache = new ScriptCache((script) => this.forget(script));
  }

  /** EVAL and EVAL_RO. */
  evaluate(call: EngineCall, isReadOnly: boolean): void {
    const keyCount = keyCountOf(call);
    const start = call.start(1);
    const end = call.end(1);
    const script =
      this.cache.findSource(call.bytes, call.view, start, end) ??
      this.take(call.bytes.slice(start, end), false);
    this.run(call, script, keyCount, isReadOnly);
  }

  /** EVALSHA and EVALSHA_RO. */
  evaluateSha(call: EngineCall, isReadOnly: boolean): void {
    const keyCount = keyCountOf(call);
    const script = this.cache.findWritten(call.bytes, call.start(1), call.end(1));
    if (script === undefined) throw noScript;
    this.run(call, script, keyCount, isReadOnly);
  }

  /** Puts a source into the cache; throws the error of one that cannot be compiled. */
  take(source: Uint8Array, isKept: boolean): CachedScript {
    const sha = sha1Text(source, 0, source.length);
    const known = this.cache.find(sha);
    if (known !== undefined) {
      if (isKept) this.cache.keep(known);
      return known;
    }
    const shebang = readShebang(source);
    const script: CachedScript = { sha, source, shebang, compiled: null, isKept, lastUse: 0 };
    this.compile(script);
    this.cache.add(script);
    return script;
  }

  /** SCRIPT FLUSH: the machine goes as well, with all that scripts have left in it. */
  flush(): void {
    this.cache.clear();
    this.machine = null;
  }

  /** Bytes that the values of scripts take in the machine. */
  get machineBytes(): number {
    return this.machine === null ? 0 : this.machine.vm.usedBytes;
  }

  /** Memory that is neither the arena's nor a client's: part of what `maxmemory` limits. */
  uncountedBytes(): number {
    return this.cache.bytes + (this.machine === null ? 0 : this.machine.vm.memoryBytes);
  }

  private forget(script: CachedScript): void {
    if (script.compiled !== null) this.machine?.vm.release(script.compiled);
    script.compiled = null;
  }

  private present(): Machine {
    this.machine ??= this.makeMachine();
    return this.machine;
  }

  private makeMachine(): Machine {
    const { ports, context } = this;
    const vm = new LuaVm({
      module: this.module(),
      memoryBytesMax: MEMORY_BYTES_MAX,
      clockMs: () => ports.host.monotonicUs() / 1000,
      due: this.busy.isDue,
      resuming: this.busy.resuming,
    });
    const redisCall = new RedisCall(ports, context, vm.stack);
    const redis = vm.library(redisFunctions(ports, context, redisCall), redisConstants);
    vm.environment.define("redis", redis);
    const toReply = new LuaToReply(vm.stack, ports.reply, (text) => ports.stats.countError(text));
    return { vm, toReply };
  }

  private compile(script: CachedScript): void {
    const compiled = this.present().vm.compile(script.shebang.source, CHUNK_NAME);
    if (compiled instanceof LuaSyntaxError)
      throw new CommandError(`ERR Error compiling script (new function): ${compiled.message}`);
    script.compiled = compiled;
  }

  private run(call: EngineCall, script: CachedScript, keyCount: number, isReadOnly: boolean): void {
    const { ports, context } = this;
    this.mayBegin(script.shebang.flags, isReadOnly);
    const { vm } = this.present();
    if (script.compiled === null) this.compile(script);
    context.begin(script.sha, script.shebang.flags, isReadOnly, ports.host.monotonicUs());
    context.wasOutOfMemory = this.isOutOfMemory();
    this.databaseIndex = call.client.databaseIndex;
    // The words of the request are Lua's by the time that anything else is executed.
    const pushArguments = (stack: LuaStack) => this.pushArguments(stack, call, keyCount);
    ports.execution.open();
    this.busy.begins();
    let outcome: Outcome;
    try {
      outcome = vm.run(script.compiled as LuaScript, pushArguments);
    } catch (error) {
      throw faultOf(error);
    }
    call.propagation = Propagation.PREVENTED;
    if (outcome === Outcome.SUSPENDED) this.becomeBusy(call);
    else {
      this.end(call);
      this.answer(outcome);
    }
  }

  /** The script is over, whatever came of it. */
  private end(call: EngineCall): void {
    const { execution, keyspace, propagator, reply } = this.ports;
    const { databaseIndex } = this;
    this.context.isRunning = false;
    propagator.mask = Target.BOTH;
    execution.close();
    const { client } = call;
    client.databaseIndex = databaseIndex;
    call.database = keyspace.databases[databaseIndex] as Database;
    reply.resp3 = client.protocol === 3;
    call.propagation = Propagation.PREVENTED;
  }

  /** The script goes on by and by; its client waits, and what it has sent behind it. */
  private becomeBusy(call: EngineCall): void {
    const { host, config } = this.ports;
    this.busy.suspended();
    // The command is left as it was before it ran anything.
    call.propagation = Propagation.PREVENTED;
    call.client.mark(ClientState.WAITING, true);
    host.log(
      "warning",
      `Slow script detected: still in execution after ${config.number("busy-reply-threshold")} milliseconds. You can try killing the script using the SCRIPT KILL command. Script name is: ${this.context.name}.`,
    );
  }

  /** In place of all other work while a script keeps the server busy. */
  busyTurn(): number {
    const { busy } = this;
    if (busy.mayResume) {
      busy.resumes();
      void (this.machine as Machine).vm.resume().then(
        (outcome) => this.paused(outcome),
        (error) => {
          // Nobody catches this: a fault ends the server.
          throw faultOf(error);
        },
      );
    }
    return busy.due;
  }

  private paused(outcome: Outcome): void {
    const { situation, reply, output, stats, host } = this.ports;
    if (outcome === Outcome.SUSPENDED) {
      this.busy.suspended();
      situation.current = null;
      return;
    }
    const { client, row } = this.busy.ended();
    this.end(this.ports.call as EngineCall);
    try {
      this.answer(outcome);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply.reset();
      reply.error(error.reply);
      stats.countError(error.reply);
      if (row !== undefined) row.failedCalls++;
    }
    if (client.replyMode === ReplyMode.ON) output.sendReply(client);
    else reply.reset();
    if (output.hasOwnPushes) output.flushOwn(client);
    output.sendReply(client);
    situation.current = null;
    host.wake();
    this.ports.resume(client);
  }

  /** SCRIPT KILL: the error for whoever asked, or null: the script ends as soon as it goes on. */
  kill(): CommandError | null {
    const { context, ports } = this;
    if (!context.isRunning) return notBusy;
    if (context.hasWritten) return unkillable;
    (this.machine as Machine).vm.kill((stack) => {
      ports.host.log("notice", "Lua script killed by user with SCRIPT KILL.");
      pushError(stack, "ERR Script killed by user with SCRIPT KILL.", false);
    });
    return null;
  }

  /** Writes what the script returned, or throws its error. */
  private answer(outcome: Outcome): void {
    const { vm, toReply } = this.machine as Machine;
    if (outcome === Outcome.BROKEN) {
      this.machine = null;
      this.cache.machineLost();
      throw new CommandError(
        `ERR The script used up the memory or the stack of its machine script: ${this.context.name}`,
      );
    }
    if (outcome === Outcome.FAILED) this.fail(vm);
    if (vm.stack.top === 0) this.ports.reply.null();
    else {
      vm.stack.setTop(1);
      toReply.write(this.context.speaks3);
    }
    vm.clear();
    this.collect(vm);
  }

  /** Garbage goes by and by; a machine that has grown large for one script is given up. */
  private collect(vm: LuaVm): void {
    if (vm.memoryBytes > KEPT_MACHINE_BYTES_MAX) {
      this.machine = null;
      this.cache.machineLost();
      return;
    }
    if (++this.sinceCollection >= SCRIPTS_PER_COLLECTION) {
      this.sinceCollection = 0;
      vm.collect(COLLECTED_KILOBYTES);
    }
  }

  private fail(vm: LuaVm): never {
    const { stack, errorSource, errorLine } = vm;
    let text = "ERR unknown error";
    if (stack.type(1) === LuaType.TABLE) {
      if (stack.getField(1, "err") === LuaType.STRING) text = stack.latin1(-1) as string;
    } else {
      text = `ERR ${stack.latin1(1) ?? luaTypeText(stack)}`;
    }
    vm.clear();
    this.collect(vm);
    if (errorSource !== undefined)
      text += ` script: ${this.context.name}, on ${errorSource}:${errorLine}.`;
    throw new CommandError(text.replace(/^[\r\n]+|[\r\n]+$/g, "").replace(/[\r\n]/g, " "));
  }

  private pushArguments(stack: LuaStack, call: EngineCall, keyCount: number): number {
    const { environment } = (this.machine as Machine).vm;
    pushWords(stack, call, 3, keyCount);
    environment.setGlobal("KEYS");
    pushWords(stack, call, 3 + keyCount, call.argc - 3 - keyCount);
    environment.setGlobal("ARGV");
    return 0;
  }

  /** What the flags of a script's shebang forbid; without one, its commands are asked one by one. */
  private mayBegin(flags: number, isReadOnly: boolean): void {
    if ((flags & ScriptFlag.COMPATIBLE) !== 0) return;
    const { situation, refusals } = this.ports;
    if ((flags & ScriptFlag.NO_CLUSTER) !== 0 && situation.is(EngineState.CLUSTER)) throw noCluster;
    if ((flags & ScriptFlag.ALLOW_STALE) === 0 && situation.is(EngineState.STALE))
      throw staleReplica;
    if ((flags & ScriptFlag.NO_WRITES) === 0) {
      if (isReadOnly) throw writesInReadOnly;
      if (situation.is(EngineState.READ_ONLY)) throw writesOnReplica;
      if (situation.is(EngineState.DISK_FAILED) && !situation.is(EngineState.REPLICA))
        throw new CommandError(refusals.error);
      if (situation.is(EngineState.LACKS_REPLICAS)) throw noReplicas;
    }
    if ((flags & (ScriptFlag.NO_WRITES | ScriptFlag.ALLOW_OOM)) === 0 && this.isOutOfMemory())
      throw outOfMemory;
  }

  /** The guard of memory has made what room could be made. */
  private isOutOfMemory(): boolean {
    const { situation, memory } = this.ports;
    return situation.is(EngineState.MEMORY_LIMITED) && memory.overBytes() > 0;
  }
}

/** What stopped in the middle of a command: nobody knows what state the data is in. */
function faultOf(error: unknown): InvariantError {
  return error instanceof InvariantError
    ? error
    : new InvariantError(String(error), { cause: error });
}

function keyCountOf(call: EngineCall): number {
  const keyCount = call.integer(2, noKeyCount);
  if (keyCount > call.argc - 3) throw tooManyKeys;
  if (keyCount < 0) throw negativeKeys;
  return keyCount;
}

function pushWords(stack: LuaStack, call: EngineCall, first: number, count: number): void {
  stack.pushTable(count, 0);
  for (let i = 0; i < count; i++) {
    stack.pushBytes(call.bytes, call.start(first + i), call.end(first + i));
    stack.setElement(-2, i + 1);
  }
}

/** What Lua's tostring() would have said of a value that is no string. */
function luaTypeText(stack: LuaStack): string {
  if (stack.type(1) === LuaType.NIL) return "nil";
  if (stack.type(1) === LuaType.BOOLEAN) return stack.boolean(1) ? "true" : "false";
  return "(error object)";
}
