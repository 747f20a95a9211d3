/**
 * Crash reports: what is known when the server ends because of a mistake of its own.
 *
 * The words "crashed by signal" and "ASSERTION FAILED" are those that operators search logs for.
 */

import { constants, cpus, release, totalmem, type } from "node:os";
import { compatibleVersion } from "@kv/config";
import { engineVersion } from "@kv/engine";
import { memoryUsage } from "./memory-usage.ts";

export interface CrashFacts {
  configFile: string;
  /** Lines from whoever knows more: the engine's INFO, say. */
  details?: () => string;
}

export function signalReport(signal: NodeJS.Signals, facts: CrashFacts): string {
  const number = constants.signals[signal];
  const here = new Error("here").stack?.split("\n").slice(2).join("\n") ?? "";
  return report(
    `kv ${engineVersion} (Redis ${compatibleVersion}) crashed by signal: ${number}, ${signal}`,
    here,
    facts,
  );
}

export function errorReport(error: unknown, facts: CrashFacts): string {
  const isInvariant = error instanceof Error && error.name === "InvariantError";
  const heading = isInvariant
    ? `=== ASSERTION FAILED ===\n==> ${error.message}`
    : `kv ${engineVersion} (Redis ${compatibleVersion}) stopped by an error of its own`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return report(heading, stack, facts);
}

function report(heading: string, stack: string, facts: CrashFacts): string {
  const { residentBytes, heapUsedBytes, heapTotalBytes } = memoryUsage();
  return [
    "",
    "=== BUG REPORT START: please hand on everything from here ===",
    heading,
    "",
    "------ STACK TRACE ------",
    stack,
    "",
    "------ PROCESS ------",
    `node:${process.versions.node} v8:${process.versions.v8} uv:${process.versions.uv}`,
    `os:${type()} ${release()} ${process.arch} cpus:${cpus().length} memory:${totalmem()}`,
    `uptime_in_seconds:${Math.floor(process.uptime())} config_file:${facts.configFile}`,
    `used_memory_rss:${residentBytes} heap_used:${heapUsedBytes} heap_total:${heapTotalBytes}`,
    ...detailLines(facts),
    "",
    "=== BUG REPORT END ===",
    "",
    "",
  ].join("\n");
}

/** Details come from code that may be what has failed. */
function detailLines({ details }: CrashFacts): string[] {
  if (details === undefined) return [];
  try {
    return ["", "------ DETAILS ------", details()];
  } catch (error) {
    return ["", `(no details: ${error})`];
  }
}
