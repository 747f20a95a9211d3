/**
 * RdbForm: how the values of one type look in RDB files, DUMP payloads and streams to replicas.
 *
 * For every number that stands for such a value in a file (RdbType) a form has a name and a grammar,
 * so that it can be passed over; for every kind in which the value is kept (core's ValueKind) the way
 * in which it is written; and one reader, which builds values from any of its numbers, the oldest too.
 *
 * A new type is one file beside this one and one line in forms.ts.
 */
import {
  type Arena,
  ElementVisitor,
  Int64,
  type Keyspace,
  type ListpackValue,
  PartWalk,
  type Ref,
  StreamFacts,
  StreamPart,
  StringView,
  type ValueLimits,
} from "@kv/core";
import type { Distinct } from "../distinct.ts";
import { RDB_VERSION_DEFAULT, type RdbWriteVersion } from "../format.ts";
import type { RdbInput, RdbString, Status } from "../input.ts";
import type { RdbOutput } from "../output.ts";
import type { Skipper } from "../skip-string.ts";
import type { ValueEnd } from "./value-end.ts";

/** One number that stands for values in a file. */
export interface ReadForm {
  /** The number: one of RdbType. */
  readonly type: number;
  /** In the words of redis-check-rdb. */
  readonly name: string;
  /** Where a value ends, if that is quicker to tell than a cache miss takes: key-peek.ts. */
  readonly end?: ValueEnd;
  /** Passes over a value, checking it. `seen` is for use, one value at a time. */
  skip(input: RdbInput, seen: Distinct): Skipper;
}

/** How the values of one kind are written. */
export interface WriteForm {
  /** The kind. */
  readonly type: number;
  /** The kind's encoding. */
  readonly encoding: number;
  /** The number under which the entry's value is stored, in a file of this version. */
  rdbType(arena: Arena, entry: Ref, version: RdbWriteVersion): number;
  /** Writes the value, without its number and key. */
  write(to: ValueOutput, entry: Ref): void;
  /** How a value is written that comes in pieces: there if the kind has pieces, and only then. */
  readonly pieces?: {
    /** What stands before the elements. */
    begin(to: ValueOutput, entry: Ref, elementCount: number): void;
    /** A number that element() is to be told with each element of this value. Default 0. */
    tells?(arena: Arena, entry: Ref): number;
    /** One element, as the kind keeps it. */
    element(to: ValueOutput, ref: Ref, told: number): void;
  };
}

/** Builds one value after the other. */
export interface ValueReader {
  /**
   * Reads a value stored under the number `type`, or its first part, for `key`, which is to have the
   * expiry `expiryMs` or -1. After PART more() goes on, after OK finish() has the value. With MORE
   * nothing has happened; with EMPTY the value has been passed over.
   */
  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status;
  /** Goes on after PART; after MORE it is called again with the input at `input.mark`. */
  more(input: RdbInput): Status;
  /** The entry with the whole value: the caller's from now on. May throw ArenaFullError. */
  finish(key: RdbString, expiryMs: number): Ref;
  /** Gives back what has been read, whole or not. */
  discard(): void;
}

/** The file forms of one type of values. */
export interface RdbForm {
  /** The numbers that stand for such values. */
  readonly reads: readonly ReadForm[];
  /** How each kind of the type is written. */
  readonly writes: readonly WriteForm[];
  /** Without it the values are checked, but not loaded. */
  createReader?(keyspace: Keyspace, limits: ValueLimits): ValueReader;
}

/**
 * Writes the elements that it is shown: each as a string, a field with its value as two, a member with
 * the eight bytes of its score.
 */
export class ElementWriter extends ElementVisitor {
  private readonly output: RdbOutput;
  private readonly double = new Float64Array(1);
  private readonly words = new Int32Array(this.double.buffer);

  constructor(output: RdbOutput) {
    super();
    this.output = output;
  }

  /** Writes an element. */
  element(): void {
    this.write(this.text);
  }

  /** Writes a field and its value. */
  pair(): void {
    this.write(this.text);
    this.write(this.value);
  }

  /** Writes a member and its score. */
  override scored(): void {
    this.write(this.text);
    this.double[0] = this.score;
    this.output.word64(this.words[1] as number, this.words[0] as number);
  }

  private write(text: ListpackValue): void {
    if (text.isInteger) this.output.integer(text.hi, text.lo);
    else this.output.string(text.bytes, text.view, text.start, text.end);
  }
}

/** Where values of one arena are written to. */
export class ValueOutput {
  /** Where the values live. */
  readonly arena: Arena;
  /** Where the bytes go. */
  readonly output: RdbOutput;
  /** The version of the file that they become part of. */
  readonly version: RdbWriteVersion;
  /** Writes elements. */
  readonly elements: ElementWriter;
  /** For use by writers: a window on a string. */
  readonly string = new StringView();
  /** For use by writers: an integer. */
  readonly integer = new Int64();
  /** For use by writers: a walk over a whole stream. */
  readonly parts: PartWalk;
  /** For use by writers: a part of a stream. */
  readonly part = new StreamPart();
  /** For use by writers: what a part of a stream says. */
  readonly facts = new StreamFacts();

  constructor(arena: Arena, output: RdbOutput, version: RdbWriteVersion = RDB_VERSION_DEFAULT) {
    this.arena = arena;
    this.output = output;
    this.version = version;
    this.elements = new ElementWriter(output);
    this.parts = new PartWalk(arena);
  }
}
