/**
 * LuaVm: PUC Lua 5.1 as scripts of Redis see it.
 *
 *   const vm = new LuaVm({ module });
 *   const script = vm.compile(source, "@user_script");
 *   if (script instanceof LuaScript && vm.run(script) === Outcome.DONE) vm.stack.number(1);
 *
 * Promises:
 *   - A run is over when `run` returns, unless `due` said that it is to be suspended. Nothing is
 *     awaited for a run that was not.
 *   - What a run leaves is on `stack` from index 1 until the next call: its results, or the one value
 *     that it failed with.
 *   - Nothing that a script did is seen by the next one, what the host handed to both aside.
 *   - Values take `memoryBytesMax` at most. Beyond that, the script gets Lua's "not enough memory".
 *   - A machine whose own stack ran out, or that a kill had to be carried through against, is `broken`:
 *     it says so, and its owner makes another. Nothing else of it may be used.
 *   - What a function of the host throws is thrown by `run` (or by `resume`), and the machine is broken:
 *     errors for the script are values (`stack.fail`, `stack.raise`).
 */

import { CollectorSettings, pushBase } from "./base.ts";
import { checkLayout } from "./check-layout.ts";
import { Core, FIRST_HOOK_INSTRUCTIONS, Whose } from "./core.ts";
import { LuaEnvironment, missingGlobal } from "./environment.ts";
import { Due, RUNNING } from "./glue.ts";
import { isBytes } from "./is-bytes.ts";
import { addLibraries } from "./libraries/all.ts";
import type { Json } from "./libraries/json.ts";
import { Chance } from "./libraries/math.ts";
import { preparedMachine } from "./prepared-machine.ts";
import { ReadOnlyTables } from "./read-only.ts";
import { LuaScript, LuaSyntaxError } from "./script.ts";
import type { HostFunction, LuaStack } from "./stack.ts";
import { hasNoVariables, isStraight } from "./straight.ts";
import { canSuspend, type WasmModule, wasm } from "./webassembly.ts";

/** How a run stands. */
export const Outcome = {
  /** It is over; its results are on the stack. */
  DONE: 0,
  /** It is over; the value of an error is on the stack. */
  FAILED: 1,
  /** It goes on when `resume` is called. */
  SUSPENDED: 2,
  /** The machine is lost, and the run with it. */
  BROKEN: 3,
} as const;
/** One of them. */
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** What a machine is made with. */
export interface LuaVmOptions {
  /**
   * `luaModule()` of `@kv/lua/node`, or the bytes of `wasmoon-lua5.1/dist/liblua5.1.wasm`. In a module that
   * was compiled from these elsewhere, a pattern that takes long cannot be interrupted.
   */
  module: WasmModule | Uint8Array;
  /** Bytes that all values of all scripts together may take. */
  memoryBytesMax?: number;
  /** Milliseconds, for `os.clock`, to bound a kill, and to ask `due` no more often than is of use. */
  clockMs?: () => number;
  /** Asked about every half millisecond, by `clockMs`: is the run to be interrupted? */
  due?: () => boolean;
  /** Called before a suspended run goes on, with nothing of the host's in between. */
  resuming?: () => void;
  /** False: no run is ever suspended, as in a runtime that cannot. */
  maySuspend?: boolean;
  /**
   * Where a run that is to be interrupted cannot be suspended (`canSuspend` is false): pushes the value
   * of the error that it ends with. Without it, such a run goes on.
   */
  overdue?: (stack: LuaStack) => void;
}

/** Why something cannot be run. */
function noScript(given: unknown): string {
  const reason = given instanceof LuaSyntaxError ? `: ${given.message}` : "";
  return `only what compile() has made a LuaScript of can be run${reason}`;
}

const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024;
/** Bytes of a record of `lua_getinfo`, with some to spare. */
const RECORD_BYTES = 128;
/** How often the error of a kill is raised, and how long, before the machine is given up. */
const KILL_RAISES = 1_000;
const KILL_MS = 250;
/** How long a run goes on from one question of the hook to the next, and how many instructions at most. */
const LOOK_MS = 0.5;
const HOOK_INSTRUCTIONS_MAX = 100_000;
/** What `lua_gc` is told to collect all garbage, and to collect some. */
const COLLECT = 2;
const COLLECT_STEP = 5;
/** What Lua answers where there is no memory to compile. */
const MEMORY_ERROR = 4;
/** A limit that is always passed; 0 would be none. */
const NO_MEMORY = 1;
/** A compiled chunk begins with it. */
const ESCAPE = 0x1b;
const SPACE = 0x20;

/** A machine: see the head of this file for what it promises. */
export class LuaVm {
  /** Whether a run can be suspended, in this runtime. */
  readonly canSuspend: boolean;
  /** Arguments on their way in, results on their way out. */
  readonly stack: LuaStack;
  /** The globals of scripts that name no other. */
  readonly environment: LuaEnvironment;
  /** Nothing works any more: make another one. */
  broken = false;
  /** Where the error of the last failed run was raised: the name of the chunk, and the line in it. */
  errorSource: string | undefined;
  /** 0: no line is known, as when memory ran out. */
  errorLine = 0;

  private readonly core: Core;
  private readonly options: LuaVmOptions;
  private readonly memoryBytesMax: number;
  private readonly tables: ReadOnlyTables;
  private readonly collector: CollectorSettings;
  private readonly chance = new Chance();
  /** What was alive when garbage was collected last, between runs and within this one. */
  private restingBytes = 0;
  private livingBytes = 0;
  /** What values took when some garbage had been collected last. */
  private collectedBytes = 0;
  private readonly json: Json;
  private readonly base: number;
  private readonly missing: number;
  private readonly handler: number;
  private readonly record: number;
  private readonly infoNames: number;
  private entered: LuaEnvironment | undefined;

  /** The run that is going on: may it be suspended, and how does it go on. */
  private suspendable = false;
  private running = false;
  private suspended = false;
  private resumed = false;
  private wake: (() => void) | undefined;
  private paused: ((outcome: Outcome) => void) | undefined;
  private pausedBroken: ((error: unknown) => void) | undefined;
  /** Nobody waits for the end of the run. */
  private abandoned = false;
  /** Pushes the error that a kill ends the run with; undefined: nobody has asked for its end. */
  private pushKillError: ((stack: LuaStack) => void) | undefined;
  private raises = 0;
  private killedAtMs = 0;
  /** From one question of the hook to the next, and when it last asked; -1: in another life. */
  private hookInstructions = FIRST_HOOK_INSTRUCTIONS;
  private lookedAtMs = -1;
  private askedWithinMs = 0;

  constructor(options: LuaVmOptions) {
    this.options = options;
    this.canSuspend = canSuspend && options.maySuspend !== false;
    const { module } = options;
    this.memoryBytesMax = options.memoryBytesMax ?? DEFAULT_MEMORY_BYTES;
    this.core = new Core({
      module: isBytes(module) ? new wasm.Module(preparedMachine(module)) : module,
      memoryBytesMax: this.memoryBytesMax,
      due: (L) => this.due(L),
      dueWithin: (L) => this.dueWithin(L),
      suspend: () => this.suspend(),
    });
    const { core } = this;
    this.stack = core.stack;
    this.record = core.api.malloc(RECORD_BYTES);
    this.infoNames = core.api.malloc(4);
    this.stack.bytes.set([0x53, 0x6c, 0], this.infoNames);
    this.tables = new ReadOnlyTables(core);
    this.collector = new CollectorSettings(core);
    this.missing = core.addFunctions([missingGlobal, (stack) => this.noteError(stack)]);
    core.pushFunction(this.missing + 1);
    this.handler = this.stack.keep();
    checkLayout(this.stack);
    pushBase(core, this.tables, this.collector);
    this.json = addLibraries(core, this.tables, this.chance, () => this.nowMs());
    this.base = this.stack.keep();
    this.environment = this.newEnvironment();
  }

  /** Bytes that values take, those included that are dead and not collected yet. */
  get usedBytes(): number {
    return this.core.usedBytes;
  }

  /** Bytes of the machine's memory, which grows and never shrinks. */
  get memoryBytes(): number {
    return this.stack.bytes.length;
  }

  /**
   * Globals of their own for other code: the libraries, and what is defined there. `isEmpty`: not even
   * the libraries.
   */
  newEnvironment(isEmpty = false): LuaEnvironment {
    if (isEmpty) this.stack.pushTable();
    else this.stack.pushKept(this.base);
    return new LuaEnvironment(this.core, this.tables, this.missing);
  }

  /**
   * A read-only table of functions of the host and of constants, kept; `environment.define` gives it a
   * name. The functions may not call Lua. `isStrict`: a name that it lacks is an error, not nil.
   */
  library(
    functions: Record<string, HostFunction>,
    values: Record<string, string | number> = {},
    isStrict = false,
  ): number {
    const { core, stack } = this;
    stack.pushTable();
    core.setFunctions(functions, values, Whose.HOST);
    if (isStrict) {
      stack.pushTable(0, 1);
      core.pushFunction(this.missing);
      stack.setField(-2, "__index");
      core.api.lua_setmetatable(stack.L, -2);
    }
    this.tables.protect();
    return stack.keep();
  }

  /**
   * Compiles text; `chunkName` as Lua takes it: `@user_script` is shown as `user_script`. Throws a
   * TypeError where the source is no bytes, or the environment another machine's.
   */
  compile(
    source: Uint8Array,
    chunkName: string,
    environment: LuaEnvironment = this.environment,
  ): LuaScript | LuaSyntaxError {
    if (!isBytes(source)) throw new TypeError("a source must be a Uint8Array");
    this.mustBeIdle();
    this.mustBeOurs(environment);
    const { core, stack } = this;
    this.clear();
    this.makeRoom();
    core.setLimit(this.memoryBytesMax);
    const status = this.load(source, chunkName);
    core.setLimit(0);
    if (status !== 0) {
      const message = stack.latin1(-1)!;
      this.clear();
      return new LuaSyntaxError(message);
    }
    environment.attach();
    const straight = isStraight(stack, -1);
    return new LuaScript(stack.keep(), environment, straight);
  }

  /**
   * Keeps the function at `index` of a stack, to be run later with the globals that it has. `isAlone`: no
   * variable that it shares with others will ever hold a function of Lua.
   */
  keepFunction(
    stack: LuaStack,
    index: number,
    environment: LuaEnvironment,
    isAlone = false,
  ): LuaScript {
    const straight = isStraight(stack, index, isAlone);
    const forgets = hasNoVariables(stack, index);
    stack.pushValue(index);
    return new LuaScript(stack.keep(), environment, straight, forgets);
  }

  /** Forgets a script, which must not be run again. */
  release(script: LuaScript): void {
    this.mustBeOurs(script.environment);
    this.stack.release(script.ref);
  }

  /**
   * Runs a script. `pushArguments` pushes what it is called with, and may set globals of its environment
   * first, but run nothing; it answers how many values it pushed. Throws a TypeError where `compile` of this
   * machine gave no script.
   */
  run(script: LuaScript, pushArguments?: (stack: LuaStack) => number): Outcome {
    if (script?.environment === undefined) throw new TypeError(noScript(script));
    this.mustBeIdle();
    const { core, stack } = this;
    this.clear();
    this.makeRoom();
    this.livingBytes = 0;
    if (script.environment !== this.entered) {
      this.mustBeOurs(script.environment);
      script.environment.enter();
      this.entered = script.environment;
    }
    this.errorSource = undefined;
    this.errorLine = 0;
    // While arguments are pushed, too: another run would begin on the same stack.
    this.running = true;
    stack.glue.enter(core.L, this.handler, script.ref);
    const count = pushArguments === undefined ? 0 : this.take(pushArguments);
    if (count < 0) return Outcome.FAILED;
    this.suspendable = this.canSuspend && !script.straight;
    core.setLimit(this.memoryBytesMax);
    const { status, promise } = core.call(count, this.suspendable);
    if (status !== RUNNING) return this.end(status);
    if (!this.suspended) {
      promise?.catch(() => {});
      return this.breakDown();
    }
    promise!.then(
      () => this.ended(),
      () => this.ended(),
    );
    return Outcome.SUSPENDED;
  }

  /** Goes on with a suspended run, until it is suspended again or over. */
  resume(): Promise<Outcome> {
    if (!this.suspended) throw new Error("no run is suspended");
    this.suspended = false;
    this.resumed = true;
    return new Promise((resolve, reject) => {
      this.paused = resolve;
      this.pausedBroken = reject;
      this.wake!();
    });
  }

  /**
   * The run is to end with the value that `push` pushes. It ends when it is resumed, whatever
   * it does against that.
   */
  kill(push: (stack: LuaStack) => void): void {
    if (!this.running) throw new Error("no script is running");
    this.pushKillError = push;
    this.raises = 0;
    this.killedAtMs = this.nowMs();
  }

  /**
   * Ends a suspended run at once, and the machine with it; nobody hears of it, nor does the promise of a
   * `resume` that is under way. What is suspended holds its memory, and all that `due` and functions of the
   * host refer to, for as long as the process lives: whoever wants no more of it has to say so.
   */
  abandon(): void {
    if (!this.running) return;
    this.broken = true;
    this.abandoned = true;
    this.suspended = false;
    this.paused = undefined;
    this.pausedBroken = undefined;
    this.wake?.();
  }

  /** Starts the numbers of `math.random` anew, from 32 bits. */
  seedRandom(seed: number): void {
    this.chance.seed(seed);
  }

  /**
   * Garbage counts as memory until it is collected, and Lua itself would wait until there is as much of
   * it as of what lives, limit or not. So it is collected when there is a lot of it: before a run, and
   * from the hook. `living` is what was left the last time; returns what is now.
   */
  private collectBeyond(bytes: number, living: number): number {
    const { core } = this;
    const used = core.usedBytes;
    if (used < bytes || used < living * 1.25) return living;
    core.api.lua_gc(core.L, COLLECT, 0);
    return core.usedBytes;
  }

  /**
   * Lets the host push arguments, which nothing protects. Where there is no memory for them, the machine
   * has cleared its stack before it left; the run fails as one does that runs out of memory itself.
   */
  private take(pushArguments: (stack: LuaStack) => number): number {
    const { core, stack } = this;
    try {
      return pushArguments(stack);
    } catch (error) {
      this.running = false;
      if (!core.isPanic(error)) throw error;
      this.clear();
      core.api.lua_gc(core.L, COLLECT, 0);
      stack.pushText("not enough memory");
      return -1;
    }
  }

  private makeRoom(): void {
    this.restingBytes = this.collectBeyond(this.memoryBytesMax / 4, this.restingBytes);
  }

  /**
   * Collects all garbage; or about `growth` bytes of it, once values take so many more than after the last
   * time: what has to be looked at is all that lives, so runs that leave little behind pay seldom.
   */
  collect(growth?: number): void {
    this.mustBeIdle();
    const { core } = this;
    if (growth === undefined) core.api.lua_gc(core.L, COLLECT, 0);
    else if (core.usedBytes - this.collectedBytes < growth) return;
    else core.api.lua_gc(core.L, COLLECT_STEP, growth >> 10);
    this.collectedBytes = core.usedBytes;
  }

  /** Forgets what the last run left on the stack. */
  clear(): void {
    this.stack.L = this.core.L;
    if (this.stack.top > 0) this.stack.setTop(0);
  }

  private nowMs(): number {
    return this.options.clockMs === undefined ? 0 : this.options.clockMs();
  }

  private mustBeIdle(): void {
    if (this.broken) throw new Error("this machine is broken");
    if (this.running) throw new Error("a script is running");
  }

  /** What is kept in another machine has a number there, by which something else is kept here. */
  private mustBeOurs(environment: LuaEnvironment): void {
    if (!environment.isOf(this.stack)) throw new TypeError("it belongs to another machine");
  }

  /** Puts source where Lua can read it, and compiles it onto the stack. */
  private load(source: Uint8Array, chunkName: string): number {
    const { api } = this.core;
    const { stack } = this;
    // Compiled code is read as text, and Lua says what is wrong with that.
    const isCode = source.length > 0 && source[0] === ESCAPE;
    const length = source.length + (isCode ? 1 : 0);
    const at = api.malloc(Math.max(length, 1));
    if (at === 0) {
      stack.pushText("not enough memory");
      return MEMORY_ERROR;
    }
    stack.bytes[at] = SPACE;
    stack.bytes.set(source, at + (isCode ? 1 : 0));
    const status = api.luaL_loadbuffer(this.core.L, at, length, stack.zeroEnded(chunkName));
    api.free(at);
    return status;
  }

  /** Called where an error is raised that nothing catches: notes the place, leaves the value. */
  private noteError(stack: LuaStack): number {
    if (this.raises === 0) this.notePlace(stack, 1);
    return 1;
  }

  private notePlace(stack: LuaStack, from: number): void {
    const { api } = stack;
    const { record, infoNames } = this;
    const [whatAt, sourceAt, lineAt] = [12, 16, 20];
    for (let level = from; level <= from + 1; level++) {
      if (api.lua_getstack(stack.L, level, record) === 0) break;
      api.lua_getinfo(stack.L, infoNames, record);
      const what = stack.bytes[stack.view.getUint32(record + whatAt, true)];
      // The function that raised may be one of C's: then who called it is of interest.
      if (what === 0x43 && level === from) continue;
      const source = stack.view.getUint32(record + sourceAt, true);
      this.errorSource = stack.text(source, stack.bytes.indexOf(0, source) - source);
      this.errorLine = stack.view.getInt32(record + lineAt, true);
      break;
    }
  }

  private due(L: number): number {
    if (this.pushKillError === undefined) {
      this.livingBytes = this.collectBeyond(this.memoryBytesMax / 2, this.livingBytes);
      this.pace(L);
    }
    return this.ask(L);
  }

  /** Asked by functions that run long, and more often than is of use. */
  private dueWithin(L: number): number {
    if (this.pushKillError === undefined && !this.resumed && !this.abandoned) {
      const nowMs = this.nowMs();
      if (nowMs - this.askedWithinMs < LOOK_MS) return Due.GO_ON;
      this.askedWithinMs = nowMs;
    }
    return this.ask(L);
  }

  private ask(L: number): number {
    if (this.abandoned) return Due.ABORT;
    if (this.pushKillError !== undefined) return this.dueKill(L);
    if (this.resumed) {
      // The hook asks once more when it comes back: whether there is a kill.
      this.resumed = false;
      this.lookedAtMs = -1;
      return Due.GO_ON;
    }
    if (this.options.due === undefined || !this.options.due()) return Due.GO_ON;
    if (this.suspendable) return Due.SUSPEND;
    // A script that was not made ready because it is short will be over soon.
    if (this.canSuspend || this.options.overdue === undefined) return Due.GO_ON;
    this.pushKillError = this.options.overdue;
    this.raises = 0;
    this.killedAtMs = this.nowMs();
    return this.dueKill(L);
  }

  /**
   * Instructions differ: one may call for the reversal of ten megabytes. So the hook asks more often where
   * they take long, and less often where they do not.
   */
  private pace(L: number): void {
    const nowMs = this.nowMs();
    const tookMs = nowMs - this.lookedAtMs;
    const isFirst = this.lookedAtMs < 0;
    this.lookedAtMs = nowMs;
    if (isFirst || (tookMs > LOOK_MS / 2 && tookMs < LOOK_MS * 2)) return;
    const wanted = (this.hookInstructions * LOOK_MS) / Math.max(tookMs, LOOK_MS / 2);
    const instructions = Math.max(1, Math.min(Math.floor(wanted), HOOK_INSTRUCTIONS_MAX));
    if (instructions === this.hookInstructions) return;
    this.hookInstructions = instructions;
    this.core.setHook(L, instructions);
  }

  private dueKill(L: number): number {
    if (++this.raises > KILL_RAISES || this.nowMs() - this.killedAtMs > KILL_MS) return Due.ABORT;
    this.stack.L = L;
    if (this.raises === 1) this.notePlace(this.stack, 0);
    this.core.setLimit(NO_MEMORY);
    return Due.RAISE;
  }

  private suspend(): Promise<void> {
    this.suspended = true;
    const { paused } = this;
    this.paused = undefined;
    paused?.(Outcome.SUSPENDED);
    return new Promise<void>((resolve) => {
      this.wake = resolve;
    }).then(() => {
      if (!this.abandoned) this.options.resuming?.();
    });
  }

  /** A run that had been suspended is over. */
  private ended(): void {
    const { paused, pausedBroken, core } = this;
    this.paused = undefined;
    this.pausedBroken = undefined;
    try {
      const { status } = core;
      paused?.(status === RUNNING ? this.breakDown() : this.end(status));
    } catch (error) {
      pausedBroken?.(error);
    }
  }

  private end(status: number): Outcome {
    const { core, stack } = this;
    this.running = false;
    core.setLimit(0);
    stack.L = core.L;
    this.json.reset();
    if (this.collector.changed) this.collector.reset();
    this.lookedAtMs = -1;
    if (this.hookInstructions !== FIRST_HOOK_INSTRUCTIONS) {
      this.hookInstructions = FIRST_HOOK_INSTRUCTIONS;
      core.resetHook();
    }
    if (this.pushKillError !== undefined && this.raises > 0) {
      stack.setTop(0);
      this.pushKillError(stack);
      this.pushKillError = undefined;
      this.raises = 0;
      core.resetHook();
      return Outcome.FAILED;
    }
    this.pushKillError = undefined;
    this.resumed = false;
    return status === 0 ? Outcome.DONE : Outcome.FAILED;
  }

  private breakDown(): Outcome {
    this.running = false;
    this.broken = true;
    if (this.core.hostFailed) throw this.core.hostError;
    return Outcome.BROKEN;
  }
}
