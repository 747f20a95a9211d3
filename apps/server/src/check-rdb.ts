/**
 * kv-check-rdb: checks an RDB file and says what it found. Exit code 0 when the file is good.
 */
import { basename } from "node:path";
import process from "node:process";
import { checkRdbFile, StorageError } from "@kv/persistence";
import { nodeSyncStorage } from "@kv/persistence/node";
import { commandLineWords } from "./process/command-line-words.ts";
import { outputLost } from "./process/lost-output.ts";
import { isAnswered } from "./process/questions.ts";

/** Lines are written when there is so much of them. */
const PRINTED_BYTES = 65536;

/** Runs the tool with its arguments as byte strings, without its name. Returns the exit code. */
export function checkRdb(args: readonly string[], program = "kv-check-rdb"): number {
  if (args.length !== 1) {
    process.stderr.write(`Usage: ${program} <rdb-file-name>\n`);
    return 1;
  }
  const [path] = args;
  let text = "";
  // One character is one byte: the file's name comes out as it is.
  const flush = () => {
    if (text !== "") process.stdout.write(text, "latin1");
    text = "";
  };
  const print = (line: string) => {
    text += `${line}\n`;
    if (text.length > PRINTED_BYTES) flush();
  };
  let isGood: boolean | undefined = false;
  try {
    const storage = nodeSyncStorage("", { readsAnything: true });
    isGood = checkRdbFile(storage, path, Date.now(), print);
    if (isGood === undefined) {
      process.stderr.write(`Cannot open file ${path}: No such file or directory\n`, "latin1");
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    process.stderr.write(`Cannot read file ${path}: ${error.message}\n`, "latin1");
  }
  flush();
  return isGood === true ? 0 : 1;
}

/** The program, under the name by which it was called. */
export async function main(): Promise<void> {
  const words = commandLineWords();
  if (await isAnswered(words, "kv-check-rdb")) return;
  const program = basename(process.argv[1] ?? "kv-check-rdb");
  process.stdout.on("error", (error) => outputLost(error, program));
  process.exitCode = checkRdb(words, program);
}
