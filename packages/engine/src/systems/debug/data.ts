/** DEBUG subcommands about data: OBJECT, SDSLEN, DIGEST, POPULATE, RELOAD, HTSTATS. */
import { CommandError, errors, fail, Notify } from "@kv/commands";
import {
  type Arena,
  ArenaFullError,
  bytesOf,
  type Database,
  Dict,
  Encoding,
  EXTERNAL_FLAG,
  encodingOf,
  flagsOf,
  freeEntry,
  idleBits,
  keyIndex,
  keyLength,
  kindOfEntry,
  listpack as listpacks,
  NONE,
  type Ref,
  type SetAside,
  setString,
  stringLength,
  Type,
  typeOf,
  valueRef,
  viewOf,
} from "@kv/core";
import { idleTimeMs } from "@kv/eviction";
import { dumpPayload } from "@kv/persistence";
import { latin1Bytes, writeInteger } from "@kv/resp";
import type { EngineCall } from "../../module/engine-call.ts";
import { appendOnlyFilePort, dataSetFilePort } from "../../module/ports.ts";
import { Digester } from "./debug-digest.ts";
import { quicklistFields } from "./lists.ts";
import { tableStats } from "./tables.ts";

const outOfRange = new CommandError("ERR Out of range database");
const notText = new CommandError("ERR Not an sds encoded string.");
const notATable = new CommandError(
  "ERR The value stored at the specified key is not represented using an hash table",
);
const notAListpack = new CommandError("ERR Not a listpack encoded object.");
const badReloadOption = new CommandError(
  "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
);
/** Half a data set must not be saved, nor loaded into. */
const isLoading = new CommandError("LOADING Redis is loading the dataset in memory");
const loadFailed = new CommandError("ERR Error trying to load the AOF files, check server logs.");
const reloadFailed = new CommandError("ERR Error trying to load the RDB dump, check server logs.");
const ZERO_DIGEST = "0".repeat(40);
/** Bytes of a payload besides the value itself: its type, the version and the checksum. */
const PAYLOAD_FRAME_BYTES = 11;

/** The key at an argument: also one whose time has passed, which looking must not remove. */
function existing(call: EngineCall, index: number): Ref {
  const entry = call.findStored(index);
  if (entry === NONE) throw errors.noSuchKey;
  return entry;
}

/** Lengths of a key and of its string, and the bytes of the blocks that they are in. */
export function sdslen(call: EngineCall): void {
  const { arena } = call.keyspace;
  const entry = existing(call, 2);
  if (typeOf(arena, entry) !== Type.STRING || encodingOf(arena, entry) === Encoding.INT)
    throw notText;
  const length = stringLength(arena, entry);
  const whole = arena.blockBytes(entry);
  // A short string lies in the block of its key: then the block is the key's but for the string.
  const own = isOutside(arena, entry) ? arena.blockBytes(valueRef(arena, entry)) : length;
  const rest = isOutside(arena, entry) ? whole : whole - length;
  call.reply.simple(
    `key_sds_len:${keyLength(arena, entry)}, key_sds_avail:0, key_zmalloc: ${rest}, ` +
      `val_sds_len:${length}, val_sds_avail:${own - length}, val_zmalloc: ${own}`,
  );
}

/** Whether the value has blocks of its own. */
const isOutside = (arena: Arena, entry: Ref): boolean =>
  (flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0;

/** One line about how a value is kept. The address names its block: it stays while that does. */
export function object(call: EngineCall): void {
  const { arena } = call.keyspace;
  const entry = existing(call, 2);
  const address = (isOutside(arena, entry) ? valueRef(arena, entry) : entry) >>> 0;
  const bits = idleBits(arena, entry);
  const { clock, policy } = call.engine.memory.evictor;
  const idleSeconds =
    policy.usage === "lfu" ? 0 : Math.floor(idleTimeMs(bits, clock.lruClock) / 1000);
  const length = dumpPayload(arena, entry).length - PAYLOAD_FRAME_BYTES;
  call.reply.simple(
    `Value at:0x${(address * 8).toString(16).padStart(12, "0")} refcount:1 ` +
      `encoding:${kindOfEntry(arena, entry).encodingName} serializedlength:${length} ` +
      `lru:${bits} lru_seconds_idle:${idleSeconds}${quicklistFields(arena, entry)}`,
  );
}

export function digest({ keyspace, reply }: EngineCall): void {
  reply.simple(new Digester(keyspace).dataSet());
}

export function digestValue(call: EngineCall): void {
  const { keyspace, reply, argc } = call;
  const digester = new Digester(keyspace);
  reply.array(argc - 2);
  for (let index = 2; index < argc; index++) {
    const entry = call.findStored(index);
    reply.simple(entry === NONE ? ZERO_DIGEST : digester.value(entry));
  }
}

function positive(call: EngineCall, index: number): number {
  const value = call.integer(index, errors.mustBePositive);
  if (value < 0) throw errors.mustBePositive;
  return value;
}

/**
 * Creates keys fast: no events, no propagation, and keys that exist stay as they are. Keys and values
 * are written into the same two buffers again and again: an array of bytes for each would be most of
 * the work.
 */
export function populate(call: EngineCall): void {
  const { database, idle, reply, argc } = call;
  const count = positive(call, 2);
  const prefix = latin1Bytes(`${argc > 3 ? call.text(3) : "key"}:`);
  const size = argc > 4 ? positive(call, 4) : 0;
  const key = withRoom(prefix, 0);
  const view = new DataView(key.buffer);
  const word = latin1Bytes("value:");
  // Behind the digits, which become more, a longer value stays zero.
  const value = withRoom(word, size);
  for (let number = 0; number < count; number++) {
    const keyEnd = writeInteger(key, prefix.length, number);
    const hash = database.hash(key, view, 0, keyEnd);
    if (database.find(key, view, 0, keyEnd, hash) !== NONE) continue;
    const textEnd = writeInteger(value, word.length, number);
    const end = size > 0 ? size : textEnd;
    setString(database, NONE, key, 0, keyEnd, hash, value, 0, end, false, idle.fresh);
    call.effects.keyChanged(database, key, view, 0, keyEnd, "new", Notify.NEW);
  }
  reply.ok();
}

/** The word with room behind it for any number, in an array of at least `size` bytes. */
function withRoom(word: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, word.length + DIGITS));
  bytes.set(word);
  return bytes;
}

/** Of 2^53. */
const DIGITS = 16;

export function reload(call: EngineCall): void {
  const { engine, reply, argc } = call;
  let saves = true;
  let flushes = true;
  let merges = false;
  for (let index = 2; index < argc; index++) {
    if (call.is(index, "NOSAVE")) saves = false;
    else if (call.is(index, "NOFLUSH")) flushes = false;
    else if (call.is(index, "MERGE")) merges = true;
    else throw badReloadOption;
  }
  const file = engine.of(dataSetFilePort);
  if (file.isLoading) throw isLoading;
  if (saves && !file.saveNow()) fail("ERR");
  const policy = flushes ? "FLUSH" : merges ? "REPLACE" : "APPEND";
  if (!exchange(call, () => file.loadNow(policy), flushes, merges)) throw reloadFailed;
  engine.host.log("warning", "DB reloaded by DEBUG RELOAD");
  reply.ok();
}

/** DEBUG LOADAOF: what the append-only file holds takes the place of what is there. */
export function loadAof(call: EngineCall): void {
  const { engine, reply } = call;
  if (engine.of(dataSetFilePort).isLoading) throw isLoading;
  if (!exchange(call, () => engine.of(appendOnlyFilePort).loadNow(), true, false)) throw loadFailed;
  engine.host.log("notice", "Append Only File loaded by DEBUG LOADAOF");
  reply.ok();
}

/** DEBUG AOF-FLUSH-SLEEP: each write to the append-only file takes so much longer. */
export function setFlushSleep(call: EngineCall): void {
  call.engine.of(appendOnlyFilePort).setWriteDelay(call.integer(2));
  call.reply.ok();
}

/**
 * Loads a data set in the place of the one that is there (`flushes`), or besides it. False: that failed,
 * and all is as it was.
 *
 * Nobody is answered meanwhile, where Redis answers LOADING now and then. A load at the start may stop for
 * that, for then there is nothing else; in a server's life there is. Between two pieces a rewrite of the log
 * would end and remove files that are still to be read, a data set from a primary arrive and be loaded into
 * the middle of this one, and the primary's stream go on. Each of those would have to be held, by a state for this
 * command alone; and within EXEC it could not stop in any case. That is more than what it is for, tests, is worth.
 */
function exchange(
  { engine, keyspace }: EngineCall,
  load: () => boolean,
  flushes: boolean,
  merges: boolean,
): boolean {
  const { databases } = keyspace;
  for (const database of databases) database.prepareFlush();
  if (flushes) engine.effects.databaseChanged(-1);
  // What is there goes only when the file has been read, all of it.
  const aside = databases.map((database) => database.setAside());
  let done = load();
  if (flushes && done) {
    for (const [index, tables] of aside.entries()) databases[index]?.giveUp(tables, false);
  } else {
    const loaded = aside.map((tables, index) => (databases[index] as Database).putBack(tables));
    if (done && !merges) done = loaded.every(({ dict }, index) => isNew(databases[index], dict));
    for (const [index, tables] of loaded.entries()) {
      const database = databases[index] as Database;
      if (!done) database.giveUp(tables, false);
      else if (!mergeInto(database, tables)) done = false;
    }
  }
  keyspace.tidy();
  return done;
}

function presentEntry(database: Database, entry: Ref): Ref {
  const { arena } = database;
  const start = keyIndex(arena, entry);
  const end = start + keyLength(arena, entry);
  return database.findKey(bytesOf(arena, entry), viewOf(arena, entry), start, end);
}

/** True when the database has none of these keys. */
function isNew(database: Database | undefined, dict: Dict): boolean {
  let clashes = 0;
  dict.eachEntry((entry) => {
    if (presentEntry(database as Database, entry) !== NONE) clashes++;
  });
  return clashes === 0;
}

/**
 * Adds what was loaded to the database; where both have a key, the file's value wins. False: there
 * was no room for all of it.
 */
function mergeInto(database: Database, { dict, expires }: SetAside): boolean {
  const { arena } = database;
  let isFull = false;
  dict.eachEntry((entry) => {
    const old = presentEntry(database, entry);
    try {
      if (!isFull) {
        database.put(entry, old, database.dict.hashOfEntry(entry), false);
        return;
      }
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      isFull = true;
    }
    freeEntry(arena, entry);
  });
  expires.free();
  dict.free();
  return !isFull;
}

export function htstats(call: EngineCall): void {
  const index = call.integer(2);
  const database = call.keyspace.databases[index];
  if (database === undefined) throw outOfRange;
  call.reply.verbatim(
    "txt",
    `[Dictionary HT]\n${tableStats(database.dict)}[Expires HT]\n${tableStats(database.expires)}`,
  );
}

export function listpack(call: EngineCall): void {
  const { arena } = call.keyspace;
  const entry = existing(call, 2);
  const encoding = encodingOf(arena, entry);
  if (encoding !== Encoding.LISTPACK && encoding !== Encoding.LISTPACK_EX) throw notAListpack;
  const ref = valueRef(arena, entry);
  const { listpackBytes, listpackCount } = listpacks;
  call.engine.host.log(
    "notice",
    `DEBUG LISTPACK: ${listpackCount(arena, ref)} elements in ${listpackBytes(arena, ref)} bytes`,
  );
  // Clients know this sentence from Redis; what would be on its stdout is in our log.
  call.reply.simple("Listpack structure printed on stdout");
}

export function htstatsKey(call: EngineCall): void {
  const { arena } = call.keyspace;
  const entry = existing(call, 2);
  const table = kindOfEntry(arena, entry).table?.(arena, valueRef(arena, entry)) ?? NONE;
  if (table === NONE) throw notATable;
  call.reply.verbatim("txt", tableStats(new Dict(arena).attach(table)));
}
