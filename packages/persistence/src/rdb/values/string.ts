/** Strings: one string of bytes under number 0, integers in their short form. */
import {
  type Arena,
  createString,
  Encoding,
  type Keyspace,
  type Ref,
  readInteger,
  Type,
} from "@kv/core";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import { skipString } from "../skip-string.ts";
import type { RdbForm, ValueOutput, ValueReader, WriteForm } from "./form.ts";
import { stringEnd } from "./value-end.ts";

const rdbType = () => RdbType.STRING;

/** Writes the string that an entry holds: called by name where strings are not asked for their kind. */
export function writeString({ arena, output, string, integer }: ValueOutput, entry: Ref): void {
  if (readInteger(arena, entry, integer)) {
    output.integer(integer.hi, integer.lo);
  } else {
    string.read(arena, entry);
    output.string(string.bytes, string.view, string.start, string.end);
  }
}

function kind(encoding: number): WriteForm {
  return { type: Type.STRING, encoding, rdbType, write: writeString };
}

/** The bytes go straight into the arena when the value is finished. */
export class StringReader implements ValueReader {
  private readonly arena: Arena;
  private readonly keyspace: Keyspace;
  private readonly value = new RdbString();

  constructor(keyspace: Keyspace) {
    this.arena = keyspace.arena;
    this.keyspace = keyspace;
  }

  begin(input: RdbInput): Status {
    return input.string(this.value);
  }

  more(): Status {
    return Status.OK;
  }

  finish(key: RdbString, expiryMs: number, idle = 0): Ref {
    const { value } = this;
    return createString(
      this.arena,
      this.keyspace.cuts.epoch,
      key.bytes,
      key.start,
      key.end,
      value.bytes,
      value.start,
      value.end,
      idle,
      expiryMs,
    );
  }

  discard(): void {
    // Nothing is held.
  }
}

export const stringForm: RdbForm = {
  reads: [{ type: RdbType.STRING, name: "string", end: stringEnd, skip: skipString }],
  writes: [kind(Encoding.RAW), kind(Encoding.INT), kind(Encoding.EMBSTR)],
  createReader: (keyspace) => new StringReader(keyspace),
};
