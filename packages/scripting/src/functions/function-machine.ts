/**
 * The machine of functions. Its code sees two different sets of globals:
 *
 *      while a library is loaded     redis.register_function, redis.log, the constants; nothing else
 *      while a function runs         what scripts have, without KEYS, ARGV and register_function
 *
 * A function that keeps the `redis` of the first in a variable of its own has no more of it later.
 */
import { CommandError } from "@kv/commands";
import type { Ports } from "@kv/engine";
import {
  type LuaEnvironment,
  type LuaStack,
  LuaSyntaxError,
  Outcome,
  type WasmModule,
  WordsTables,
} from "@kv/lua";
import { type Machine, makeMachine, takeError } from "../machine.ts";
import { asOneLine } from "../one-line.ts";
import { redisConstants, redisFunctions } from "../redis-api.ts";
import { RedisCall } from "../redis-call.ts";
import type { Runner } from "../runner.ts";
import { hasOnlyAloneFunctions } from "./alone-functions.ts";
import type { LibraryFunction } from "./library.ts";
import { Registration } from "./registration.ts";

/** The chunk's name, as errors show it. */
const CHUNK_NAME = "@user_function";
/** A library that takes longer to load is given up. */
const LOAD_MS_MAX = 500;

function pushTimeout(stack: LuaStack): void {
  stack.pushTable(0, 1);
  stack.pushText("ERR FUNCTION LOAD timeout");
  stack.setField(-2, "err");
}

const noFunctions = new CommandError("ERR No functions registered");

/** The machine of functions: see the head of this file. */
export class FunctionMachine {
  readonly machine: Machine;
  /** What functions are called with that keep nothing of it. */
  readonly keys: WordsTables;
  readonly args: WordsTables;
  private readonly ports: Ports;
  private readonly running: LuaEnvironment;
  private readonly loading: LuaEnvironment;
  private readonly registration: Registration;
  /** When the library that is being loaded is to be given up; null: none is. */
  private loadUntilUs: number | null = null;

  constructor(ports: Ports, module: WasmModule, { busy, context }: Runner) {
    this.ports = ports;
    this.machine = makeMachine(ports, {
      module,
      due: () => {
        if (this.loadUntilUs === null) return busy.isDue();
        if (ports.host.monotonicUs() >= this.loadUntilUs) this.machine.vm.kill(pushTimeout);
        return false;
      },
      resuming: busy.resuming,
    });
    const { vm } = this.machine;
    this.keys = new WordsTables(vm.stack);
    this.args = new WordsTables(vm.stack);
    this.running = vm.newEnvironment();
    this.loading = vm.newEnvironment(true);
    this.registration = new Registration((stack, index, isAlone) =>
      vm.keepFunction(stack, index, this.running, isAlone),
    );
    const redisCall = new RedisCall(ports, context, vm.stack);
    const { log, ...rest } = redisFunctions(ports, context, redisCall);
    const { breakpoint, debug, replicate_commands, ...others } = rest;
    this.running.define("redis", vm.library({ log, ...others }, redisConstants));
    const constants = Object.entries(redisConstants).filter(([name]) => !name.startsWith("REPL_"));
    const functions = { register_function: this.registration.register, log };
    vm.stack.pushNil();
    this.loading.setGlobal("_G");
    this.loading.define("redis", vm.library(functions, Object.fromEntries(constants), true));
  }

  /**
   * Loads a library: what it registers. Throws a CommandError, with nothing left of it. `isTrusted`: it
   * may take its time.
   */
  load(source: Uint8Array, isTrusted: boolean): LibraryFunction[] {
    const { vm } = this.machine;
    const chunk = vm.compile(source, CHUNK_NAME, this.running);
    if (chunk instanceof LuaSyntaxError)
      throw new CommandError(`ERR Error compiling function: ${asOneLine(chunk.message)}`);
    this.running.show(this.loading);
    this.loadUntilUs = isTrusted
      ? Number.POSITIVE_INFINITY
      : this.ports.host.monotonicUs() + LOAD_MS_MAX * 1000;
    this.registration.begin(hasOnlyAloneFunctions(source));
    let outcome: Outcome;
    try {
      // As a script without loops it is not suspended; when it takes too long, it is killed.
      outcome = vm.run({ ...chunk, straight: true });
    } finally {
      this.loadUntilUs = null;
    }
    const functions = this.registration.end();
    if (outcome === Outcome.BROKEN)
      throw new CommandError("ERR Error registering functions: ERR out of memory");
    const error = outcome === Outcome.FAILED ? asOneLine(takeError(vm).text) : undefined;
    vm.clear();
    this.running.show();
    vm.release(chunk);
    if (error === undefined && functions.length > 0) return functions;
    this.release(functions);
    if (error === undefined) throw noFunctions;
    throw new CommandError(`ERR Error registering functions: ${error}`);
  }

  /** The functions are no longer needed. */
  release(functions: readonly LibraryFunction[]): void {
    for (const each of functions) {
      if (each.callback !== null && !this.machine.vm.broken) this.machine.vm.release(each.callback);
      each.callback = null;
    }
  }
}
