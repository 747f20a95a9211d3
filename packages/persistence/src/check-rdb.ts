/**
 * Checking an RDB file without loading it: what kv-check-rdb prints, line by line, in the words of
 * redis-check-rdb.
 *
 * Every value is followed through its grammar to the end, compressed or not; the checksum is compared.
 * Types of values that the server cannot load yet are checked all the same. A line quotes no more than
 * the first 128 bytes of what is in the file, with escapes; the file's own name comes out as it is, one
 * character for each byte.
 */
import { Distinct } from "./rdb/distinct.ts";
import { type RdbInput, Status } from "./rdb/input.ts";
import { RdbReader, type RdbRecord, type RdbTarget } from "./rdb/reader.ts";
import { ShortString } from "./rdb/short-string.ts";
import type { Skipper } from "./rdb/skip-string.ts";
import { rdbTypeName, skipValue } from "./rdb/values/form-table.ts";
import type { SyncStorage } from "./storage.ts";

const CHUNK_BYTES = 2 ** 20;

/**
 * Checks the file `name`. Undefined: there is none. Throws StorageError. `isDamageReport`: the file is
 * known to be damaged, and only what is wrong with it is to be told.
 */
export function checkRdbFile(
  storage: SyncStorage,
  name: string,
  nowMs: number,
  print: (line: string) => void,
  isDamageReport = false,
): boolean | undefined {
  const file = storage.open(name);
  if (file === undefined) return undefined;
  try {
    const check = new RdbCheck(name, nowMs, print, isDamageReport);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let length = 1; length > 0 && !check.isOver; ) {
      length = file.read(chunk);
      check.feed(chunk, 0, length);
    }
    return check.finish();
  } finally {
    file.close();
  }
}

/**
 * Follows one file through its grammar and prints what is in it: feed() the chunks, then finish().
 */
export class RdbCheck implements RdbTarget {
  /** Bytes of memory that the server had in use which saved the file; NaN: the file has not said. */
  usedMemoryBytes = NaN;
  private readonly reader = new RdbReader(this);
  private readonly print: (line: string) => void;
  private readonly nowMs: number;
  private skipper: Skipper | undefined;
  /** The key at hand, which outlives the chunk that it came in. */
  private readonly key = new ShortString();
  private hasKey = false;
  private readonly isDamageReport: boolean;
  private readonly seen = new Distinct();
  private keyCount = 0;
  private expiryCount = 0;
  private expiredCount = 0;

  /**
   * `name` is the file's; `nowMs` the wall clock; `print` gets each line. `isDamageReport`: the file is
   * known to be damaged. Then the lines are few, whatever is in it, and none says that it is good.
   */
  constructor(name: string, nowMs: number, print: (line: string) => void, isDamageReport = false) {
    this.nowMs = nowMs;
    this.print = print;
    this.isDamageReport = isDamageReport;
    print(`[offset 0] Checking RDB file ${name}`);
  }

  /** Checks bytes[start, end). Returns the position behind the last one that belongs to the file. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    return this.reader.feed(bytes, start, end);
  }

  /** True when nothing more is to be read. */
  get isOver(): boolean {
    return this.reader.isDone || this.reader.error !== undefined;
  }

  /** The file is over: prints the verdict. True when it is good. */
  finish(): boolean {
    const { reader, print } = this;
    const error = reader.finish();
    if (error === undefined) {
      if (this.isDamageReport) print("[info] Only loading finds what is wrong with this file.");
      else this.info("\\o/ RDB looks OK! \\o/");
    } else {
      print("--- RDB ERROR DETECTED ---");
      print(`[offset ${error.offset}] ${error.reason}`);
      print(`[additional info] While doing: ${reader.doing}`);
      if (this.hasKey) print(`[additional info] Reading key '${this.key.shown()}'`);
      const { type } = reader.record;
      if (type !== -1) {
        print(`[additional info] Reading type ${type} (${rdbTypeName(type)})`);
      }
    }
    print(`[info] ${this.keyCount} keys read`);
    print(`[info] ${this.expiryCount} expires`);
    print(`[info] ${this.expiredCount} already expired`);
    return error === undefined;
  }

  private info(line: string): void {
    if (!this.isDamageReport) this.print(`[offset ${this.reader.offset}] ${line}`);
  }

  // --- What the reader calls -----------------------------------------------------------------

  /** Prints a fact about the file. */
  aux(name: ShortString, value: ShortString): void {
    if (name.shown() === "used-mem") this.usedMemoryBytes = Number(value.shown());
    this.info(`AUX FIELD ${name.shown()} = '${value.shown()}'`);
  }

  /** Functions are passed over. */
  functions(): string {
    return ""; // Not compiled here: whether the code is good is for the server to say.
  }

  /** Prints that a module's data are there, and passes over them. */
  moduleAux(module: string): string {
    this.info(`MODULE AUX for: ${module}`);
    return "";
  }

  /** Prints the number. */
  selectDatabase(index: number): string {
    this.info(`Selecting DB ID ${index}`);
    return "";
  }

  /** Takes no notice of hints. */
  resizeDatabase(_keyCount: number, _expiryCount: number): void {
    // Hints only.
  }

  /** Begins to follow a value. */
  begin(record: RdbRecord, input: RdbInput): Status {
    // From here on the value's items are taken as they come; the key will not be seen again.
    const { bytes, start, end } = record.key;
    this.key.set(bytes, start, end);
    this.hasKey = true;
    this.keyCount++;
    this.skipper = skipValue(input, record.type, this.seen);
    input.moveMark();
    const status = this.more(record, input);
    return status === Status.MORE ? Status.PART : status;
  }

  /** Goes on with it. */
  more(record: RdbRecord, input: RdbInput): Status {
    const { value, done } = (this.skipper as Skipper).next();
    if (!done) {
      input.moveMark();
      return value;
    }
    if (record.expiryMs !== -1) {
      this.expiryCount++;
      if (record.expiryMs < this.nowMs) this.expiredCount++;
    }
    this.hasKey = false;
    return Status.OK;
  }

  /** Prints what the checksum is worth. */
  end(checksum: "right" | "none" | "unknown"): void {
    if (checksum === "right") this.info("Checksum OK");
    if (checksum === "none")
      this.info("RDB file was saved with checksum disabled: no check performed.");
  }

  /** Nothing is held. */
  abandon(): void {
    // Nothing is held.
  }
}
