/** How a pair looks in a file: its two texts under a number of its own. */
import { eachElement, freeEntry, type Keyspace, NONE, type Ref } from "@kv/core";
import { type RdbForm, type RdbInput, RdbString, Status, type ValueReader } from "@kv/persistence";
import { skipString } from "@kv/persistence/testing";
import { createPair, PAIR_ENCODING, PAIR_TYPE } from "./pair-kind.ts";

/** Stands for nothing in Redis. */
const PAIR_NUMBER = 99;

class PairReader implements ValueReader {
  private readonly keyspace: Keyspace;
  private readonly one = new RdbString();
  private readonly two = new RdbString();
  private entry: Ref = NONE;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  begin(input: RdbInput, _type: number, key: RdbString, expiryMs: number): Status {
    const { one, two, keyspace } = this;
    let status = input.string(one);
    if (status === Status.OK) status = input.string(two);
    if (status !== Status.OK) return status;
    this.entry = createPair(keyspace.arena, keyspace.cuts.epoch, key, one, two, expiryMs);
    return status;
  }

  more(): Status {
    return Status.OK;
  }

  finish(): Ref {
    const { entry } = this;
    this.entry = NONE;
    return entry;
  }

  discard(): void {
    if (this.entry !== NONE) freeEntry(this.keyspace.arena, this.entry);
    this.entry = NONE;
  }
}

export const pairForm: RdbForm = {
  reads: [
    {
      type: PAIR_NUMBER,
      name: "pair",
      *skip(input) {
        yield* skipString(input);
        yield* skipString(input);
      },
    },
  ],
  writes: [
    {
      type: PAIR_TYPE,
      encoding: PAIR_ENCODING,
      rdbType: () => PAIR_NUMBER,
      write: (to, entry) => eachElement(to.arena, entry, to.elements),
    },
  ],
  createReader: (keyspace) => new PairReader(keyspace),
};
