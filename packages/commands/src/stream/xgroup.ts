/** XGROUP: makes, changes and destroys groups of consumers. */
import { Int64, type Ref, type StreamGroup, type StreamId, type StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, fail, quoted } from "../call/errors.ts";
import { helpCommand, subcommandError } from "../call/help.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { type Command, type CommandSpec, command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { consumerAt, groupAt } from "./group-at.ts";
import { anyIdAt, idAt } from "./id-argument.ts";
import { adopt, createAside, forget, windowsOf, writeStream } from "./stream-at.ts";

const noKey = new CommandError(
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
const busyGroup = new CommandError("BUSYGROUP Consumer Group name already exists");
const negativeRead = new CommandError("ERR value for ENTRIESREAD must be positive or -1");

function noGroup(call: Call): never {
  fail(
    `NOGROUP No such consumer group '${quoted(call.text(3))}' for key name '${quoted(call.text(2))}'`,
  );
}

/** So many words CREATE and SETID have at most: more repeat an option. */
const CREATE_WORDS_MAX = 8;
const SETID_WORDS_MAX = 7;

const read = new Int64();

/** What CREATE and SETID say behind the ID: whether a stream is to be made, and `read`. */
function options(call: Call, isCreate: boolean): boolean {
  read.hi = -1;
  read.lo = -1;
  let makes = false;
  for (let at = 5; at < call.argc; at++) {
    if (isCreate && call.is(at, "MKSTREAM")) makes = true;
    else if (call.is(at, "ENTRIESREAD") && at + 1 < call.argc) {
      at++;
      call.int64(at, read);
      if (read.hi < 0 && (read.hi & read.lo) !== -1) throw negativeRead;
    } else throw subcommandError(call);
  }
  return makes;
}

/** The ID at argument 4; `$` is the stream's last one, or 0-0. The ends of a range are for SETID alone. */
function idOrLast(call: Call, stream: StreamValue | null, takesEnds: boolean): StreamId {
  const { id } = windowsOf(call);
  if (!call.is(4, "$")) return takesEnds ? anyIdAt(call, 4, id) : idAt(call, 4, id);
  return stream === null ? id.setMin() : stream.readLastId(id);
}

function created(call: Call, stream: StreamValue, id: StreamId): boolean {
  const { bytes } = call;
  return stream.groups.create(bytes, call.start(3), call.end(3), id, read.hi, read.lo);
}

function subcommand(
  spec: Pick<CommandSpec, "name" | "since" | "summary" | "complexity" | "arity" | "args" | "run"> &
    Partial<CommandSpec>,
): Command {
  return command({ group: "stream", flags: ["write"], ...spec } as CommandSpec);
}

/** A group has changed: a change, but none of the key for those who watch it. */
function tell(call: Call, event: string): void {
  call.dirty++;
  call.event(2, event, Notify.STREAM);
}

const idSelector = arg.oneOf("id-selector", arg.string("id"), arg.token("new-id", "$"));
const entriesRead = arg.optional(
  arg.integer("entriesread", { token: "ENTRIESREAD", displayText: "entries-read" }),
);

const create = subcommand({
  name: "create",
  since: "5.0.0",
  summary: "Makes a group of consumers.",
  complexity: "O(1)",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [keyAt(2, "RW", "insert")],
  args: [
    arg.key("key"),
    arg.string("group"),
    idSelector,
    arg.optional(arg.token("mkstream", "MKSTREAM")),
    entriesRead,
  ],
  history: [["7.0.0", "Takes `ENTRIESREAD`."]],

  run(call) {
    const makes = options(call, true);
    const stream = writeStream(call, 2);
    if (stream === null && !makes) throw noKey;
    if (call.argc > CREATE_WORDS_MAX) throw subcommandError(call);
    const id = idOrLast(call, stream, false);
    if (stream !== null) {
      if (!created(call, stream, id)) throw busyGroup;
    } else {
      const entry: Ref = createAside(call, 2);
      try {
        created(call, windowsOf(call).stream, id);
        adopt(call, 2, entry);
      } catch (full) {
        forget(call, entry);
        throw full;
      }
    }
    call.reply.ok();
    if (stream !== null) tell(call, "xgroup-create");
    else call.changed(2, "xgroup-create", Notify.STREAM);
  },
});

/** The group that the subcommand is about. */
function existing(call: Call): { stream: StreamValue; group: StreamGroup | null } {
  const stream = writeStream(call, 2);
  if (stream === null) throw noKey;
  return { stream, group: groupAt(call, stream, 3) };
}

const setid = subcommand({
  name: "setid",
  since: "5.0.0",
  summary: "Sets up to where a group has read.",
  complexity: "O(1)",
  arity: -5,
  keys: [keyAt(2, "RW", "update")],
  args: [arg.key("key"), arg.string("group"), idSelector, entriesRead],
  history: [["7.0.0", "Takes `ENTRIESREAD`."]],

  run(call) {
    options(call, false);
    const { stream, group } = existing(call);
    if (group === null) noGroup(call);
    if (call.argc > SETID_WORDS_MAX) throw subcommandError(call);
    group.setLastId(idOrLast(call, stream, true));
    group.setRead(read.hi, read.lo);
    call.reply.ok();
    tell(call, "xgroup-setid");
  },
});

const destroy = subcommand({
  name: "destroy",
  since: "5.0.0",
  summary: "Destroys a group of consumers.",
  complexity: "O(N) where N is the number of entries that are pending in the group.",
  arity: 4,
  keys: [keyAt(2, "RW", "delete")],
  args: [arg.key("key"), arg.string("group")],

  run(call) {
    const { stream, group } = existing(call);
    if (group === null) {
      call.reply.integer(0);
      return;
    }
    stream.groups.destroyFound();
    call.reply.integer(1);
    tell(call, "xgroup-destroy");
    // Whoever waits to read with the group has to hear of it.
    call.wakeWaiters(2);
  },
});

const createconsumer = subcommand({
  name: "createconsumer",
  since: "6.2.0",
  summary: "Makes a consumer of a group.",
  complexity: "O(1)",
  arity: 5,
  flags: ["write", "denyoom"],
  keys: [keyAt(2, "RW", "insert")],
  args: [arg.key("key"), arg.string("group"), arg.string("consumer")],

  run(call) {
    const { group } = existing(call);
    if (group === null) noGroup(call);
    if (consumerAt(call, group, 4)) {
      call.reply.integer(0);
      return;
    }
    group.createConsumer(call.bytes, call.start(4), call.end(4), call.nowMs);
    call.reply.integer(1);
    tell(call, "xgroup-createconsumer");
  },
});

const delconsumer = subcommand({
  name: "delconsumer",
  since: "5.0.0",
  summary: "Deletes a consumer of a group, and what is pending for it.",
  complexity: "O(N) where N is the number of entries that are pending for it.",
  arity: 5,
  keys: [keyAt(2, "RW", "delete")],
  args: [arg.key("key"), arg.string("group"), arg.string("consumer")],

  run(call) {
    const { group } = existing(call);
    if (group === null) noGroup(call);
    if (!consumerAt(call, group, 4)) {
      call.reply.integer(0);
      return;
    }
    call.reply.integer(group.deleteConsumer());
    tell(call, "xgroup-delconsumer");
  },
});

export const xgroup = command({
  name: "xgroup",
  group: "stream",
  since: "5.0.0",
  summary: "Groups the commands on groups of consumers.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [
    create,
    createconsumer,
    delconsumer,
    destroy,
    helpCommand("xgroup", { group: "stream", since: "5.0.0" }),
    setid,
  ],
});
