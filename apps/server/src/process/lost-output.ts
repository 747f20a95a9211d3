/**
 * What a tool prints cannot be written: it says so and ends with status 1. Where whoever read it has gone, as
 * behind `| head`, there is nobody to tell.
 */
import { codeOf, systemErrorText } from "./system-error.ts";

/** `error`: of writing to standard output. */
export function outputLost(error: unknown, tool: string): void {
  process.exitCode = 1;
  if (codeOf(error) === "EPIPE") return;
  process.stderr.write(`${tool}: cannot write to standard output: ${systemErrorText(error)}\n`);
}
