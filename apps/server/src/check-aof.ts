/**
 * kv-check-aof: checks the files of an append-only folder, or a single one, says what it found, and with
 * --fix or --truncate-to-timestamp cuts the end of the last one off. Exit code 0 when all is good.
 */
import { readSync, writeSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { checkAof as check } from "@kv/persistence";
import { nodeSyncStorage } from "@kv/persistence/node";
import { commandLineWords } from "./process/command-line-words.ts";
import { outputLost } from "./process/lost-output.ts";
import { isAnswered } from "./process/questions.ts";

/** As on Linux; a longer path leads nowhere. */
const PATH_BYTES_MAX = 4096;
const STDIN = 0;
const STDOUT = 1;

/** What the command line asks for. */
interface Task {
  path: string;
  isFix: boolean;
  toSeconds: number;
}

/** Runs the tool with its arguments as byte strings, without its name. Returns the exit code. */
export function checkAof(args: readonly string[], program = "kv-check-aof"): number {
  const task = taskOf(args);
  if (typeof task === "string") {
    if (task !== "") print(task);
    if (task !== INVALID_TIME) {
      print(
        `Usage: ${program} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>`,
      );
    }
    return 1;
  }
  const { path, isFix, toSeconds } = task;
  const isGood = check(nodeSyncStorage(""), path, {
    nowMs: Date.now(),
    print,
    toSeconds,
    ...(isFix ? { confirms } : {}),
  });
  return isGood ? 0 : 1;
}

const INVALID_TIME = "Invalid timestamp, aborting...";

/** The task, or what is wrong with the words: "" when only the usage is to be told. */
function taskOf(args: readonly string[]): Task | string {
  const path = args.at(-1) ?? "";
  const task: Task = { path, isFix: false, toSeconds: 0 };
  if (args.length === 2 && args[0] === "--fix") task.isFix = true;
  else if (args.length === 3 && args[0] === "--truncate-to-timestamp") {
    task.toSeconds = /^[+-]?\d+$/.test(args[1]) ? Number(args[1]) : Number.NaN;
    if (!Number.isSafeInteger(task.toSeconds)) return INVALID_TIME;
  } else if (args.length !== 1) return "";
  return path.length > PATH_BYTES_MAX ? "Error: filepath is too long (exceeds PATH_MAX)" : task;
}

/** At once, so that whatever comes next finds it said. One character is one byte. */
function print(line: string): void {
  write(`${line}\n`);
}

function write(text: string): void {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; ) at += writeSync(STDOUT, bytes, at);
}

/** True when the answer from standard input begins with a y. None at all is a no. */
function confirms(question: string): boolean {
  write(question);
  const answer = Buffer.alloc(1);
  try {
    readSync(STDIN, answer);
  } catch {
    return false;
  }
  return answer.toString("latin1").toLowerCase() === "y";
}

/** The program, under the name by which it was called. */
export async function main(): Promise<void> {
  const words = commandLineWords();
  if (await isAnswered(words, "kv-check-aof")) return;
  const program = basename(process.argv[1] ?? "kv-check-aof");
  try {
    process.exitCode = checkAof(words, program);
  } catch (error) {
    // Those of files are StorageErrors; what writes without one is write().
    if ((error as NodeJS.ErrnoException).syscall !== "write") throw error;
    outputLost(error, program);
  }
}
