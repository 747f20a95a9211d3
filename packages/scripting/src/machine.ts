/**
 * Machines: one for scripts, one for functions, each made when it is first needed and made anew when a
 * script has broken it. Neither sees anything of the other, and SCRIPT FLUSH takes nothing from
 * functions.
 */
import { CommandError } from "@kv/commands";
import { InvariantError, isError, isRangeError } from "@kv/core";
import type { Ports } from "@kv/engine";
import { type LuaStack, LuaType, LuaVm, type LuaVmOptions, type WasmModule } from "@kv/lua";
import { LuaToReply } from "./lua-to-reply.ts";
import { asOneLine, untilZero } from "./one-line.ts";
import { COUNTED } from "./reply-to-lua.ts";

/** Bytes that the values of all scripts of a machine may take. */
const MEMORY_BYTES_MAX = 256 * 2 ** 20;

/** The machine, and what is tied to it: all of it goes when the machine breaks. */
export interface Machine {
  readonly vm: LuaVm;
  readonly toReply: LuaToReply;
}

/** Who has a machine: scripts, or functions. */
export interface MachineOwner {
  /** The machine; made now if there is none. */
  present(): Machine;
  /** The machine is of no use any more: it broke, or it has grown too large. */
  giveUp(why: "broken" | "large"): void;
  /** A machine never shrinks: one that takes more than this is given up when its script is over. */
  readonly keptBytesMax: number;
  /** What ends its script while that keeps the server busy. */
  readonly killCommand: "SCRIPT KILL" | "FUNCTION KILL";
  /** What others are told meanwhile. */
  readonly busyError: CommandError;
}

/**
 * The same, but why there is no machine is what the script's sender is told: a bundler has left its file behind,
 * or the platform compiles no WebAssembly. That is no error of ours, and a server in a program may have no log.
 */
export function answering(module: () => WasmModule): () => WasmModule {
  return () => answered(module);
}

function answered<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    // Where there is no memory for it just now, that is answered as everywhere.
    if (!isError(error) || isRangeError(error) || error instanceof InvariantError) throw error;
    const reason = asOneLine(error.message);
    throw new CommandError(`ERR Scripts cannot run here, their machine is missing: ${reason}`);
  }
}

/** A machine whose `redis` is still to be defined. */
export function makeMachine(
  ports: Ports,
  options: Pick<LuaVmOptions, "module" | "due" | "resuming">,
): Machine {
  const settings: LuaVmOptions = {
    ...options,
    memoryBytesMax: MEMORY_BYTES_MAX,
    clockMs: () => ports.host.monotonicUs() / 1000,
  };
  const vm = answered(() => new LuaVm(settings));
  const toReply = new LuaToReply(vm.stack, ports.reply, (text) => ports.stats.countError(text));
  return { vm, toReply };
}

/** What a run ended with. */
export interface RunError {
  /** Its text, which may have line breaks. */
  readonly text: string;
  /** A command has answered it, and INFO counts it already. */
  readonly isCounted: boolean;
}

/** The error that a run ended with. Clears the stack. */
export function takeError(vm: LuaVm): RunError {
  const { stack } = vm;
  let text = "ERR unknown error";
  let isCounted = false;
  if (stack.type(1) === LuaType.TABLE) {
    if (stack.getField(1, "err") === LuaType.STRING) text = stack.latin1(-1) as string;
    stack.getField(1, COUNTED);
    isCounted = stack.boolean(-1);
  } else {
    text = `ERR ${stack.latin1(1) ?? luaTypeText(stack)}`;
  }
  vm.clear();
  return { text: untilZero(text), isCounted };
}

/** What Lua's tostring() would have said of a value that is no string. */
function luaTypeText(stack: LuaStack): string {
  if (stack.type(1) === LuaType.NIL) return "nil";
  if (stack.type(1) === LuaType.BOOLEAN) return stack.boolean(1) ? "true" : "false";
  return "(error object)";
}
