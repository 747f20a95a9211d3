/**
 * kv-check-aof: checks (and with --fix repairs) an append-only file.
 *
 * There is no append-only file yet, so there is nothing that it could judge; it says so and fails,
 * rather than call a file good that nobody has read.
 */
import { writeSync } from "node:fs";
import { commandLineWords } from "./process/command-line-words.ts";
import { isAnswered } from "./process/questions.ts";

export async function main(): Promise<void> {
  if (await isAnswered(commandLineWords(), "kv-check-aof")) return;
  const usage =
    "Usage: kv-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>";
  writeSync(2, `${usage}\nkv-check-aof: append-only files are not supported by this version.\n`);
  process.exitCode = 1;
}
