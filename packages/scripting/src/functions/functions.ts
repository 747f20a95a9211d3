/**
 * Functions: libraries that stay on the server, and are part of its data set. What a library keeps in
 * variables of its own stays as long as the machine of functions does.
 *
 *      FUNCTION LOAD → first line → compile → register → the set of libraries
 *      FCALL → the set → may it run? → Runner → reply
 *
 * When a function has broken the machine, all libraries are loaded anew from their code: their
 * variables begin anew, the functions are there as before.
 */
import { CommandError } from "@kv/commands";
import type { CallFrame, EngineCall, FunctionLibraries, LibraryPolicy, Ports } from "@kv/engine";
import type { LuaStack, WasmModule } from "@kv/lua";
import { keyCountOf } from "../key-count.ts";
import type { Machine, MachineOwner } from "../machine.ts";
import { bitsOfRun, mustBeAllowedNow, mustSuit } from "../may-begin.ts";
import type { Runner } from "../runner.ts";
import { FunctionMachine } from "./function-machine.ts";
import { type Library, LibrarySet } from "./library.ts";
import { readHeader } from "./library-header.ts";

const notFound = new CommandError("ERR Function not found");
const noKeyCount = new CommandError("ERR Bad number of keys provided");
const noLibrary = new CommandError("ERR Library not found");
const isBusy = new CommandError(
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);

/** Libraries of functions: see the head of this file. */
export class Functions implements MachineOwner, FunctionLibraries {
  readonly killCommand = "FUNCTION KILL";
  readonly busyError = isBusy;
  /** What libraries keep in variables would go with the machine. */
  readonly keptBytesMax = Number.POSITIVE_INFINITY;
  set = new LibrarySet();
  private readonly ports: Ports;
  private readonly module: () => WasmModule;
  private readonly runner: Runner;
  private machine: FunctionMachine | null = null;

  /** `module` is asked for when the first library comes. */
  constructor(ports: Ports, module: () => WasmModule, runner: Runner) {
    this.ports = ports;
    this.module = module;
    this.runner = runner;
  }

  /** Bytes that the values of functions take in the machine. */
  get machineBytes(): number {
    return this.machine === null ? 0 : this.machine.machine.vm.usedBytes;
  }

  /** FCALL and FCALL_RO. */
  call(call: EngineCall, isReadOnly: boolean): void {
    this.runner.announce(call);
    const found = this.set.findWritten(call.bytes, call.start(1), call.end(1));
    if (found === undefined) throw notFound;
    const { name, flags } = found;
    mustBeAllowedNow(this.ports, flags);
    const keyCount = keyCountOf(call, noKeyCount);
    mustSuit(this.ports, flags, isReadOnly);
    const { keys, args } = this.ready();
    const { callback } = found;
    // The machine was made anew, and this one's library could not be loaded into it.
    if (callback === null) throw notFound;
    this.runner.begin(name, flags, isReadOnly);
    const argCount = call.argc - 3 - keyCount;
    const pushArguments = (stack: LuaStack) => {
      if (callback.forgets) {
        keys.push(call, 3, keyCount);
        args.push(call, 3 + keyCount, argCount);
      } else {
        stack.pushWords(call, 3, keyCount);
        stack.pushWords(call, 3 + keyCount, argCount);
      }
      return 2;
    };
    this.runner.run(call, this, callback, pushArguments);
  }

  /** The flags of an FCALL, as bits. */
  flagsOf(call: EngineCall): number {
    const found = this.set.findWritten(call.bytes, call.start(1), call.end(1));
    return found === undefined ? call.row.bits : bitsOfRun(call.row.bits, found.flags);
  }

  /** FUNCTION LOAD: the library's name. */
  load(code: Uint8Array, replaces: boolean): string {
    const { set } = this;
    const { name, source } = readHeader(code);
    const old = set.libraries.get(name);
    if (old !== undefined && !replaces)
      throw new CommandError(`ERR Library '${name}' already exists`);
    const library = this.compiled(name, code, source, false);
    try {
      set.refuseTaken(library, (each) => each === old);
    } catch (error) {
      this.machine?.release(library.functions);
      throw error;
    }
    if (old !== undefined) this.drop(old);
    set.add(library);
    return name;
  }

  /** FUNCTION DELETE. */
  delete(name: string): void {
    const library = this.set.libraries.get(name);
    if (library === undefined) throw noLibrary;
    this.drop(library);
  }

  /** FUNCTION FLUSH: the machine goes as well. */
  flush(isLazy: boolean): void {
    if (isLazy) this.ports.keyspace.lazyFree.leftToRuntime(this.set.functionCount);
    this.set = new LibrarySet();
    this.machine = null;
  }

  /**
   * FUNCTION RESTORE: all of these libraries, or none and an error. `isTrusted`: they may take their time
   * to be loaded.
   */
  restore(codes: readonly Uint8Array[], policy: LibraryPolicy, isTrusted = false): void {
    const incoming = this.staged(codes, isTrusted);
    if (policy === "FLUSH") {
      this.replaceAll(incoming);
      return;
    }
    const { set } = this;
    try {
      for (const { name } of incoming.libraries.values())
        if (policy === "APPEND" && set.libraries.has(name))
          throw new CommandError(`ERR Library ${name} already exists`);
      const isReplaced = ({ name }: Library) => incoming.libraries.has(name);
      for (const library of incoming.libraries.values()) set.refuseTaken(library, isReplaced);
    } catch (error) {
      this.release(incoming);
      throw error;
    }
    for (const library of incoming.libraries.values()) {
      const old = set.libraries.get(library.name);
      if (old !== undefined) this.drop(old);
    }
    for (const library of incoming.libraries.values()) set.add(library);
  }

  /** The code of each library, for a file. */
  codes(): Uint8Array[] {
    return Array.from(this.set.libraries.values(), ({ code }) => code);
  }

  /** Those of a file. Undefined, or why they cannot be taken: then nothing changes. */
  takeFromFile(codes: readonly Uint8Array[], policy: LibraryPolicy): string | undefined {
    try {
      this.restore(codes, policy, true);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return error.reply.replace(/^ERR /, "");
    }
    return undefined;
  }

  /** FUNCTION KILL. */
  kill(): CommandError | null {
    return this.runner.kill(this);
  }

  /** The call of the function that keeps the server busy; null: none does. */
  get busyCall(): { readonly frame: CallFrame; readonly name: string; readonly ms: number } | null {
    const { busy, context, owner } = this.runner;
    const frame = this.ports.execution.suspendedFrame;
    if (frame === undefined || owner !== this) return null;
    const ms = Math.floor((this.ports.host.monotonicUs() - busy.startUs) / 1000);
    return { frame, name: context.name, ms };
  }

  /** The error for who asks about functions while a script of EVAL is busy. */
  get scriptIsBusy(): CommandError | null {
    const { busy, owner } = this.runner;
    return busy.isBusy && owner !== null && owner !== this ? owner.busyError : null;
  }

  /** The machine, with all libraries loaded. */
  present(): Machine {
    return this.ready().machine;
  }

  /** All libraries will be loaded anew. */
  giveUp(): void {
    this.machine = null;
    for (const { functions } of this.set.libraries.values())
      for (const each of functions) each.callback = null;
  }

  private ready(): FunctionMachine {
    if (this.machine !== null) return this.machine;
    const machine = new FunctionMachine(this.ports, this.module(), this.runner);
    this.machine = machine;
    for (const { name, code, functions } of this.set.libraries.values()) {
      try {
        const again = machine.load(readHeader(code).source, true);
        for (const each of functions)
          each.callback = again.find((other) => other.name === each.name)?.callback ?? null;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        this.ports.host.log("warning", `Library '${name}' cannot be loaded anew: ${error.reply}`);
        if (machine.machine.vm.broken) {
          this.giveUp();
          break;
        }
      }
    }
    return machine;
  }

  private compiled(
    name: string,
    code: Uint8Array,
    source: Uint8Array,
    isTrusted: boolean,
  ): Library {
    const machine = this.ready();
    try {
      return { name, code, functions: machine.load(source, isTrusted) };
    } finally {
      if (machine.machine.vm.broken) this.giveUp();
    }
  }

  /** A set of these libraries, beside the one that is there. */
  private staged(codes: readonly Uint8Array[], isTrusted: boolean): LibrarySet {
    const set = new LibrarySet();
    try {
      for (const code of codes) {
        const { name, source } = readHeader(code);
        if (set.libraries.has(name)) throw new CommandError(`ERR Library '${name}' already exists`);
        const library = this.compiled(name, code, source, isTrusted);
        try {
          set.refuseTaken(library, () => false);
        } catch (error) {
          this.machine?.release(library.functions);
          throw error;
        }
        set.add(library);
      }
    } catch (error) {
      this.release(set);
      throw error;
    }
    return set;
  }

  private replaceAll(set: LibrarySet): void {
    this.release(this.set);
    this.set = set;
  }

  private release(set: LibrarySet): void {
    for (const { functions } of set.libraries.values()) this.machine?.release(functions);
  }

  private drop(library: Library): void {
    this.set.remove(library);
    this.machine?.release(library.functions);
  }
}
