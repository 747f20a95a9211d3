/**
 * kv-check-rdb: checks an RDB file and says what it found. Exit code 0 when the file is good.
 */
import { basename } from "node:path";
import process from "node:process";
import { RdbCheck, StorageError } from "@kv/persistence";
import { nodeSyncStorage } from "@kv/persistence/node";
import { byteString } from "./process/byte-string.ts";

const CHUNK_BYTES = 2 ** 20;

/** Runs the tool with its arguments, without the program's name. Returns the exit code. */
export function checkRdb(args: readonly string[], program = "kv-check-rdb"): number {
  if (args.length !== 1) {
    process.stderr.write(`Usage: ${program} <rdb-file-name>\n`);
    return 1;
  }
  const path = byteString(args[0]);
  const lines: string[] = [];
  const check = new RdbCheck(path, Date.now(), (line) => lines.push(line));
  let isGood = false;
  try {
    const file = nodeSyncStorage("").open(path);
    if (file === undefined) {
      process.stderr.write(`Cannot open file ${path}: No such file or directory\n`);
    } else {
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (let length = 1; length > 0 && !check.isOver; ) {
        length = file.read(chunk);
        check.feed(chunk, 0, length);
      }
      file.close();
      isGood = check.finish();
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    process.stderr.write(`Cannot read file ${path}: ${error.message}\n`);
  }
  // One character is one byte: names and keys come out as they are in the file.
  process.stdout.write(lines.map((line) => `${line}\n`).join(""), "latin1");
  return isGood ? 0 : 1;
}

/** The program, under the name by which it was called. */
export function main(): void {
  process.exitCode = checkRdb(process.argv.slice(2), basename(process.argv[1] ?? "kv-check-rdb"));
}
