/** What subcommands of SENTINEL have in common: how they are declared, and how they find a primary. */
import { type Argument, arg, type Command, CommandError, type CommandSpec } from "@kv/commands";
import { type EngineCall, engineCommand } from "@kv/engine";
import type { Primary } from "../instance.ts";
import { type Sentinel, sentinelPort } from "../sentinel.ts";

/** What each of them says of itself. */
export type SubcommandSpec = Pick<CommandSpec, "name" | "since" | "summary"> &
  Partial<Omit<CommandSpec, "run">> & {
    run(call: EngineCall, sentinel: Sentinel): void;
  };

/** A subcommand; its arity follows from its arguments unless it says otherwise. */
export function subcommand(spec: SubcommandSpec): Command {
  const { args = [] } = spec;
  return engineCommand({
    group: "sentinel",
    complexity: "O(1)",
    flags: ["admin"],
    arity: 2 + args.length,
    ...spec,
    run: (call) => spec.run(call, call.engine.of(sentinelPort)),
  });
}

/** The argument that most of them have. */
export const primaryName: Argument = arg.string("master-name");

const noSuchPrimary = new CommandError("ERR No such master with that name");

/** The primary that an argument names. */
export function primaryAt(call: EngineCall, { primaries }: Sentinel, index: number): Primary {
  const primary = primaries.get(call.text(index));
  if (primary === undefined) throw noSuchPrimary;
  return primary;
}

const notSaved = new CommandError("ERR Failed to save config file. Check server logs.");

/** What was changed is on disk, or the client hears that it is not. */
export function saveAndReply(call: EngineCall, sentinel: Sentinel): void {
  if (!sentinel.saveState()) throw notSaved;
  call.reply.ok();
}

const integer = /^(0|-?[1-9]\d{0,18})$/;

/**
 * The number that a word is, within bounds; undefined: it is none. What a number of 64 bits holds is
 * taken: one that is not exact here stands for "never", and becomes the largest that is.
 */
export function numberIn(
  word: string,
  min: number,
  max = Number.POSITIVE_INFINITY,
): number | undefined {
  if (!integer.test(word) || BigInt.asIntN(64, BigInt(word)) !== BigInt(word)) return undefined;
  const value = Math.min(Number(word), Number.MAX_SAFE_INTEGER);
  return value >= min && value <= max ? value : undefined;
}
