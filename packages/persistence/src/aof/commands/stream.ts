/**
 * Streams: an entry is one XADD. What else there is to a stream follows: where its IDs have come to, its
 * groups, and what is pending for whom.
 *
 *      XADD key id field value ...          each entry; without any: XADD key MAXLEN 0 0-1 x y
 *      XSETID key last ENTRIESADDED n MAXDELETEDID id
 *      XGROUP CREATE key group last ENTRIESREAD n
 *      XGROUP CREATECONSUMER key group consumer                 a consumer for whom nothing is pending
 *      XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE      for whom something is
 *
 * When consumers were seen is lost, and so is what is pending of entries that are gone: XCLAIM does not
 * take those.
 */
import { Part, type Ref, type StreamId, type StreamPart, Type, valueRef } from "@kv/core";
import { commandWord, wordOf } from "../command-output.ts";
import type { CommandForm, CommandTarget } from "./form.ts";

const XADD = commandWord("XADD");
const MAXLEN = commandWord("MAXLEN");
const ZERO = commandWord("0");
const FIRST_ID = commandWord("0-1");
const SOME_FIELD = commandWord("x");
const SOME_VALUE = commandWord("y");
const XSETID = commandWord("XSETID");
const ENTRIESADDED = commandWord("ENTRIESADDED");
const MAXDELETEDID = commandWord("MAXDELETEDID");
const XGROUP = commandWord("XGROUP");
const CREATE = commandWord("CREATE");
const ENTRIESREAD = commandWord("ENTRIESREAD");
const CREATECONSUMER = commandWord("CREATECONSUMER");
const XCLAIM = commandWord("XCLAIM");
const TIME = commandWord("TIME");
const RETRYCOUNT = commandWord("RETRYCOUNT");
const JUSTID = commandWord("JUSTID");
const FORCE = commandWord("FORCE");

function writeEntries({ output, key, range }: CommandTarget, { id, block }: StreamPart): void {
  range.beginBlock(block, id);
  while (range.next()) {
    output.command(3 + 2 * range.fieldCount);
    output.word(XADD);
    output.text(key);
    output.id(range.id);
    while (range.nextField()) {
      output.text(range.field);
      output.text(range.value);
    }
  }
}

function writeHeader({ arena, output, key, facts }: CommandTarget, header: Ref): void {
  facts.readHeader(arena, header);
  if (facts.length === 0) {
    output.command(7);
    output.word(XADD);
    output.text(key);
    for (const each of NO_ENTRIES) output.word(each);
  }
  output.command(7);
  output.word(XSETID);
  output.text(key);
  output.id(facts.lastId);
  output.word(ENTRIESADDED);
  output.integer(facts.hi, facts.lo);
  output.word(MAXDELETEDID);
  output.id(facts.deletedId);
}
const NO_ENTRIES = [MAXLEN, ZERO, FIRST_ID, SOME_FIELD, SOME_VALUE];

function writeGroup({ arena, output, key, facts }: CommandTarget, group: Ref): void {
  facts.readGroup(arena, group);
  key.group = wordOf(facts.name);
  output.command(7);
  output.word(XGROUP);
  output.word(CREATE);
  output.text(key);
  output.word(key.group);
  output.id(facts.lastId);
  output.word(ENTRIESREAD);
  output.integer(facts.hi, facts.lo);
}

function writeConsumer({ arena, output, key, facts }: CommandTarget, consumer: Ref): void {
  facts.readConsumer(arena, consumer);
  key.consumer = wordOf(facts.name);
  if (facts.pendingCount > 0) return;
  output.command(5);
  output.word(XGROUP);
  output.word(CREATECONSUMER);
  output.text(key);
  output.word(key.group);
  output.word(key.consumer);
}

function writePending(
  { arena, output, key, facts }: CommandTarget,
  id: StreamId,
  pending: Ref,
): void {
  facts.readPending(arena, pending);
  output.command(12);
  output.word(XCLAIM);
  output.text(key);
  output.word(key.group);
  output.word(key.consumer);
  output.word(ZERO);
  output.id(id);
  output.word(TIME);
  output.integer(facts.hi, facts.lo);
  output.word(RETRYCOUNT);
  output.integer(facts.secondHi, facts.secondLo);
  output.word(JUSTID);
  output.word(FORCE);
}

function writePart(to: CommandTarget, part: StreamPart): void {
  const { block } = part;
  switch (part.part) {
    case Part.BLOCK:
      writeEntries(to, part);
      break;
    case Part.HEADER:
      writeHeader(to, block);
      break;
    case Part.GROUP:
      writeGroup(to, block);
      break;
    case Part.CONSUMER:
      writeConsumer(to, block);
      break;
    case Part.CONSUMER_PENDING:
      writePending(to, part.id, block);
      break;
    // The rest says again what these do.
  }
}

export const streamCommands: CommandForm = {
  type: Type.STREAM,
  write(to, entry) {
    const { parts } = to;
    parts.attach(valueRef(to.arena, entry));
    while (parts.next()) writePart(to, parts);
  },
  piece: (to, ref) => writePart(to, to.part.read(to.arena, ref)),
};
