/** PAIRSET and PAIRGET. */
import { arg, type Call, command, errors, keyAt, Notify } from "@kv/commands";
import { ElementVisitor, eachElement, freeEntry, NONE, setIdleBits } from "@kv/core";
import { type Bytes, changePair, createPair, PAIR_TYPE } from "./pair-kind.ts";

function argument(call: Call, index: number): Bytes {
  return { bytes: call.bytes, start: call.start(index), end: call.end(index) };
}

class Reply extends ElementVisitor {
  private readonly call: Call;

  constructor(call: Call) {
    super();
    this.call = call;
  }

  element(): void {
    const { bytes, view, start, end } = this.text;
    this.call.reply.bulkFrom(bytes, view, start, end);
  }

  pair(): void {
    throw errors.wrongType;
  }
}

export const pairset = command({
  name: "pairset",
  group: "list",
  since: "7.2.0",
  summary: "Sets both elements of a pair.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key"), arg.string("one"), arg.string("two")],

  run(call) {
    const { arena, cuts } = call.keyspace;
    const [one, two] = [argument(call, 2), argument(call, 3)];
    const old = call.writeTyped(1, PAIR_TYPE);
    if (old !== NONE) {
      changePair(arena, old, one, two);
    } else {
      const entry = createPair(arena, cuts.epoch, argument(call, 1), one, two);
      setIdleBits(arena, entry, call.idle.fresh);
      try {
        call.database.put(entry, NONE, call.hashOf(1), false);
      } catch (full) {
        freeEntry(arena, entry);
        throw full;
      }
    }
    call.changed(1, "pairset", Notify.LIST);
    call.reply.ok();
  },
});

export const pairget = command({
  name: "pairget",
  group: "list",
  since: "7.2.0",
  summary: "Returns both elements of a pair.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.readTyped(1, PAIR_TYPE);
    if (entry === NONE) {
      call.reply.null();
      return;
    }
    call.reply.array(2);
    eachElement(call.keyspace.arena, entry, new Reply(call));
  },
});
