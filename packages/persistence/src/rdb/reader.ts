/**
 * RdbReader: an RDB file as it comes, in chunks cut anywhere.
 *
 * feed() reads as far as the bytes go, straight from the chunk; only an item that is not complete
 * yet is copied and waits for its rest. What the file holds goes to an RdbTarget, key by key. The
 * reader knows the frame: header, facts, databases, expiries, checksum. What a value is the target
 * knows.
 *
 * Malformed bytes are no exception but a result: `error` says where and why, in Redis's words. The
 * memory that a file can make the reader take is at most twice the bytes it really has, and once
 * more what the compressed ones among them stand for. No JavaScript text is made of more than a
 * kilobyte of it (short-string.ts).
 */
import { ArenaFullError, toBigInt } from "@kv/core";
import { Crc64, formatCrc } from "./crc64.ts";
import {
  Opcode,
  RDB_CHECKSUM_SINCE,
  RDB_HEADER_BYTES,
  RDB_SIGNATURE,
  RDB_VERSION_MAX,
  RDB_VERSION_MIN,
} from "./format.ts";
import { allocate, RdbInput, RdbString, Status } from "./input.ts";
import { readShort, ShortString } from "./short-string.ts";
import { item, type Skipper, skipString } from "./skip-string.ts";
import { isRdbType } from "./values/form-table.ts";
import { skipModulePieces } from "./values/module.ts";

/** What stands before a key's value. */
export interface RdbRecord {
  /** The number that says what the value is; -1 between keys. */
  type: number;
  /** The key: void when the next item is read. */
  readonly key: RdbString;
  /** Milliseconds since 1970, or -1. */
  expiryMs: number;
  /** Seconds since the last access, or -1. */
  idleSeconds: number;
  /** LFU counter, or -1. */
  frequency: number;
}

/** Who gets what a file holds. */
export interface RdbTarget {
  /** A fact about the file. Both are void when this returns. */
  aux(name: ShortString, value: ShortString): void;
  /** A library of functions comes, and is passed over. Returns "", or why it must not be. */
  functions(): string;
  /** Where this is there, the library is not passed over: its code, void when this returns. */
  functionCode?: ((bytes: Uint8Array, start: number, end: number) => void) | undefined;
  /** What a module stored besides its keys is passed over. Returns "", or why it must not be. */
  moduleAux(module: string): string;
  /** The keys that follow are those of this database. Returns "", or why that cannot be. */
  selectDatabase(index: number): string;
  /** So many keys follow, so many of them with an expiry. A hint. */
  resizeDatabase(keyCount: number, expiryCount: number): void;
  /**
   * A key: reads the value from `input`. After MORE it is called again with all of the record;
   * after PART more() goes on. OK and EMPTY are the end of this key.
   */
  begin(record: RdbRecord, input: RdbInput): Status;
  /** The next part of a value. After MORE it is called again with the input at `input.mark`. */
  more(record: RdbRecord, input: RdbInput): Status;
  /** The file is over and its checksum is right, or was not computed, or is unknown to its version. */
  end(checksum: "right" | "none" | "unknown"): void;
  /** Reading has failed: a value under construction is to be given up. */
  abandon(): void;
}

/** Why a file cannot be read. */
export interface RdbError {
  /** Bytes read when it was found. */
  readonly offset: number;
  /** The reason alone. */
  readonly reason: string;
  /** The line for the log, as Redis words it. */
  readonly message: string;
  /** One that stands ahead of it in the log. */
  readonly preface?: string;
  /** The bytes are at fault. False: they may be good, but they are not for this server. */
  readonly isDamage: boolean;
  /** There was no memory for what is in them. Default false. */
  readonly lacksMemory?: boolean;
}

/** What a reader is told. */
export interface RdbReaderOptions {
  /** False: the checksum is not looked at (rdbchecksum no). Default true. */
  checksum?: boolean;
}

const SHORT_READ = "Short read or OOM loading DB. Unrecoverable error, aborting now.";
/** An item that continues in the next chunk takes at least this much of it along. */
const CARRY_STEP_BYTES = 256;

type State = "header" | "record" | "value" | "skipping" | "checksum" | "done" | "failed";

/** Reads one file: feed() the chunks, then finish(). */
export class RdbReader {
  /** Why the file cannot be read on, once there is a reason. */
  error: RdbError | undefined;
  /** The file's version; 0 before the header. */
  version = 0;
  /** The key at hand, for messages. */
  readonly record: RdbRecord = {
    type: 0,
    key: new RdbString(),
    expiryMs: -1,
    idleSeconds: -1,
    frequency: -1,
  };
  /** What was being read last, in the words of redis-check-rdb. */
  doing = "start";
  private readonly target: RdbTarget;
  private readonly sums: boolean;
  private state: State = "header";
  private readonly input = new RdbInput();
  private readonly name = new ShortString();
  private readonly text = new ShortString();
  private readonly crc = new Crc64();
  private summedAt = 0;
  /** Bytes of the file before the first one of `input`, less that one's position. */
  private base = 0;
  /** Bytes of the file that are done with. */
  private doneBytes = 0;
  private skipper: Skipper | undefined;
  private carry = new Uint8Array(4096);
  private carryView = new DataView(this.carry.buffer);
  private carriedBytes = 0;

  constructor(target: RdbTarget, options: RdbReaderOptions = {}) {
    this.target = target;
    this.sums = options.checksum ?? true;
  }

  /** True behind the end of the file. */
  get isDone(): boolean {
    return this.state === "done";
  }

  /** Bytes of the file read so far, to the item at hand. */
  get offset(): number {
    return this.base + this.input.at;
  }

  /**
   * Reads bytes[start, end). Returns the position behind the last byte that belongs to the file:
   * `end`, unless the file ended before or is malformed (then `error` is set).
   */
  feed(bytes: Uint8Array, start: number, end: number): number {
    try {
      return this.read(bytes, start, end);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      this.fail(SHORT_READ, SHORT_READ, false); // The bytes may be good: the memory is too small.
      if (this.error !== undefined) this.error = { ...this.error, lacksMemory: true };
      return start;
    }
  }

  /** There are no more bytes. Returns the error, if there is one. */
  finish(): RdbError | undefined {
    if (this.state !== "done" && this.error === undefined) {
      this.input.at = this.input.reachedAt;
      this.failInternally("Unexpected EOF reading RDB file", true, SHORT_READ);
    }
    return this.error;
  }

  private get isOver(): boolean {
    return this.state === "done" || this.state === "failed";
  }

  private read(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.carriedBytes > 0 && at < end) {
      at = this.continueCarried(bytes, at, end);
      if (this.isOver) return at;
    }
    if (at === end || this.isOver) return at;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.run(bytes, view, at, end);
    at = this.input.at;
    if (this.isOver) return at;
    this.keep(bytes, this.input.mark, end);
    return end;
  }

  /** Appends bytes to the carried item until it is complete; the position to go on from. */
  private continueCarried(bytes: Uint8Array, at: number, end: number): number {
    const had = this.carriedBytes;
    const missing = Math.max(this.input.needBytes - had, CARRY_STEP_BYTES);
    const after = at + Math.min(end - at, missing);
    this.keep(bytes, at, after);
    this.run(this.carry, this.carryView, 0, this.carriedBytes);
    // Over: `at` is where that happened. Otherwise everything up to the mark is done with.
    const used = this.isOver ? this.input.at : this.input.mark;
    if (used >= had) {
      this.carriedBytes = 0;
      return Math.min(at + used - had, after);
    }
    this.carry.copyWithin(0, used, this.carriedBytes);
    this.carriedBytes -= used;
    return after;
  }

  private keep(bytes: Uint8Array, from: number, to: number): void {
    const total = this.carriedBytes + to - from;
    if (total > this.carry.length) {
      // No more than twice what has come, whatever length was promised.
      const wanted = Math.max(this.input.needBytes, total + CARRY_STEP_BYTES);
      const larger = allocate(Math.min(total * 2, wanted));
      larger.set(this.carry.subarray(0, this.carriedBytes));
      this.carry = larger;
      this.carryView = new DataView(larger.buffer);
    }
    this.carry.set(bytes.subarray(from, to), this.carriedBytes);
    this.carriedBytes = total;
  }

  /** Reads items while they are complete. Afterwards the input's mark is where the rest begins. */
  private run(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { input } = this;
    // What was read up to here: all but what the carry still holds.
    this.base = this.doneBytes - start;
    input.attach(bytes, view, start, end);
    this.summedAt = start;
    for (;;) {
      input.mark = input.at;
      const status = this.unit();
      if (status === Status.MORE) break;
      if (status === Status.BAD) this.failInternally(input.failure, !input.isForeign);
      if (this.isOver) break;
    }
    const done = this.isOver ? input.at : input.mark;
    if (!this.isOver) this.sum(done);
    this.doneBytes = this.base + done;
  }

  private sum(until: number): void {
    if (this.sums && until > this.summedAt) this.crc.update(this.input.bytes, this.summedAt, until);
    this.summedAt = until;
  }

  private unit(): Status {
    switch (this.state) {
      case "record":
        return this.readRecord();
      case "value":
        return this.finishKey(this.target.more(this.record, this.input));
      case "skipping":
        return this.skip();
      case "checksum":
        return this.readChecksum();
      case "header":
        return this.readHeader();
      default:
        return Status.OK;
    }
  }

  private readHeader(): Status {
    const { input } = this;
    const start = input.at;
    const status = input.skip(RDB_HEADER_BYTES);
    if (status !== Status.OK) return status;
    for (let i = 0; i < RDB_SIGNATURE.length; i++) {
      if (input.bytes[start + i] !== RDB_SIGNATURE[i]) {
        this.refuse("Wrong signature trying to load DB from file");
        return Status.OK;
      }
    }
    let version = 0;
    for (let i = RDB_SIGNATURE.length; i < RDB_HEADER_BYTES; i++) {
      const digit = input.bytes[start + i] - 48;
      if (digit < 0 || digit > 9) break; // As atoi() reads it.
      version = version * 10 + digit;
    }
    if (version < RDB_VERSION_MIN || version > RDB_VERSION_MAX) {
      this.refuse(`Can't handle RDB format version ${version}`);
      return Status.OK;
    }
    this.version = version;
    this.state = "record";
    return Status.OK;
  }

  /** A key with its value, or an opcode with what belongs to it. */
  private readRecord(): Status {
    const { input, record } = this;
    this.doing = "read-type";
    if (input.at >= input.end) return input.byte();
    const type = input.bytes[input.at++];
    if (type >= Opcode.SLOT_INFO) return this.readOpcode(type);
    if (!isRdbType(type)) return input.bad(`Invalid object type: ${type}`);
    record.type = type;
    this.doing = "read-key";
    const status = input.string(record.key);
    if (status !== Status.OK) return status;
    this.doing = "read-object-value";
    return this.finishKey(this.target.begin(record, input));
  }

  private finishKey(status: Status): Status {
    if (status === Status.MORE || status === Status.BAD) return status;
    if (status === Status.PART) {
      this.state = "value";
      return Status.OK;
    }
    const { record } = this;
    record.expiryMs = -1;
    record.idleSeconds = -1;
    record.frequency = -1;
    record.type = -1;
    this.state = "record";
    return Status.OK;
  }

  private readOpcode(opcode: number): Status {
    const { input, record, target } = this;
    let status: Status;
    switch (opcode) {
      case Opcode.EXPIRETIME_MS:
        this.doing = "read-expire";
        status = input.milliseconds();
        if (status === Status.OK) record.expiryMs = input.number;
        return status;
      case Opcode.EXPIRETIME:
        this.doing = "read-expire";
        status = input.word32();
        if (status === Status.OK) record.expiryMs = input.number * 1000;
        return status;
      case Opcode.IDLE:
        status = input.length();
        if (status === Status.OK) record.idleSeconds = input.number;
        return status;
      case Opcode.FREQ:
        status = input.byte();
        if (status === Status.OK) record.frequency = input.number;
        return status;
      case Opcode.SELECTDB:
        this.doing = "read-len";
        status = input.length();
        if (status === Status.OK) this.refuse(target.selectDatabase(input.number));
        return status;
      case Opcode.RESIZEDB:
        return this.readSizes();
      case Opcode.AUX:
        this.doing = "read-aux";
        return this.beginSkip(this.readAux());
      case Opcode.FUNCTION2:
        this.doing = "read-functions";
        this.refuse(target.functions());
        return this.beginSkip(
          target.functionCode === undefined ? skipString(input) : this.readFunctionCode(),
        );
      case Opcode.MODULE_AUX:
        return this.beginModuleAux();
      case Opcode.SLOT_INFO:
        this.doing = "read-len";
        for (let i = 0; i < 3; i++) {
          status = input.length(); // Slot, keys, expiries: hints.
          if (status !== Status.OK) return status;
        }
        return Status.OK;
      case Opcode.EOF:
        return this.readEnd();
      default:
        return input.bad("Prerelease function format not supported.");
    }
  }

  private readSizes(): Status {
    const { input } = this;
    this.doing = "read-len";
    let status = input.length();
    const keyCount = input.number;
    if (status === Status.OK) status = input.length();
    if (status === Status.OK) this.target.resizeDatabase(keyCount, input.number);
    return status;
  }

  private beginModuleAux(): Status {
    const { input } = this;
    this.doing = "read-module-aux";
    let status = input.length();
    const module = moduleName(input.hi, input.lo);
    if (status === Status.OK) status = input.length(); // An opcode and the place in the file.
    if (status === Status.OK) status = input.length();
    if (status !== Status.OK) return status;
    this.refuse(this.target.moduleAux(module));
    return this.beginSkip(skipModulePieces(input));
  }

  private *readAux(): Skipper {
    const { input, name, text } = this;
    yield* readShort(input, name);
    yield* readShort(input, text);
    this.target.aux(name, text);
  }

  private *readFunctionCode(): Skipper {
    const { input, target } = this;
    yield* item(input, (each) => each.string(each.ignored));
    const { bytes, start, end } = input.ignored;
    target.functionCode?.(bytes, start, end);
  }

  /** From here on the items are taken as they come, so that a long one need not be kept. */
  private beginSkip(skipper: Skipper): Status {
    this.skipper = skipper;
    if (!this.isOver) this.state = "skipping";
    return Status.OK;
  }

  private skip(): Status {
    const { value, done } = (this.skipper as Skipper).next();
    if (done) {
      this.state = "record";
      return Status.OK;
    }
    this.input.moveMark();
    return value;
  }

  private readEnd(): Status {
    this.sum(this.input.at);
    if (this.version < RDB_CHECKSUM_SINCE) {
      this.state = "done";
      this.target.end("unknown");
    } else {
      this.state = "checksum";
    }
    return Status.OK;
  }

  private readChecksum(): Status {
    const { input, crc } = this;
    this.doing = "check-sum";
    const status = input.word64();
    if (status !== Status.OK) return status;
    const { hi, lo } = input;
    const isNone = hi === 0 && lo === 0;
    if (this.sums && !isNone && (hi !== crc.hi || lo !== crc.lo)) {
      const expected = formatCrc(hi, lo);
      const words = `Wrong RDB checksum expected: (${expected}) but got (${crc}). Aborting now.`;
      this.fail("RDB CRC error", words);
      return Status.OK;
    }
    this.state = "done";
    this.target.end(isNone ? "none" : "right");
    return Status.OK;
  }

  /** Ends the reading of a file that may be whole and is not for us; "" goes on. */
  private refuse(reason: string): void {
    if (reason !== "") this.fail(reason, reason, false);
  }

  private failInternally(reason: string, isDamage: boolean, preface?: string): void {
    const where = `Internal error in RDB reading offset ${this.offset}, function at rdb/reader`;
    this.fail(reason, `${where} -> ${reason}`, isDamage, preface);
  }

  private fail(reason: string, message: string, isDamage = true, preface?: string): void {
    const ahead = preface === undefined ? {} : { preface };
    this.error = { offset: this.offset, reason, message, isDamage, ...ahead };
    this.state = "failed";
    this.target.abandon();
  }
}

const MODULE_NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The nine letters of a module's type, from the 64-bit number that they are packed in. */
function moduleName(hi: number, lo: number): string {
  let name = "";
  // The lower 10 bits are the encoding's version.
  let letters = BigInt.asUintN(64, toBigInt(hi, lo)) >> 10n;
  for (let i = 0; i < 9; i++) {
    name = MODULE_NAME_LETTERS[Number(letters & 63n)] + name;
    letters >>= 6n;
  }
  return name;
}
