/**
 * XDELEX and XACKDEL: deletion of entries with a say in what becomes of those that are pending: see
 * reference-policy.ts.
 *
 * The reply has a number for each ID: 1: deleted; 2: kept, since a group still needs it; -1: not there.
 */
import type { StreamGroup, StreamId, StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { idAt } from "./id-argument.ts";
import {
  isNeeded,
  Policy,
  policyArgument,
  policyAt,
  removeEverywhere,
} from "./reference-policy.ts";
import { windowsOf, writeStream } from "./stream-at.ts";

const noCount = new CommandError("ERR Number of IDs must be a positive integer");
const otherCount = new CommandError(
  "ERR The `numids` parameter must match the number of arguments",
);

const Outcome = { DELETED: 1, NEEDED: 2, MISSING: -1 } as const;

/** What the request says behind the key, and the group. */
interface Request {
  readonly policy: number;
  readonly firstId: number;
  readonly endId: number;
}

/** The arguments of both commands behind the key, and the group. */
const policyArguments: readonly Argument[] = [
  policyArgument,
  { ...arg.block("ids", arg.integer("numids"), arg.many(arg.string("id"))), token: "IDS" },
];

/** Reads the options from an argument on; policy and IDs may come in either order. */
function parse(call: Call, first: number): Request {
  let policy: number = Policy.NONE;
  let firstId = 0;
  let endId = 0;
  for (let at = first; at < call.argc; at++) {
    const named = policyAt(call, at);
    if (named !== Policy.NONE) {
      if (policy !== Policy.NONE) throw errors.syntax;
      policy = named;
    } else if (call.is(at, "IDS") && at + 1 < call.argc && firstId === 0) {
      const count = call.integer(at + 1, noCount);
      if (count <= 0) throw noCount;
      firstId = at + 2;
      endId = firstId + count;
      if (endId > call.argc) throw otherCount;
      at = endId - 1;
    } else throw firstId === 0 ? errors.syntax : otherCount;
  }
  if (firstId === 0) throw errors.syntax;
  return { policy: policy === Policy.NONE ? Policy.KEEP : policy, firstId, endId };
}

/** Deletes one entry as the policy says, and replies with what became of it. */
function remove(call: Call, stream: StreamValue, policy: number, id: StreamId): number {
  if (policy === Policy.ACKNOWLEDGED && stream.has(id) && isNeeded(call, stream, id))
    return Outcome.NEEDED;
  const isDeleted = stream.delete(id);
  if (policy === Policy.REMOVE) call.dirty += removeEverywhere(stream, id);
  return isDeleted ? Outcome.DELETED : Outcome.MISSING;
}

/** Tells of the entries that were deleted. */
function tell(call: Call, deleted: number): void {
  if (deleted === 0) return;
  call.changed(1, "xdel", Notify.STREAM);
  call.dirty += deleted - 1;
}

export const xdelex = command({
  name: "xdelex",
  group: "stream",
  since: "8.2.0",
  summary: "Deletes entries of a stream, with a say in what becomes of pending ones.",
  complexity: "O(log N) for each entry and each group, where N is the number of entries.",
  arity: -5,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), ...policyArguments],

  run(call) {
    const { policy, firstId, endId } = parse(call, 2);
    const { id } = windowsOf(call);
    for (let i = firstId; i < endId; i++) idAt(call, i, id);
    const stream = writeStream(call, 1);
    call.reply.array(endId - firstId);
    let deleted = 0;
    for (let i = firstId; i < endId; i++) {
      const outcome =
        stream === null ? Outcome.MISSING : remove(call, stream, policy, idAt(call, i, id));
      if (outcome === Outcome.DELETED) deleted++;
      call.reply.integer(outcome);
    }
    tell(call, deleted);
  },
});

export const xackdel = command({
  name: "xackdel",
  group: "stream",
  since: "8.2.0",
  summary: "Acknowledges entries, and deletes them from their stream.",
  complexity: "O(log N) for each entry and each group, where N is the number of entries.",
  arity: -6,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "update", "delete")],
  args: [arg.key("key"), arg.string("group"), ...policyArguments],

  run(call) {
    const { policy, firstId, endId } = parse(call, 3);
    const { id } = windowsOf(call);
    for (let i = firstId; i < endId; i++) idAt(call, i, id);
    const stream = writeStream(call, 1);
    call.reply.array(endId - firstId);
    let deleted = 0;
    for (let i = firstId; i < endId; i++) {
      let outcome: number = Outcome.MISSING;
      if (stream !== null && acknowledge(call, stream, idAt(call, i, id))) {
        // Acknowledged it is; an entry that is gone already counts as deleted.
        outcome = remove(call, stream, policy, id);
        if (outcome === Outcome.DELETED) deleted++;
        if (outcome === Outcome.MISSING) outcome = Outcome.DELETED;
      }
      call.reply.integer(outcome);
    }
    tell(call, deleted);
  },
});

/** Acknowledges an entry in the group of argument 2. False when it is not pending there. */
function acknowledge(call: Call, stream: StreamValue, id: StreamId): boolean {
  const group: StreamGroup | null = stream.groups.find(call.bytes, call.start(2), call.end(2));
  if (group === null || !group.removePending(id)) return false;
  call.dirty++;
  return true;
}
