/**
 * Scripting: the scripts of EVAL, and by way of `functions` those of FCALL. The machine that runs
 * scripts is made when the first one comes, and made anew when a script has broken it.
 *
 *      EVAL → cache → compile → may it run? → Runner → reply
 */
import { CommandError } from "@kv/commands";
import {
  dataSetFilePort,
  type EngineCall,
  isBusy,
  Port,
  type Ports,
  type Running,
  type ScriptMemory,
} from "@kv/engine";
import { type LuaScript, LuaSyntaxError, type WasmModule, type WordsGlobal } from "@kv/lua";
import { Functions } from "./functions/functions.ts";
import { keyCountOf } from "./key-count.ts";
import { answering, type Machine, type MachineOwner, makeMachine } from "./machine.ts";
import { bitsOfRun, mustBeAllowedNow, mustSuit } from "./may-begin.ts";
import { redisConstants, redisFunctions, sha1Text } from "./redis-api.ts";
import { RedisCall } from "./redis-call.ts";
import { Runner } from "./runner.ts";
import { type CachedScript, ScriptCache, SHA_DIGITS } from "./script-cache.ts";
import { readShebang } from "./shebang.ts";

export const scriptingPort = new Port<Scripting>("scripting");

/** The chunk's name, as errors show it. */
const CHUNK_NAME = "@user_script";
const KEPT_MACHINE_BYTES_MAX = 64 * 2 ** 20;

const noScript = new CommandError("NOSCRIPT No matching script. Please use EVAL.");
const noKeyCount = new CommandError("ERR value is not an integer or out of range");

/** The machine of scripts, with the globals that each run has its own of. */
interface ScriptMachine extends Machine {
  readonly keys: WordsGlobal;
  readonly args: WordsGlobal;
}

/** Runs scripts: see the head of this file. */
export class Scripting implements Running, MachineOwner, ScriptMemory {
  readonly cache: ScriptCache;
  /** Libraries of functions. */
  readonly functions: Functions;
  readonly killCommand = "SCRIPT KILL";
  readonly busyError = isBusy;
  readonly keptBytesMax = KEPT_MACHINE_BYTES_MAX;
  private readonly ports: Ports;
  private readonly module: () => WasmModule;
  readonly runner: Runner;
  private machine: ScriptMachine | null = null;

  /** `module` is asked for when the first script comes. */
  constructor(ports: Ports, module: () => WasmModule) {
    this.ports = ports;
    this.module = answering(module);
    this.runner = new Runner(ports);
    this.functions = new Functions(ports, this.module, this.runner);
    this.cache = new ScriptCache((script) => this.forget(script));
    ports.of(dataSetFilePort).functions = this.functions;
    ports.memory.scripts = this;
  }

  /** EVAL and EVAL_RO. */
  evaluate(call: EngineCall, isReadOnly: boolean): void {
    this.runner.announce(call);
    const start = call.start(1);
    const end = call.end(1);
    const keyCount = keyCountOf(call, noKeyCount);
    const script =
      this.cache.findSource(call.bytes, call.view, start, end) ??
      this.take(call.bytes.slice(start, end), false);
    this.run(call, script, keyCount, isReadOnly);
  }

  /** EVALSHA and EVALSHA_RO. */
  evaluateSha(call: EngineCall, isReadOnly: boolean): void {
    this.runner.announce(call);
    // What cannot be the name of a script is none, whatever follows it.
    if (call.length(1) !== SHA_DIGITS) throw noScript;
    const keyCount = keyCountOf(call, noKeyCount);
    const script = this.cache.findWritten(call.bytes, call.view, call.start(1), call.end(1));
    if (script === undefined) throw noScript;
    this.run(call, script, keyCount, isReadOnly);
  }

  /** The flags of an EVAL, as bits: the cache need not have its script yet. */
  flagsOfSource(call: EngineCall): number {
    const start = call.start(1);
    const end = call.end(1);
    const { bits } = call.row;
    const known = this.cache.findSource(call.bytes, call.view, start, end);
    if (known !== undefined) return bitsOfRun(bits, known.shebang.flags);
    try {
      return bitsOfRun(bits, readShebang(call.bytes.subarray(start, end)).flags);
    } catch (error) {
      // Nothing of it will run.
      if (error instanceof CommandError) return bits;
      throw error;
    }
  }

  /** The flags of an EVALSHA, as bits. */
  flagsOfSha(call: EngineCall): number {
    const script = this.cache.findWritten(call.bytes, call.view, call.start(1), call.end(1));
    return script === undefined ? call.row.bits : bitsOfRun(call.row.bits, script.shebang.flags);
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
    const script: CachedScript = {
      sha,
      source,
      shebang,
      compiled: null,
      isKept,
      older: null,
      newer: null,
    };
    this.compile(script);
    this.cache.add(script);
    return script;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.cache.evictedCount = 0;
  }

  /** SCRIPT FLUSH: the machine goes as well, with all that scripts have left in it. */
  flush(isLazy: boolean): void {
    if (isLazy) this.ports.keyspace.lazyFree.leftToRuntime(this.cache.count);
    this.cache.clear();
    this.machine = null;
  }

  /** Bytes that the values of scripts take in the machine. */
  get machineBytes(): number {
    return this.machine === null ? 0 : this.machine.vm.usedBytes;
  }

  get scriptBytes(): number {
    return this.cache.bytes;
  }

  get functionBytes(): number {
    return this.functions.set.bytes;
  }

  /**
   * Memory that is neither the arena's nor a client's: part of what `maxmemory` limits. The machines are
   * not, as in Redis: no key shall go for what a script had in its variables.
   */
  uncountedBytes(): number {
    return this.scriptBytes + this.functionBytes;
  }

  private forget(script: CachedScript): void {
    if (script.compiled !== null) this.machine?.vm.release(script.compiled);
    script.compiled = null;
  }

  /** The machine of scripts. */
  present(): ScriptMachine {
    this.machine ??= this.makeMachine();
    return this.machine;
  }

  /** What was compiled goes with the machine, and is compiled anew when it is asked for. */
  giveUp(): void {
    this.machine = null;
    this.cache.machineLost();
  }

  private makeMachine(): ScriptMachine {
    const { ports, runner } = this;
    const { busy, context } = runner;
    const machine = makeMachine(ports, {
      module: this.module(),
      due: busy.isDue,
      resuming: busy.resuming,
    });
    const { vm } = machine;
    const redisCall = new RedisCall(ports, context, vm.stack);
    const redis = vm.library(redisFunctions(ports, context, redisCall), redisConstants);
    const { environment } = vm;
    environment.define("redis", redis);
    return { ...machine, keys: environment.words("KEYS"), args: environment.words("ARGV") };
  }

  private compile(script: CachedScript): void {
    const compiled = this.present().vm.compile(script.shebang.source, CHUNK_NAME);
    if (compiled instanceof LuaSyntaxError)
      throw new CommandError(`ERR Error compiling script (new function): ${compiled.message}`);
    script.compiled = compiled;
  }

  private run(call: EngineCall, script: CachedScript, keyCount: number, isReadOnly: boolean): void {
    const { flags } = script.shebang;
    mustBeAllowedNow(this.ports, flags);
    mustSuit(this.ports, flags, isReadOnly);
    if (script.compiled === null) this.compile(script);
    this.runner.begin(script.sha, flags, isReadOnly);
    const pushArguments = () => this.setArguments(call, keyCount);
    this.runner.run(call, this, script.compiled as LuaScript, pushArguments);
  }

  /** In place of all other work while a script keeps the server busy. */
  busyTurn(): number {
    return this.runner.busyTurn();
  }

  stop(): void {
    this.runner.stop();
  }

  /** SCRIPT KILL: the error for whoever asked, or null: the script ends as soon as it goes on. */
  kill(): CommandError | null {
    return this.runner.kill(this);
  }

  private setArguments(call: EngineCall, keyCount: number): number {
    const { keys, args } = this.present();
    keys.set(call, 3, keyCount);
    args.set(call, 3 + keyCount, call.argc - 3 - keyCount);
    return 0;
  }
}
