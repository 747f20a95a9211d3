/** Strings: one string of bytes under number 0, integers in their short form. */
import {
  type Arena,
  createString,
  Encoding,
  eachElement,
  type Keyspace,
  type Ref,
  Type,
} from "@kv/core";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import { skipString } from "../skip-string.ts";
import type { RdbForm, ValueOutput, ValueReader, WriteForm } from "./form.ts";

const rdbType = () => RdbType.STRING;

function write(to: ValueOutput, entry: Ref): void {
  eachElement(to.arena, entry, to.elements);
}

const kind = (encoding: number): WriteForm => ({ type: Type.STRING, encoding, rdbType, write });

/** The bytes go straight into the arena when the value is finished. */
class StringReader implements ValueReader {
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

  finish(key: RdbString, expiryMs: number): Ref {
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
      0,
      expiryMs,
    );
  }

  discard(): void {
    // Nothing is held.
  }
}

export const stringForm: RdbForm = {
  reads: [{ type: RdbType.STRING, name: "string", isOneString: true, skip: skipString }],
  writes: [kind(Encoding.RAW), kind(Encoding.INT), kind(Encoding.EMBSTR)],
  createReader: (keyspace) => new StringReader(keyspace),
};
