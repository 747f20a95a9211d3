/** GET: the plainest read. */
import { NONE, Type } from "@kv/core";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { replyString } from "./string-at.ts";

export const get = command({
  name: "get",
  group: "string",
  since: "1.0.0",
  summary: "Returns the string at a key.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) call.reply.null();
    else replyString(call, entry);
  },
});
