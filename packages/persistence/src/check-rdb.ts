/**
 * Checking an RDB file without loading it: what kv-check-rdb prints, line by line, in the words of
 * redis-check-rdb.
 *
 * Every value is followed through its grammar to the end; strings are decompressed, the checksum is
 * compared. Types of values that the server cannot load yet are checked all the same. In a line one
 * character is one byte, so that names come out as they are in the file.
 */
import { RDB_TYPE_NAMES } from "./rdb/format.ts";
import { type RdbInput, type RdbString, Status } from "./rdb/input.ts";
import { RdbReader, type RdbRecord, type RdbTarget } from "./rdb/reader.ts";
import { type Skipper, skipValue } from "./rdb/skip.ts";
import type { SyncStorage } from "./storage.ts";

const CHUNK_BYTES = 2 ** 20;

/** Checks the file `name`. Undefined: there is none. Throws StorageError. */
export function checkRdbFile(
  storage: SyncStorage,
  name: string,
  nowMs: number,
  print: (line: string) => void,
): boolean | undefined {
  const file = storage.open(name);
  if (file === undefined) return undefined;
  try {
    const check = new RdbCheck(name, nowMs, print);
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

export class RdbCheck implements RdbTarget {
  private readonly reader = new RdbReader(this);
  private readonly print: (line: string) => void;
  private readonly nowMs: number;
  private skipper: Skipper | undefined;
  /** The key at hand, which outlives the chunk that it came in. */
  private key: string | undefined;
  private keyCount = 0;
  private expiryCount = 0;
  private expiredCount = 0;

  /** `name` is the file's; `nowMs` the wall clock; `print` gets each line. */
  constructor(name: string, nowMs: number, print: (line: string) => void) {
    this.nowMs = nowMs;
    this.print = print;
    this.info(`Checking RDB file ${name}`);
  }

  /** Checks bytes[start, end), the next ones of the file. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    this.reader.feed(bytes, start, end);
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
      this.info("\\o/ RDB looks OK! \\o/");
    } else {
      print("--- RDB ERROR DETECTED ---");
      print(`[offset ${error.offset}] ${error.reason}`);
      print(`[additional info] While doing: ${reader.doing}`);
      if (this.key !== undefined) print(`[additional info] Reading key '${this.key}'`);
      const { type } = reader.record;
      if (type !== -1) {
        const name = RDB_TYPE_NAMES[type] ?? "unknown";
        print(`[additional info] Reading type ${type} (${name})`);
      }
    }
    print(`[info] ${this.keyCount} keys read`);
    print(`[info] ${this.expiryCount} expires`);
    print(`[info] ${this.expiredCount} already expired`);
    return error === undefined;
  }

  private info(line: string): void {
    this.print(`[offset ${this.reader.offset}] ${line}`);
  }

  // --- What the reader calls -----------------------------------------------------------------

  aux(name: string, value: string): void {
    this.info(`AUX FIELD ${name} = '${value}'`);
  }

  functions(_code: RdbString): string {
    return ""; // Not compiled here: whether the code is good is for the server to say.
  }

  moduleAux(module: string): string {
    this.info(`MODULE AUX for: ${module}`);
    return "";
  }

  selectDatabase(index: number): string {
    this.info(`Selecting DB ID ${index}`);
    return "";
  }

  resizeDatabase(_keyCount: number, _expiryCount: number): void {
    // Hints only.
  }

  begin(record: RdbRecord, input: RdbInput): Status {
    // From here on the value's items are taken as they come; the key will not be seen again.
    this.key = record.key.text();
    this.keyCount++;
    this.skipper = skipValue(input, record.type);
    input.moveMark();
    const status = this.more(record, input);
    return status === Status.MORE ? Status.PART : status;
  }

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
    this.key = undefined;
    return Status.OK;
  }

  end(checksum: "right" | "none" | "unknown"): void {
    if (checksum === "right") this.info("Checksum OK");
    if (checksum === "none")
      this.info("RDB file was saved with checksum disabled: no check performed.");
  }

  abandon(): void {
    // Nothing is held.
  }
}
