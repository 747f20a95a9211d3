/** XADD: appends an entry, and may trim the stream. */
import { NONE, type Ref, type StreamId, type StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arityError, CommandError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { IdForm, newIdAt } from "./id-argument.ts";
import { policyArgument } from "./reference-policy.ts";
import { adopt, createAside, forget, replyId, windowsOf, writeStream } from "./stream-at.ts";
import { TrimOptions, trimArgument, wordsOf } from "./trim-options.ts";

const options = new Kept(() => new TrimOptions());
const xaddArity = arityError("xadd");
const zeroId = new CommandError("ERR The ID specified in XADD must be greater than 0-0");
const lowId = new CommandError(
  "ERR The ID specified in XADD is equal or smaller than the target stream top item",
);
const exhausted = new CommandError(
  "ERR The stream has exhausted the last possible ID, unable to add more items",
);
const tooLarge = new CommandError("ERR Elements are too large to be stored");
/** More bytes than that are no entry. */
const ENTRY_BYTES_MAX = 2 ** 30;
/** How the ID is given. */
const AUTOMATIC = -1;

function isMax({ msHi, msLo, seqHi, seqLo }: StreamId): boolean {
  return (msHi & msLo & seqHi & seqLo) === -1;
}

/** Makes `id` the new entry's ID: `form` says what is given of it. `last` is the stream's last one. */
function completeId(call: Call, form: number, last: StreamId, id: StreamId): void {
  if (form === AUTOMATIC) {
    id.setMs(call.nowMs);
    // The clock may stand still or go back: then the last ID is counted on.
    if (id.msHi === last.msHi ? id.msLo >>> 0 <= last.msLo >>> 0 : id.msHi < last.msHi >>> 0) {
      id.copy(last);
      id.increment();
    }
  } else if (form === IdForm.OPEN_SEQUENCE && id.msHi === last.msHi && id.msLo === last.msLo) {
    if ((last.seqHi & last.seqLo) === -1) throw lowId;
    id.copy(last);
    id.increment();
  }
  if (id.compare(last) <= 0) throw lowId;
}

function append(call: Call, stream: StreamValue, form: number, first: number): void {
  const { id, other } = windowsOf(call);
  const last = stream.readLastId(other);
  if (isMax(last)) throw exhausted;
  completeId(call, form, last, id);
  if (call.end(call.argc - 1) - call.start(first) > ENTRY_BYTES_MAX) throw tooLarge;
  stream.append(id, call, first, (call.argc - first) >> 1, call.settings.limits.stream);
}

/** Appends to the stream at argument 1, or makes it. False when it is not to be made. */
function appendOrCreate(call: Call, form: number, first: number, isPresentOnly: boolean): boolean {
  const present = writeStream(call, 1);
  if (present !== null) {
    append(call, present, form, first);
    return true;
  }
  if (isPresentOnly) return false;
  let entry: Ref = NONE;
  try {
    entry = createAside(call, 1);
    append(call, windowsOf(call).stream, form, first);
    adopt(call, 1, entry);
  } catch (error) {
    if (entry !== NONE) forget(call, entry);
    throw error;
  }
  return true;
}

export const xadd = command({
  name: "xadd",
  group: "stream",
  since: "5.0.0",
  summary: "Appends an entry to a stream, which is made if need be.",
  complexity: "O(1), and O(N) with trimming, where N is the number of entries that go.",
  arity: -5,
  flags: ["write", "denyoom", "fast"],
  keys: [
    {
      ...keyAt(1, "RW", "update"),
      notes: "UPDATE instead of INSERT because of the optional trimming feature",
    },
  ],
  args: [
    arg.key("key"),
    arg.optional(arg.token("nomkstream", "NOMKSTREAM", { since: "6.2.0" })),
    policyArgument,
    arg.optional(trimArgument),
    arg.oneOf("id-selector", arg.token("auto-id", "*"), arg.string("id")),
    arg.many(arg.block("data", arg.string("field"), arg.string("value"))),
  ],
  tips: ["nondeterministic_output"],
  history: [
    ["6.2.0", "Takes `NOMKSTREAM`, `MINID` and `LIMIT`."],
    ["7.0.0", "Takes IDs of the form `<ms>-*`."],
    ["8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`."],
  ],

  run(call) {
    const trimming = options.of(call);
    const idIndex = trimming.parse(call, true);
    const { id } = windowsOf(call);
    let form = AUTOMATIC;
    if (idIndex < call.argc && !(call.length(idIndex) === 1 && call.is(idIndex, "*")))
      form = newIdAt(call, idIndex, id);
    trimming.complete(call, true);
    const words = call.argc - idIndex - 1;
    if (words < 2 || words % 2 === 1) throw xaddArity;
    if (form === IdForm.WHOLE && id.isZero) throw zeroId;
    if (!appendOrCreate(call, form, idIndex + 1, trimming.isPresentOnly)) {
      call.reply.null();
      return;
    }
    replyId(call, id);
    call.event(1, "xadd", Notify.STREAM);
    const { stream } = windowsOf(call);
    if (trimming.trim(call, stream) > 0) call.event(1, "xtrim", Notify.STREAM);
    call.modified(1);
    if (call.propagates && (form !== IdForm.WHOLE || trimming.isRewritten)) {
      const rewritten = wordsOf(call);
      trimming.rewrite(stream, rewritten);
      if (form !== IdForm.WHOLE) rewritten[idIndex] = id.toString();
      call.propagateAs(...rewritten);
    }
  },
});
