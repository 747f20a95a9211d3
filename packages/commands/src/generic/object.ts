/** OBJECT: how a value is kept and how it has been used. Looking does not count as a use. */
import { Int64, idleBits, kindOfEntry, NONE, type Ref, readInteger } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";
import { helpCommand } from "../call/help.ts";
import { arg } from "../declare/arg.ts";
import { type Command, command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";

/** The LRU clock counts seconds and has 24 bits. */
const CLOCK_MAX = 0xffffff;
/** Integers below this are one object each in Redis, however many keys hold them. */
const SHARED_INTEGERS = 10000;
/** What OBJECT REFCOUNT says of a shared object. */
const SHARED_REFCOUNT = 2147483647;

const PRECAUTION =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
const noFrequency = new CommandError(
  `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${PRECAUTION}`,
);
const noIdleTime = new CommandError(
  `ERR An LFU maxmemory policy is selected, idle time not tracked. ${PRECAUTION}`,
);

const value = new Int64();

interface Question {
  name: string;
  since: string;
  summary: string;
  answer(call: Call, entry: Ref): void;
}

function question(spec: Question): Command {
  return command({
    name: spec.name,
    group: "generic",
    since: spec.since,
    summary: spec.summary,
    complexity: "O(1)",
    arity: 3,
    flags: ["readonly"],
    categories: ["keyspace"],
    keys: [keyAt(2, "RO")],
    args: [arg.key("key")],
    tips: ["nondeterministic_output"],

    run(call) {
      // Not lookupQuietly(): who asks about a key that is not there causes no "keymiss" event.
      const entry = call.find(2);
      if (entry === NONE) {
        call.keyspaceMisses++;
        call.reply.null();
        return;
      }
      call.keyspaceHits++;
      spec.answer(call, entry);
    },
  });
}

const encoding = question({
  name: "encoding",
  since: "2.2.3",
  summary: "Names the internal representation of a value.",
  answer(call, entry) {
    call.reply.bulkLatin1(kindOfEntry(call.keyspace.arena, entry).encodingName);
  },
});

const freq = question({
  name: "freq",
  since: "4.0.0",
  summary: "Tells how often a key is used, on a logarithmic scale.",
  answer(call, entry) {
    if (call.idle.isClock) throw noFrequency;
    call.reply.integer(call.idle.frequency(idleBits(call.keyspace.arena, entry)));
  },
});

const idletime = question({
  name: "idletime",
  since: "2.2.3",
  summary: "Tells how many seconds ago a key was last used.",
  answer(call, entry) {
    const { idle } = call;
    if (!idle.isClock) throw noIdleTime;
    const then = idleBits(call.keyspace.arena, entry);
    call.reply.integer(idle.fresh >= then ? idle.fresh - then : idle.fresh + CLOCK_MAX - then);
  },
});

const refcount = question({
  name: "refcount",
  since: "2.2.3",
  summary: "Tells how many keys and others refer to a value.",
  answer(call, entry) {
    const small =
      call.idle.sharesIntegers &&
      readInteger(call.keyspace.arena, entry, value) &&
      value.hi === 0 &&
      value.lo >= 0 &&
      value.lo < SHARED_INTEGERS;
    call.reply.integer(small ? SHARED_REFCOUNT : 1);
  },
});

const questions = [encoding, freq, idletime, refcount];

export const object = command({
  name: "object",
  group: "generic",
  since: "2.2.3",
  summary: "Groups the commands that look behind a key.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [
    ...questions,
    helpCommand("object", {
      group: "generic",
      since: "6.2.0",
      categories: ["keyspace"],
    }),
  ],
});
