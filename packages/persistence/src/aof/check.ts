/**
 * Checking append-only files without loading them, and cutting off what is torn: what kv-check-aof does,
 * in the words of redis-check-aof.
 *
 * A path leads to a manifest, then all files that it names are checked, or to a single file, which may
 * begin with a snapshot. A manifest is known by its first line that is no comment; Redis's tool takes
 * an append-only file with "file" at the beginning of any line for one. Only the last file may be cut:
 * what is missing in an earlier one, the later ones build upon. Empty files behind it, which Redis's tool
 * minds, do not count.
 */
import { latin1 } from "@kv/resp";
import { RdbCheck } from "../check-rdb.ts";
import { formats } from "../formats.ts";
import { StorageError, type SyncStorage, type SyncStorageReader } from "../storage.ts";
import { FileBytes } from "./file-bytes.ts";
import { AofFileCheck } from "./file-check.ts";
import { MANIFEST_BYTES_MAX, ManifestError, parseManifest } from "./manifest.ts";

/** How a check is done. */
export interface AofCheckOptions {
  /** The wall clock. */
  nowMs: number;
  /** Gets each line of what is found; a character for each byte. */
  print: (line: string) => void;
  /** Asks whether to do what was printed last. Without it nothing is repaired. */
  confirms?: (question: string) => boolean;
  /** Cuts off what was written later than these seconds since 1970; 0 or undefined: nothing. */
  toSeconds?: number;
}

/** Redis looks for a snapshot in nothing smaller. */
const SNAPSHOT_BYTES_MIN = 8;
/** Of a longer line at the beginning of a file the rest counts as a line of its own. */
const LINE_BYTES_MAX = 1023;

/**
 * Checks what `path` leads to. True when it is good, or has been repaired. A file that cannot be read is
 * an answer, too.
 */
export function checkAof(storage: SyncStorage, path: string, options: AofCheckOptions): boolean {
  return new AofCheck(storage, options).run(path);
}

type Verdict = "valid" | "empty" | "truncated" | "truncated to time" | "not valid" | "aborted";

class AofCheck {
  private readonly storage: SyncStorage;
  private readonly options: AofCheckOptions;
  private readonly toSeconds: number;
  private readonly print: (line: string) => void;
  /** Lines are counted through all files, from 1 on. */
  private lineCount = 1;

  constructor(storage: SyncStorage, options: AofCheckOptions) {
    this.storage = storage;
    this.options = options;
    this.print = options.print;
    this.toSeconds = options.toSeconds ?? 0;
  }

  run(path: string): boolean {
    const manifest = this.withFile(path, "", (file) => manifestText(file));
    if (manifest === undefined) return false;
    if (manifest !== "") return this.checkParts(path, manifest);
    this.print("Start checking Old-Style AOF");
    const isRdb = this.isRdb(path);
    return isRdb !== undefined && this.tell(path, "AOF", this.checkFile(path, path, true, isRdb));
  }

  private checkParts(path: string, text: string): boolean {
    const { print } = this;
    print("Start checking Multi Part AOF");
    const manifest = parseManifest(text);
    if (manifest instanceof ManifestError) {
      print("*** FATAL AOF MANIFEST FILE ERROR ***");
      if (manifest.line !== undefined) {
        print(`Reading the manifest file, at line ${manifest.lineNumber}`);
        print(`>>> '${manifest.line}'`);
      }
      print(manifest.message);
      return false;
    }
    const { base, incrementals } = manifest;
    const folder = path.slice(0, path.lastIndexOf("/") + 1) || "./";
    const count = incrementals.findLastIndex(({ name }) => !this.isEmpty(folder + name)) + 1;
    if (base !== undefined) {
      const basePath = folder + base.name;
      const isRdb = this.isRdb(basePath);
      if (isRdb === undefined) return false;
      print(`Start to check BASE AOF (${isRdb ? "RDB" : "RESP"} format).`);
      const verdict = this.checkFile(base.name, basePath, count === 0, isRdb);
      if (!this.tell(base.name, "BASE AOF", verdict)) return false;
    }
    if (incrementals.length > 0) print("Start to check INCR files.");
    for (const [index, { name }] of incrementals.entries()) {
      const verdict = this.checkFile(name, folder + name, index + 1 >= count, false);
      if (!this.tell(name, "INCR AOF", verdict)) return false;
    }
    print("All AOF files and manifest are valid");
    return true;
  }

  /** Prints what has become of a file. True when it is good now. */
  private tell(name: string, kind: string, verdict: Verdict): boolean {
    switch (verdict) {
      case "valid":
      case "empty":
        this.print(`${kind} ${name} is ${verdict}`);
        return true;
      case "truncated":
        this.print(`Successfully truncated AOF ${name}`);
        return true;
      case "truncated to time":
        this.print(`Successfully truncated AOF ${name} to timestamp ${this.toSeconds}`);
        return true;
      case "not valid":
        this.print(`AOF ${name} is not valid. Use the --fix option to try fixing it.`);
        return false;
      default:
        return false;
    }
  }

  /** A file that cannot be read is not: that is told when its turn comes. */
  private isEmpty(path: string): boolean {
    try {
      const file = this.storage.open(path);
      file?.close();
      return file?.sizeBytes === 0;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return false;
    }
  }

  /** Whether the file begins with a snapshot; undefined, and printed, when it cannot be read. */
  private isRdb(path: string): boolean | undefined {
    return this.withFile(path, "", (file) => {
      const head = firstBytes(file, SNAPSHOT_BYTES_MIN);
      return head.length === SNAPSHOT_BYTES_MIN && formats.rdb.recognises(head, 0, head.length);
    });
  }

  /** Checks one file, and cuts it if that is wanted. */
  private checkFile(name: string, path: string, isLast: boolean, isRdb: boolean): Verdict {
    const verdict = this.withFile(path, ", aborting...", (file) => {
      if (file.sizeBytes === 0) return "empty";
      const bytes = new FileBytes(file);
      if (isRdb && !this.checkSnapshot(name, bytes)) return "aborted";
      const check = new AofFileCheck(bytes, path, this.lineCount, this.toSeconds);
      check.run();
      this.lineCount = check.lineCount;
      if (check.isTimeWrong) {
        this.print("Invalid timestamp annotation");
        return "aborted";
      }
      if (check.laterAt >= 0) return this.cutToTime(name, path, isLast, check.laterAt);
      return this.judge(name, path, isLast, check, file.sizeBytes);
    });
    return verdict ?? "aborted";
  }

  private checkSnapshot(name: string, bytes: FileBytes): boolean {
    const check = new RdbCheck(name, this.options.nowMs, this.print);
    bytes.give((chunk, start, end) => check.feed(chunk, start, end));
    const isGood = check.finish();
    if (isGood) this.print("RDB preamble is OK, proceeding with AOF tail...");
    else this.print("RDB preamble of AOF file is not sane, aborting.");
    return isGood;
  }

  private cutToTime(name: string, path: string, isLast: boolean, offset: number): Verdict {
    const { toSeconds, print } = this;
    if (offset === 0) {
      print(`AOF ${name} has nothing before timestamp ${toSeconds}, aborting...`);
      return "aborted";
    }
    if (!isLast) {
      print(
        `Failed to truncate AOF ${path} to timestamp ${toSeconds} to offset ${offset} because it is not the last file.`,
      );
      print(
        "If you insist, please delete all files after this file according to the manifest file and delete the corresponding records in manifest file manually. Then re-run kv-check-aof.",
      );
      return "aborted";
    }
    const isCut = this.cut(
      path,
      offset,
      `Failed to truncate AOF ${name} to timestamp ${toSeconds}`,
    );
    return isCut ? "truncated to time" : "aborted";
  }

  /** Shortens a file; prints `failure` when that does not succeed. */
  private cut(path: string, bytes: number, failure: string): boolean {
    try {
      const file = this.storage.append(path);
      try {
        file.truncate(bytes);
        file.syncNow();
      } finally {
        file.close();
      }
      return true;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.print(`${failure}: ${error.message}`);
      return false;
    }
  }

  private judge(
    name: string,
    path: string,
    isLast: boolean,
    check: AofFileCheck,
    size: number,
  ): Verdict {
    const { print, options, toSeconds } = this;
    const { okUpTo, zeroCount } = check;
    if (check.isNoCommand) print(`AOF ${name} format error`);
    if (check.error !== "") print(check.error);
    if (zeroCount > 0)
      print(`AOF ${name} ends with ${zeroCount} zero bytes, as a power failure leaves them`);
    const left = size - okUpTo;
    if (left === 0 && toSeconds !== 0) {
      print(`Truncate nothing in AOF ${name} to timestamp ${toSeconds}`);
      return "valid";
    }
    print(
      `AOF analyzed: filename=${name}, size=${size}, ok_up_to=${okUpTo}, ok_up_to_line=${check.lineCount}, diff=${left}`,
    );
    if (left === 0) return "valid";
    if (options.confirms === undefined) return "not valid";
    if (!isLast) {
      print(`Failed to truncate AOF ${name} because it is not the last file`);
      return "aborted";
    }
    print(
      `This will shrink the AOF ${name} from ${size} bytes, with ${left} bytes, to ${okUpTo} bytes`,
    );
    if (!options.confirms("Continue? [y/N]: ")) {
      print("Aborting...");
      return "aborted";
    }
    return this.cut(path, okUpTo, `Failed to truncate AOF ${name}`) ? "truncated" : "aborted";
  }

  /** What `use` makes of the open file; undefined, and printed, when it cannot be read. */
  private withFile<Result>(
    path: string,
    then: string,
    use: (file: SyncStorageReader) => Result,
  ): Result | undefined {
    let reason = "No such file or directory";
    try {
      const file = this.storage.open(path);
      if (file !== undefined) {
        try {
          return use(file);
        } finally {
          file.close();
        }
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      reason = error.message;
    }
    this.print(`Cannot open file ${path}: ${reason}${then}`);
    return undefined;
  }
}

/** The text of a manifest; "" when the file is none. */
function manifestText(file: SyncStorageReader): string {
  const text = latin1(firstBytes(file, MANIFEST_BYTES_MAX + 1));
  for (let at = 0; at < text.length; ) {
    if (text[at] !== "#") return text.startsWith("file", at) ? text : "";
    const newline = text.indexOf("\n", at);
    const lineBytes = newline === -1 ? text.length : newline + 1 - at;
    at += Math.min(lineBytes, LINE_BYTES_MAX);
  }
  return "";
}

/** The first `count` bytes of a file, or as many as it has. */
function firstBytes(file: SyncStorageReader, count: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(count, file.sizeBytes));
  let length = 0;
  while (length < bytes.length) {
    const got = file.read(bytes.subarray(length));
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}
