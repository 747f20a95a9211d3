/** XSETID: sets what a stream knows of itself, for replicas and files of commands. */
import { Int64, StreamId } from "@kv/core";
import { CommandError, errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { idAt } from "./id-argument.ts";
import { windowsOf, writeStream } from "./stream-at.ts";

const negativeAdded = new CommandError("ERR entries_added must be positive");
const belowGivenDeleted = new CommandError(
  "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
);
const belowDeleted = new CommandError(
  "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
);
const belowTop = new CommandError(
  "ERR The ID specified in XSETID is smaller than the target stream top item",
);
const belowLength = new CommandError(
  "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

const added = new Int64();
const deleted = new StreamId();

export const xsetid = command({
  name: "xsetid",
  group: "stream",
  since: "5.0.0",
  summary: "Sets the last ID of a stream, and what it counts. Meant for replication.",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "update")],
  args: [
    arg.key("key"),
    arg.string("last-id"),
    arg.optional(arg.integer("entries-added", { token: "ENTRIESADDED", since: "7.0.0" })),
    arg.optional(arg.string("max-deleted-id", { token: "MAXDELETEDID", since: "7.0.0" })),
  ],
  history: [["7.0.0", "Takes `ENTRIESADDED` and `MAXDELETEDID`."]],

  run(call) {
    const { id, other } = windowsOf(call);
    idAt(call, 2, id);
    let setsAdded = false;
    let setsDeleted = false;
    for (let at = 3; at < call.argc; at += 2) {
      if (at + 1 === call.argc) throw errors.syntax;
      if (call.is(at, "ENTRIESADDED")) {
        call.int64(at + 1, added);
        if (added.hi < 0) throw negativeAdded;
        setsAdded = true;
      } else if (call.is(at, "MAXDELETEDID")) {
        idAt(call, at + 1, deleted);
        if (id.compare(deleted) < 0) throw belowGivenDeleted;
        setsDeleted = true;
      } else throw errors.syntax;
    }
    const stream = writeStream(call, 1);
    if (stream === null) throw errors.noSuchKey;
    if (id.compare(stream.readDeletedId(other)) < 0) throw belowDeleted;
    const { length } = stream;
    if (length > 0) {
      stream.edge(false);
      if (id.compare(stream.range.id) < 0) throw belowTop;
      if (setsAdded && added.hi * 2 ** 32 + (added.lo >>> 0) < length) throw belowLength;
    }
    stream.setLastId(id);
    if (setsAdded) stream.setAdded(added.hi, added.lo);
    if (setsDeleted && !deleted.isZero) stream.setDeletedId(deleted);
    call.reply.ok();
    // To those who watch the key nothing has changed.
    call.dirty++;
    call.event(1, "xsetid", Notify.STREAM);
  },
});
