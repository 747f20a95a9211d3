/** XCLAIM: makes entries that are pending for others those of a consumer. */
import {
  deliveredMs,
  deliveriesHi,
  deliveriesLo,
  StreamId as Id,
  Int64,
  NONE,
  type StreamGroup,
  type StreamId,
  type StreamValue,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, fail, quoted } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  consumerOrNew,
  existingGroup,
  propagateClaim,
  propagateLastId,
  propagateNoMore,
  tellOfClaimer,
} from "./group-at.ts";
import { idAt, isIdAt } from "./id-argument.ts";
import { readStreamToChange, replyEntry, replyId, windowsOf } from "./stream-at.ts";

const noIdle = new CommandError("ERR Invalid min-idle-time argument for XCLAIM");
const noIdleOption = new CommandError("ERR Invalid IDLE option argument for XCLAIM");
const noTimeOption = new CommandError("ERR Invalid TIME option argument for XCLAIM");
const noRetryOption = new CommandError("ERR Invalid RETRYCOUNT option argument for XCLAIM");
const FIRST_ID = 5;

/** The options of the command that runs now. */
class ClaimOptions {
  idleMs = 0;
  /** The argument behind the last ID. */
  idsEnd = 0;
  /** When the entries count as delivered. */
  timeMs = 0;
  /** How often; below zero: once more. */
  readonly deliveries = new Int64();
  isForced = false;
  isIdOnly = false;
  hasLastId = false;
  readonly lastId = new Id();

  parse(call: Call): void {
    const { argc, nowMs } = call;
    this.idleMs = Math.max(0, call.integer(4, noIdle));
    this.timeMs = nowMs;
    this.deliveries.hi = -1;
    this.deliveries.lo = -1;
    this.isForced = false;
    this.isIdOnly = false;
    this.hasLastId = false;
    let at = FIRST_ID;
    while (at < argc && isIdAt(call, at)) at++;
    this.idsEnd = at;
    for (; at < argc; at++) {
      const isFollowed = at + 1 < argc;
      if (call.is(at, "FORCE")) this.isForced = true;
      else if (call.is(at, "JUSTID")) this.isIdOnly = true;
      else if (isFollowed && call.is(at, "IDLE"))
        this.timeMs = this.sane(call, nowMs - call.integer(++at, noIdleOption));
      else if (isFollowed && call.is(at, "TIME"))
        this.timeMs = this.sane(call, call.integer(++at, noTimeOption));
      else if (isFollowed && call.is(at, "RETRYCOUNT"))
        call.int64(++at, this.deliveries, noRetryOption);
      else if (isFollowed && call.is(at, "LASTID")) {
        idAt(call, ++at, this.lastId);
        this.hasLastId = true;
      } else fail(`ERR Unrecognized XCLAIM option '${quoted(call.word(at))}'`);
    }
  }

  /** Clocks of clients are not all right: what is yet to come is now. */
  private sane({ nowMs }: Call, timeMs: number): number {
    return timeMs < 0 || timeMs > nowMs ? nowMs : timeMs;
  }
}

const options = new Kept(() => new ClaimOptions());

/** What became of an entry that was to be claimed. */
const Claim = { NOTHING: 0, DROPPED: 1, TAKEN: 2 } as const;

/** Claims one entry. What was done is propagated. The stream's range is at an entry that was taken. */
function claim(call: Call, stream: StreamValue, group: StreamGroup, id: StreamId): number {
  const { change } = windowsOf(call);
  const { idleMs, timeMs, deliveries, isForced, isIdOnly } = options.of(call);
  const { arena } = call.keyspace;
  const entry = change.find(id);
  if (!stream.findEntry(id)) {
    if (entry === NONE) return Claim.NOTHING;
    propagateClaim(call, group, 1, 2, id, entry);
    change.drop(id);
    return Claim.DROPPED;
  }
  if (entry === NONE) {
    if (!isForced) return Claim.NOTHING;
    change.add(id, call.nowMs, 1);
  } else {
    if (idleMs !== 0 && call.nowMs - deliveredMs(arena, entry) < idleMs) return Claim.NOTHING;
    change.take(id);
  }
  const own = group.findPending(id);
  let hi = deliveriesHi(arena, own);
  let lo = deliveriesLo(arena, own);
  if (deliveries.hi >= 0) {
    hi = deliveries.hi;
    lo = deliveries.lo;
  } else if (!isIdOnly) {
    lo = (lo + 1) | 0;
    if (lo === 0) hi++;
  }
  group.setDelivery(id, timeMs, hi, lo);
  group.setActive(call.nowMs);
  if (call.propagates) propagateClaim(call, group, 1, 2, id, group.findPending(id));
  return Claim.TAKEN;
}

/** Claims all entries, and replies with those that were. Returns their number. */
function claimAll(call: Call, stream: StreamValue, group: StreamGroup): number {
  const { reply } = call;
  const { id, other } = windowsOf(call);
  const wanted = options.of(call);
  const isBehind = wanted.hasLastId && wanted.lastId.compare(group.readLastId(other)) > 0;
  if (isBehind) group.setLastId(wanted.lastId);
  let isTold = false;
  const handle = reply.deferArray();
  let sent = 0;
  for (let at = FIRST_ID; at < wanted.idsEnd; at++) {
    const done = claim(call, stream, group, idAt(call, at, id));
    if (done === Claim.NOTHING) continue;
    isTold = true;
    call.dirty++;
    if (done === Claim.DROPPED) continue;
    if (wanted.isIdOnly) replyId(call, id);
    else replyEntry(call, stream.range);
    sent++;
  }
  if (isBehind && !isTold) {
    propagateLastId(call, group, 1, 2);
    call.dirty++;
  }
  reply.closeArray(handle, sent);
  return sent;
}

export const xclaim = command({
  name: "xclaim",
  group: "stream",
  since: "5.0.0",
  summary: "Makes entries that are pending for other consumers those of this one.",
  complexity: "O(log N) for each entry, where N is the number of those that are pending.",
  arity: -6,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "update")],
  args: [
    arg.key("key"),
    arg.string("group"),
    arg.string("consumer"),
    arg.string("min-idle-time"),
    arg.many(arg.string("id")),
    arg.optional(arg.integer("ms", { token: "IDLE" })),
    arg.optional(arg.unixTime("unix-time-milliseconds", { token: "TIME" })),
    arg.optional(arg.integer("count", { token: "RETRYCOUNT" })),
    arg.optional(arg.token("force", "FORCE")),
    arg.optional(arg.token("justid", "JUSTID")),
    arg.optional(arg.string("lastid", { token: "LASTID" })),
  ],
  tips: ["nondeterministic_output"],

  run(call) {
    const stream = readStreamToChange(call, 1);
    const group = existingGroup(call, stream, 1, 2);
    options.of(call).parse(call);
    if (stream === null) return;
    const { change } = windowsOf(call);
    const isMade = consumerOrNew(call, group, 3);
    change.begin(stream, group, isMade);
    let claimed: number;
    try {
      group.setSeen(call.nowMs);
      claimed = claimAll(call, stream, group);
    } catch (full) {
      change.rollBack();
      throw full;
    }
    change.commit();
    if (isMade) tellOfClaimer(call, claimed);
    propagateNoMore(call);
  },
});
