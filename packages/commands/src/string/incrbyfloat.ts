/** INCRBYFLOAT: arithmetic in long doubles, see long-double.ts. */
import { NONE, Type } from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import { errors } from "../call/errors.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../call/long-double.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { putText, readString } from "./string-at.ts";

export const incrbyfloat = command({
  name: "incrbyfloat",
  group: "string",
  since: "2.6.0",
  summary: "Adds a floating point number to the one at a key; a missing key counts as zero.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.double("increment")],

  run(call) {
    const entry = call.writeTyped(1, Type.STRING);
    let before = null;
    if (entry !== NONE) {
      readString(call, entry);
      const { value } = call;
      before = parseLongDouble(value.bytes, value.start, value.end);
      if (before === null) throw errors.notAFloat;
    }
    const increment = parseLongDouble(call.bytes, call.start(2), call.end(2));
    if (increment === null) throw errors.notAFloat;
    const sum = addLongDoubles(before ?? { mantissa: 0n, exponent: 0 }, increment);
    if (sum === null) throw errors.notANumber;

    const text = latin1Bytes(formatLongDouble(sum));
    // A sum that is a whole number stays a string: it is no integer until INCR makes it one.
    putText(call, entry, text, 0, text.length);
    call.changed(1, "incrbyfloat", Notify.STRING);
    call.reply.bulk(text, 0, text.length);
    // The sum goes on, not the sum's making: nobody else has to compute as we do.
    if (call.propagates) call.propagateAs("SET", call.argument(1), text, "KEEPTTL");
  },
});
