/**
 * What a redis-server can be asked about: not what is newer than it, and not what no Redis has. The
 * declarations say which that is, so no test keeps a list of names.
 */
import { spawnSync } from "node:child_process";
import type { CommandRow } from "@kv/commands";

/** As commands and directives declare themselves. */
export interface Declared {
  /** The first release that has it, such as "7.2.0"; left out: older than all that matter. */
  readonly since?: string | undefined;
  /** Set for what is our own. */
  readonly extension?: string | undefined;
}

/** The version of the redis-server on the PATH, such as "7.0.15"; null when there is none. */
export function redisVersion(): string | null {
  const text = spawnSync("redis-server", ["--version"], { encoding: "utf8" }).stdout ?? "";
  return /v=(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

/** Three numbers as one, in the order of the releases. */
function rank(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}

/**
 * What keeps our sets as the redis-server on the PATH keeps its own: before 7.2 there were no listpacks
 * for them.
 */
export function setsAsTheirs(version = redisVersion() ?? "7.0.0"): Record<string, number> {
  return isComparable({ since: "7.2.0" }, version) ? {} : { "set-max-listpack-entries": 0 };
}

/** Whether a redis-server of this version has what is declared. */
export function isComparable({ since = "0.0.0", extension }: Declared, version: string): boolean {
  return extension === undefined && rank(since) <= rank(version);
}

/** As isComparable, for a command of the table: a subcommand goes with its container. */
export function isComparableRow({ command, container }: CommandRow, version: string): boolean {
  return (
    isComparable(command, version) && (container === null || isComparableRow(container, version))
  );
}
