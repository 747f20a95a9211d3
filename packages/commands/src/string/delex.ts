/** DELEX and DIGEST: removing a key if its value is the expected one, and telling values apart. */
import { NONE, Type, typeOf } from "@kv/core";
import { arityError, CommandError } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { foundAt, keyAt } from "../declare/key-spec.ts";
import { conditionArguments, conditionAt, holds } from "./condition.ts";
import { readString } from "./string-at.ts";
import { hexOf, xxh3 } from "./xxh3.ts";

const wrongCount = arityError("delex");
const notAString = new CommandError("ERR Key should be of string type if conditions are specified");
const invalidCondition = new CommandError("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");

export const delex = command({
  name: "delex",
  group: "string",
  since: "8.4.0",
  summary: "Removes a key, if its string or the digest of it is the expected one.",
  complexity: "O(N) where N is the length of the string, whose digest may be needed.",
  arity: -2,
  flags: ["write", "fast"],
  keys: [
    {
      ...keyAt(1, "RW", "delete", "variable_flags"),
      notes: "Read as well as removed, where there is a condition",
    },
  ],
  args: [arg.key("key"), arg.optional(arg.oneOf("condition", ...conditionArguments()))],
  getKeys(request) {
    const reads = request.argc === 4 && conditionAt(request, 2) !== 0;
    return reads ? [foundAt(1, "RW", "access", "delete")] : [foundAt(1, "RM", "delete")];
  },

  run(call) {
    if (call.argc !== 2 && call.argc !== 4) throw wrongCount;
    const entry = call.lookupWrite(1);
    if (entry === NONE) {
      call.reply.integer(0);
      return;
    }
    if (call.argc === 4) {
      if (typeOf(call.keyspace.arena, entry) !== Type.STRING) throw notAString;
      const condition = conditionAt(call, 2);
      if (condition === 0) throw invalidCondition;
      if (!holds(call, condition, 3, entry)) {
        call.reply.integer(0);
        return;
      }
    }
    const lazily = call.argc === 2 && call.settings.lazyUserDel;
    call.database.remove(entry, lazily);
    call.changed(1, "del", Notify.GENERIC);
    if (call.propagates) call.propagateAs(lazily ? "UNLINK" : "DEL", call.argument(1));
    call.reply.integer(1);
  },
});

export const digest = command({
  name: "digest",
  group: "string",
  since: "8.4.0",
  summary: "Returns the XXH3 digest of a string as 16 hexadecimal digits; null for a missing key.",
  complexity: "O(N) where N is the length of the string.",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) {
      call.reply.null();
      return;
    }
    readString(call, entry);
    const { view, start, end } = call.value;
    call.reply.bulkLatin1(hexOf(xxh3(view, start, end)));
  },
});
