/**
 * Streams: blocks of entries, what the header says, groups with what is pending and for whom.
 *
 *      blocks     count, then each: ID (a string of 16 bytes), listpack
 *      header     entries, last ID; since version 2 first ID, highest deleted ID, entries added
 *      groups     count, then each: name, last ID; since version 2 entries read
 *                 pending: count, then each: ID, time (8 bytes), deliveries
 *                 consumers: count, then each: name, seen (8 bytes); since version 3 active (8 bytes);
 *                            pending: count, then each: ID
 *
 * IDs are two lengths in the header and of groups, elsewhere 16 bytes, high ones first. Version 1 is
 * number 15, 2 is 19 (files of version 10), 3 is 21 (from version 11 on).
 */
import {
  Encoding,
  FILE_ID_BYTES,
  Int64,
  type Keyspace,
  Part,
  type Ref,
  StreamBlockOrder,
  StreamId,
  StreamLoading,
  type StreamPart,
  Type,
  valueRef,
  writeFileId,
} from "@kv/core";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import type { RdbOutput } from "../output.ts";
import { item, type Skipper } from "../skip-string.ts";
import type { RdbForm, ValueOutput, ValueReader, WriteForm } from "./form.ts";
import { bytes, length, repeat, string } from "./grammar.ts";
import { writeListpack } from "./packed.ts";

/** From this version of files on, consumers tell when they were active. */
const ACTIVE_SINCE = 11;
const TIME_BYTES = 8;
const BAD_BLOCK_ID = "Stream node key entry is not the size of a stream ID";

// --- Writing ---------------------------------------------------------------------------------

const idBytes = new Uint8Array(FILE_ID_BYTES);

function writeIdBytes({ output }: ValueOutput, id: StreamId): void {
  writeFileId(id, idBytes);
  output.bytes(idBytes, 0, FILE_ID_BYTES);
}

function writeIdLengths(output: RdbOutput, id: StreamId): void {
  output.length64(id.msHi, id.msLo);
  output.length64(id.seqHi, id.seqLo);
}

function writeHeader({ output, facts }: ValueOutput): void {
  output.length(facts.length);
  writeIdLengths(output, facts.lastId);
  writeIdLengths(output, facts.firstId);
  writeIdLengths(output, facts.deletedId);
  output.length64(facts.hi, facts.lo);
  output.length(facts.groupCount);
}

function writeName({ output, facts: { name } }: ValueOutput): void {
  output.string(name.bytes, name.view, name.start, name.end);
}

function writeConsumer(to: ValueOutput): void {
  const { output, facts } = to;
  writeName(to);
  output.word64(facts.hi, facts.lo);
  if (to.version >= ACTIVE_SINCE) output.word64(facts.secondHi, facts.secondLo);
  output.length(facts.pendingCount);
}

function writePart(to: ValueOutput, { part, block, id }: StreamPart): void {
  const { arena, output, facts } = to;
  switch (part) {
    case Part.BLOCK: {
      output.length(FILE_ID_BYTES);
      writeIdBytes(to, id);
      writeListpack(to, block);
      break;
    }
    case Part.HEADER:
      facts.readHeader(arena, block);
      writeHeader(to);
      break;
    case Part.GROUP:
      facts.readGroup(arena, block);
      writeName(to);
      writeIdLengths(output, facts.lastId);
      output.length64(facts.hi, facts.lo);
      output.length(facts.pendingCount);
      break;
    case Part.PENDING:
      facts.readPending(arena, block);
      writeIdBytes(to, id);
      output.word64(facts.hi, facts.lo);
      output.length64(facts.secondHi, facts.secondLo);
      break;
    case Part.CONSUMERS:
      facts.readGroup(arena, block);
      output.length(facts.consumerCount);
      break;
    case Part.CONSUMER:
      facts.readConsumer(arena, block);
      writeConsumer(to);
      break;
    default:
      writeIdBytes(to, id);
  }
}

function begin({ arena, output, facts }: ValueOutput, entry: Ref): void {
  facts.readHeader(arena, valueRef(arena, entry));
  output.length(facts.blockCount);
}

const asBlocks: WriteForm = {
  type: Type.STREAM,
  encoding: Encoding.STREAM,
  rdbType: (_arena, _entry, version) =>
    version >= ACTIVE_SINCE ? RdbType.STREAM_LISTPACKS_3 : RdbType.STREAM_LISTPACKS_2,
  write(to, entry) {
    begin(to, entry);
    const walk = to.parts.attach(valueRef(to.arena, entry));
    while (walk.next()) writePart(to, walk);
  },
  pieces: {
    begin(to, entry) {
      begin(to, entry);
      return 0;
    },
    element: (to, ref) => writePart(to, to.part.read(to.arena, ref)),
  },
};

// --- Reading ---------------------------------------------------------------------------------

/** What is to be read next. */
type Step = "block" | "header" | "group" | "pending" | "consumers" | "consumer" | "consumerPending";

class StreamReader implements ValueReader {
  private readonly epochOf: () => number;
  private readonly loading: StreamLoading;
  private readonly idText = new RdbString();
  private readonly text = new RdbString();
  private readonly lastId = new StreamId();
  private readonly firstId = new StreamId();
  private readonly deletedId = new StreamId();
  private readonly wide = new Int64();
  private version = 1;
  private next: Step = "block";
  private blocksLeft = 0;
  private groupsLeft = 0;
  private pendingLeft = 0;
  private consumersLeft = 0;

  constructor(keyspace: Keyspace) {
    this.epochOf = () => keyspace.cuts.epoch;
    this.loading = new StreamLoading(keyspace.arena);
  }

  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    const status = input.length();
    if (status !== Status.OK) return status;
    this.version =
      type === RdbType.STREAM_LISTPACKS ? 1 : type === RdbType.STREAM_LISTPACKS_2 ? 2 : 3;
    this.blocksLeft = input.number;
    this.next = "block";
    this.loading.begin(this.epochOf(), key.bytes, key.start, key.end, expiryMs);
    return Status.PART;
  }

  more(input: RdbInput): Status {
    for (;;) {
      input.mark = input.at;
      if (this.isOver()) {
        if (this.groupsLeft === 0) return Status.OK;
        this.next = "group";
      }
      const status = this.step(input);
      if (status !== Status.OK) return status;
    }
  }

  /** Goes on to what comes behind the last block, entry or consumer. True between two groups. */
  private isOver(): boolean {
    if (this.next === "block" && this.blocksLeft === 0) this.next = "header";
    if (this.next === "pending" && this.pendingLeft === 0) this.next = "consumers";
    if (this.next === "consumerPending" && this.pendingLeft === 0) this.next = "consumer";
    return this.next === "group" || (this.next === "consumer" && this.consumersLeft === 0);
  }

  private step(input: RdbInput): Status {
    switch (this.next) {
      case "block":
        return this.block(input);
      case "header":
        return this.header(input);
      case "group":
        return this.group(input);
      case "pending":
        return this.pending(input);
      case "consumers":
        return this.consumers(input);
      case "consumer":
        return this.consumer(input);
      default:
        return this.consumerPending(input);
    }
  }

  private block(input: RdbInput): Status {
    const { idText, text } = this;
    let status = input.string(idText);
    if (status === Status.OK) status = input.string(text);
    if (status !== Status.OK) return status;
    if (idText.length !== FILE_ID_BYTES) return input.bad(BAD_BLOCK_ID);
    this.blocksLeft--;
    return this.judged(
      input,
      this.loading.addBlock(idText.view, idText.start, text.bytes, text.start, text.end),
    );
  }

  private judged(input: RdbInput, fault: string): Status {
    return fault === "" ? Status.OK : input.bad(fault);
  }

  private header(input: RdbInput): Status {
    const { loading, lastId, firstId, deletedId, wide } = this;
    let status = input.length();
    if (status !== Status.OK) return status;
    const entries = input.number;
    status = readIdLengths(input, lastId);
    if (status === Status.OK && this.version > 1) {
      status = readIdLengths(input, firstId);
      if (status === Status.OK) status = readIdLengths(input, deletedId);
      if (status === Status.OK) status = readLength64(input, this.wide);
    }
    if (status !== Status.OK) return status;
    const { hi, lo } = wide;
    status = input.length();
    if (status !== Status.OK) return status;
    this.groupsLeft = input.number;
    this.next = "group";
    const fault = loading.endBlocks(entries, lastId);
    if (fault === "" && this.version > 1) loading.setFacts(deletedId, hi, lo);
    return this.judged(input, fault);
  }

  private group(input: RdbInput): Status {
    const { loading, text, lastId, wide } = this;
    let status = input.string(text);
    if (status === Status.OK) status = readIdLengths(input, lastId);
    if (status === Status.OK && this.version > 1) status = readLength64(input, this.wide);
    if (status !== Status.OK) return status;
    const { hi, lo } = wide;
    status = input.length();
    if (status !== Status.OK) return status;
    this.groupsLeft--;
    this.pendingLeft = input.number;
    this.next = "pending";
    const { bytes, start, end } = text;
    return this.judged(
      input,
      loading.addGroup(bytes, start, end, lastId, this.version > 1, hi, lo),
    );
  }

  private pending(input: RdbInput): Status {
    const { at, view } = input;
    let status = input.skip(FILE_ID_BYTES + TIME_BYTES);
    if (status === Status.OK) status = readLength64(input, this.wide);
    if (status !== Status.OK) return status;
    this.pendingLeft--;
    const { hi, lo } = this.wide;
    return this.judged(input, this.loading.addPending(view, at, hi, lo));
  }

  private consumers(input: RdbInput): Status {
    const status = input.length();
    if (status !== Status.OK) return status;
    this.consumersLeft = input.number;
    this.next = "consumer";
    return this.consumersLeft === 0 ? this.judged(input, this.loading.endGroup()) : status;
  }

  private consumer(input: RdbInput): Status {
    const { text, loading } = this;
    let status = input.string(text);
    if (status !== Status.OK) return status;
    const { at, view } = input;
    const activeAt = this.version > 2 ? at + TIME_BYTES : at;
    status = input.skip(activeAt + TIME_BYTES - at);
    if (status === Status.OK) status = input.length();
    if (status !== Status.OK) return status;
    this.consumersLeft--;
    this.pendingLeft = input.number;
    this.next = "consumerPending";
    const fault = loading.addConsumer(text.bytes, text.start, text.end, view, at, activeAt);
    return this.judged(input, fault === "" ? this.endOfGroup() : fault);
  }

  /** What is wrong with the group, if this was its last part. */
  private endOfGroup(): string {
    return this.consumersLeft === 0 && this.pendingLeft === 0 ? this.loading.endGroup() : "";
  }

  private consumerPending(input: RdbInput): Status {
    const { at, view } = input;
    const status = input.skip(FILE_ID_BYTES);
    if (status !== Status.OK) return status;
    this.pendingLeft--;
    const fault = this.loading.addConsumerPending(view, at);
    return this.judged(input, fault === "" ? this.endOfGroup() : fault);
  }

  finish(): Ref {
    return this.loading.finish();
  }

  discard(): void {
    this.loading.discard();
  }
}

// --- Forms -----------------------------------------------------------------------------------

/** Reads a length as 64 bits. */
function readLength64(input: RdbInput, out: Int64): Status {
  const status = input.length();
  const isLong = input.number >= 2 ** 32;
  out.hi = isLong ? input.hi : 0;
  out.lo = isLong ? input.lo : input.number | 0;
  return status;
}

const ms = new Int64();
const seq = new Int64();

/** Reads two lengths as an ID. */
function readIdLengths(input: RdbInput, out: StreamId): Status {
  let status = readLength64(input, ms);
  if (status === Status.OK) status = readLength64(input, seq);
  out.set(ms.hi, ms.lo, seq.hi, seq.lo);
  return status;
}

/** Blocks and what the header says of them. Groups are followed, not understood: that takes all they hold. */
function* blocks(input: RdbInput): Skipper {
  const order = new StreamBlockOrder();
  const idText = new RdbString();
  const readBlock = (each: RdbInput): Status => {
    let status = each.string(idText);
    if (status === Status.OK && idText.length !== FILE_ID_BYTES) return each.bad(BAD_BLOCK_ID);
    if (status === Status.OK) status = each.string(each.ignored);
    if (status !== Status.OK) return status;
    const { bytes: text, start, end } = each.ignored;
    const fault = order.fault(idText.view, idText.start, text, start, end);
    return fault === "" ? Status.OK : each.bad(fault);
  };
  yield* length(input);
  for (let left = input.number; left > 0; left--) yield* item(input, readBlock);
  yield* item(input, (each) => {
    let status = each.length();
    const entries = each.number;
    const lastId = new StreamId();
    if (status === Status.OK) status = readIdLengths(each, lastId);
    if (status !== Status.OK) return status;
    const fault = order.endFault(entries, lastId);
    return fault === "" ? Status.OK : each.bad(fault);
  });
}

function* stream(input: RdbInput, version: number): Skipper {
  yield* blocks(input);
  // Since version 2 the first ID, the largest deleted one, and a counter.
  for (let i = version > 1 ? 5 : 0; i > 0; i--) yield* length(input);
  yield* length(input);
  for (let groups = input.number; groups > 0; groups--) {
    yield* string(input);
    for (let i = version > 1 ? 3 : 2; i > 0; i--) yield* length(input);
    // Pending entries: an ID, the time of delivery, how often.
    yield* repeat(input, bytes(24), length);
    yield* length(input);
    for (let consumers = input.number; consumers > 0; consumers--) {
      yield* string(input);
      yield* bytes(version > 2 ? 16 : 8)(input); // Seen, and since version 3 active.
      yield* repeat(input, bytes(16));
    }
  }
}

export const streamForm: RdbForm = {
  reads: [
    {
      type: RdbType.STREAM_LISTPACKS,
      name: "stream",
      skip: (input) => stream(input, 1),
    },
    {
      type: RdbType.STREAM_LISTPACKS_2,
      name: "stream-v2",
      skip: (input) => stream(input, 2),
    },
    {
      type: RdbType.STREAM_LISTPACKS_3,
      name: "stream-v3",
      skip: (input) => stream(input, 3),
    },
  ],
  writes: [asBlocks],
  createReader: (keyspace) => new StreamReader(keyspace),
};
