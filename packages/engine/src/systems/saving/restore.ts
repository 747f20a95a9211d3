/** RESTORE: makes a key of a payload that DUMP wrote, after looking at its every byte. */
import {
  arg,
  CommandError,
  type CommandWord,
  errors,
  keyAt,
  momentFrom,
  momentWord,
  Notify,
} from "@kv/commands";
import { NONE, type Ref } from "@kv/core";
import { lfuBits, lruBits } from "@kv/eviction";
import {
  ObjectReader,
  RDB_VERSION_MAX,
  RdbString,
  readPayload,
  verifyPayload,
} from "@kv/persistence";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";

const busyKey = new CommandError("BUSYKEY Target key name already exists.");
const badTtl = new CommandError("ERR Invalid TTL value, must be >= 0");
const badIdleTime = new CommandError("ERR Invalid IDLETIME value, must be >= 0");
const badFrequency = new CommandError("ERR Invalid FREQ value, must be >= 0 and <= 255");
const badPayload = new CommandError("ERR DUMP payload version or checksum are wrong");
const badData = new CommandError("ERR Bad data format");

/** Bytes behind the value: a version of two bytes and a checksum of eight. */
const FOOTER_BYTES = 10;

interface Options {
  replaces: boolean;
  isAbsolute: boolean;
  /** Seconds without use, and how often used; -1 is unknown. */
  idleSeconds: number;
  frequency: number;
}

const facts = {
  complexity: "O(N*M) with N elements of M bytes on average.",
  arity: -4,
  categories: ["keyspace", "dangerous"],
  keys: [keyAt(1, "OW", "update")],
  args: [
    arg.key("key"),
    arg.integer("ttl"),
    arg.string("serialized-value"),
    arg.optional(arg.token("replace", "REPLACE", { since: "3.0.0" })),
    arg.optional(arg.token("absttl", "ABSTTL", { since: "5.0.0" })),
    arg.optional(arg.integer("seconds", { token: "IDLETIME", since: "5.0.0" })),
    arg.optional(arg.integer("frequency", { token: "FREQ", since: "5.0.0" })),
  ],
  history: [
    ["3.0.0", "Added REPLACE."],
    ["5.0.0", "Added ABSTTL."],
    ["5.0.0", "Added IDLETIME and FREQ."],
  ],
  run,
} as const;

export const restore = engineCommand({
  ...facts,
  name: "restore",
  group: "generic",
  since: "2.6.0",
  summary: "Creates a key from what DUMP returned.",
  flags: ["write", "denyoom"],
});

/** What a node of a cluster sends for a key that moves to another one. */
export const restoreAsking = engineCommand({
  ...facts,
  name: "restore-asking",
  group: "server",
  since: "3.0.0",
  summary: "Creates a key that moves between the nodes of a cluster.",
  docFlags: ["syscmd"],
  flags: ["write", "denyoom", "asking"],
});

function run(call: EngineCall): void {
  const { database, engine, reply } = call;
  const options = optionsOf(call);
  // What goes anyway need not expire first: nobody hears of that.
  const old = options.replaces ? call.findStored(1) : call.lookupWrite(1);
  if (!options.replaces && old !== NONE) throw busyKey;
  const ttl = call.integer(2);
  if (ttl < 0) throw badTtl;
  const expiryMs = ttl === 0 ? -1 : momentFrom(ttl, options.isAbsolute ? 0 : call.nowMs);
  const reader = readValue(call, expiryMs);
  if (expiryMs !== -1 && call.isPast(expiryMs)) {
    // Nobody would ever see the key: what remains is that the old one goes.
    reader.discard();
    if (old !== NONE) {
      database.remove(old, engine.settings.lazyServerDel);
      call.changed(1, "del", Notify.GENERIC);
      call.propagateAs(engine.settings.lazyServerDel ? "UNLINK" : "DEL", call.argument(1));
    }
    reply.ok();
    return;
  }
  storeValue(call, reader, old, expiryMs, idleBitsOf(call, options));
  // Even one that takes the place of another: to Redis that was removed first.
  call.event(1, "new", Notify.NEW);
  call.changed(1, "restore", Notify.GENERIC);
  if (expiryMs !== -1 && !options.isAbsolute && call.propagates) propagate(call, expiryMs);
  reply.ok();
}

function optionsOf(call: EngineCall): Options {
  const { argc } = call;
  const options: Options = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let index = 4; index < argc; index++) {
    const hasValue = index + 1 < argc;
    if (call.is(index, "REPLACE")) options.replaces = true;
    else if (call.is(index, "ABSTTL")) options.isAbsolute = true;
    else if (call.is(index, "IDLETIME") && hasValue && options.frequency === -1) {
      options.idleSeconds = call.integer(++index);
      if (options.idleSeconds < 0) throw badIdleTime;
    } else if (call.is(index, "FREQ") && hasValue && options.idleSeconds === -1) {
      options.frequency = call.integer(++index);
      if (options.frequency < 0 || options.frequency > 255) throw badFrequency;
    } else throw errors.syntax;
  }
  return options;
}

/** Gives the key its value, in place of `old`: that goes only when there is room for its successor. */
function storeValue(
  call: EngineCall,
  reader: ObjectReader,
  old: Ref,
  expiryMs: number,
  idle: number,
): void {
  const lazily = call.engine.settings.lazyServerDel;
  try {
    reader.store(call.database, stringAt(call, 1), expiryMs, idle, old, lazily);
  } catch (full) {
    reader.discard();
    throw full;
  }
}

/** The value in the payload, read and ready to be stored with this expiry. */
function readValue(call: EngineCall, expiryMs: number): ObjectReader {
  const { engine, bytes, settings } = call;
  const start = call.start(3);
  const end = call.end(3);
  const isGood = engine.debug.skipsChecksums
    ? hasKnownVersion(bytes, start, end)
    : verifyPayload(bytes, start, end);
  if (!isGood) throw badPayload;
  engine.stats.payloadsValidated++;
  const reader = new ObjectReader(call.keyspace, settings.limits);
  const problem = readPayload(reader, stringAt(call, 1), bytes, start, end, expiryMs);
  if (problem !== "") {
    engine.host.log("warning", `RESTORE refused a payload: ${problem}`);
    throw badData;
  }
  return reader;
}

function hasKnownVersion(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < FOOTER_BYTES) return false;
  const version = (bytes[end - 10] as number) | ((bytes[end - 9] as number) << 8);
  return version <= RDB_VERSION_MAX;
}

function stringAt(call: EngineCall, index: number): RdbString {
  const string = new RdbString();
  string.set(call.bytes, call.view, call.start(index), call.end(index));
  return string;
}

/** What the eviction policy remembers of the key: as told, or as of a new one. */
function idleBitsOf(call: EngineCall, { idleSeconds, frequency }: Options): number {
  const { clock } = call.engine.memory.evictor;
  if (call.idle.isClock) {
    return idleSeconds === -1 ? call.idle.fresh : lruBits(idleSeconds, clock.lruClock);
  }
  return frequency === -1 ? call.idle.fresh : lfuBits(frequency, clock.lfuMinutes);
}

/** As it came, with the time of expiry instead of the time to live. */
function propagate(call: EngineCall, expiryMs: number): void {
  const words: CommandWord[] = [];
  for (let index = 0; index < call.argc; index++) words.push(call.argument(index));
  words[2] = momentWord(expiryMs);
  call.propagateAs(...words, "ABSTTL");
}
