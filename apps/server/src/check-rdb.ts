/**
 * kv-check-rdb: checks an RDB file and says what it found. Exit code 0 when the file is good.
 */
import { basename } from "node:path";
import process from "node:process";
import { checkRdbFile, StorageError } from "@kv/persistence";
import { nodeSyncStorage } from "@kv/persistence/node";
import { byteString } from "./process/byte-string.ts";

/** Runs the tool with its arguments, without the program's name. Returns the exit code. */
export function checkRdb(args: readonly string[], program = "kv-check-rdb"): number {
  if (args.length !== 1) {
    process.stderr.write(`Usage: ${program} <rdb-file-name>\n`);
    return 1;
  }
  const path = byteString(args[0]);
  const lines: string[] = [];
  let isGood: boolean | undefined = false;
  try {
    isGood = checkRdbFile(nodeSyncStorage(""), path, Date.now(), (line) => lines.push(line));
    if (isGood === undefined) {
      process.stderr.write(`Cannot open file ${args[0]}: No such file or directory\n`);
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    process.stderr.write(`Cannot read file ${args[0]}: ${error.message}\n`);
  }
  // One character is one byte: names and keys come out as they are in the file.
  process.stdout.write(lines.map((line) => `${line}\n`).join(""), "latin1");
  return isGood === true ? 0 : 1;
}

/** The program, under the name by which it was called. */
export function main(): void {
  process.exitCode = checkRdb(process.argv.slice(2), basename(process.argv[1] ?? "kv-check-rdb"));
}
