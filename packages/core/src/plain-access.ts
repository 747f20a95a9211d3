/**
 * Plain access: whole byte arrays in and out, for whoever embeds a keyspace and does not count
 * nanoseconds. A key whose time has passed is not there.
 *
 * This is the door for strangers, so arguments are checked here, and only here: what is behind it
 * trusts its callers.
 */
import { Database } from "./keyspace/database.ts";
import { Keyspace, type KeyspaceOptions } from "./keyspace/keyspace.ts";
import { NONE, type Ref } from "./memory/arena.ts";
import { isBytes } from "./realm.ts";
import { expiryMs as expiryOf } from "./table/entry.ts";
import { setString } from "./values/string/string-value.ts";
import { isStringEntry, StringView } from "./values/string/string-view.ts";

const DATABASES_MAX = 2 ** 31 - 1;

/**
 * A whole keyspace, to be used alone: see the package's README. Throws a TypeError that names an
 * option of the wrong type, a RangeError for a number that none can have.
 */
export function createKeyspace(options: KeyspaceOptions = {}): Keyspace {
  if (typeof options !== "object" || options === null)
    throw wrongType("options", "an object", options);
  const { databaseCount, random32, arena } = options;
  if (databaseCount !== undefined) {
    checkNumber("databaseCount", databaseCount);
    if (!Number.isInteger(databaseCount) || databaseCount < 1 || databaseCount > DATABASES_MAX)
      throw new RangeError(
        `databaseCount must be a whole number of at least 1, not ${databaseCount}`,
      );
  }
  if (random32 !== undefined && typeof random32 !== "function")
    throw wrongType("random32", "a function", random32);
  if (arena !== undefined && (typeof arena !== "object" || arena === null))
    throw wrongType("arena", "an object", arena);
  return new Keyspace(options);
}

/**
 * Sets the string at a key, whatever it held. `expiryMs` is a time in milliseconds since 1970, of which
 * the whole ones count; without it, or with Infinity, the key has none, even if it had one. Throws a
 * TypeError that names a wrong argument, a RangeError for a time beyond 2^53, and ArenaFullError when
 * there is no room: then nothing has changed.
 */
export function putBytes(
  database: Database,
  key: Uint8Array,
  value: Uint8Array,
  expiryMs?: number,
): void {
  checkDatabase(database);
  checkBytes("key", key);
  checkBytes("value", value);
  const storedMs = storedExpiry(expiryMs);
  const hash = database.hash(key, viewOver(key), 0, key.length);
  const old = database.find(key, viewOver(key), 0, key.length, hash);
  setString(database, old, key, 0, key.length, hash, value, 0, value.length, false, 0, storedMs);
}

/**
 * A copy of the string at a key; null when there is none at the time `nowMs` (milliseconds since 1970),
 * or the key holds something else. Throws a TypeError that names a wrong argument.
 */
export function getBytes(database: Database, key: Uint8Array, nowMs: number): Uint8Array | null {
  const entry = find(database, key, nowMs);
  if (entry === NONE || !isStringEntry(database.arena, entry)) return null;
  const view = new StringView();
  view.read(database.arena, entry);
  return view.bytes.slice(view.start, view.end);
}

/**
 * Removes a key and whatever it holds. False when there was none at the time `nowMs` (milliseconds
 * since 1970). Throws a TypeError that names a wrong argument.
 */
export function removeKey(database: Database, key: Uint8Array, nowMs: number): boolean {
  const entry = find(database, key, nowMs);
  if (entry === NONE) return false;
  database.remove(entry, false);
  return true;
}

function find(database: Database, key: Uint8Array, nowMs: number): Ref {
  checkDatabase(database);
  checkBytes("key", key);
  checkNumber("nowMs", nowMs);
  const entry = database.findKey(key, viewOver(key), 0, key.length);
  if (entry === NONE) return NONE;
  const expiryMs = expiryOf(database.arena, entry);
  return expiryMs !== -1 && expiryMs < nowMs ? NONE : entry;
}

/** As entries and files hold it: a whole number that is exact, and -1 for none. */
function storedExpiry(expiryMs: number | undefined): number {
  if (expiryMs === undefined) return -1;
  checkNumber("expiryMs", expiryMs);
  if (expiryMs === Number.POSITIVE_INFINITY) return -1;
  const wholeMs = Math.floor(expiryMs);
  if (!Number.isSafeInteger(wholeMs))
    throw new RangeError(`expiryMs must be a time within 2^53 ms of 1970, not ${expiryMs}`);
  return wholeMs === -1 ? -2 : wholeMs; // Past, either of them.
}

function viewOver(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkDatabase(database: unknown): void {
  if (!(database instanceof Database))
    throw wrongType("database", "one of a keyspace's databases", database);
}

function checkBytes(name: string, bytes: unknown): void {
  if (!isBytes(bytes)) throw wrongType(name, "a Uint8Array", bytes);
}

function checkNumber(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value)) throw wrongType(name, "a number", value);
}

function wrongType(name: string, wanted: string, given: unknown): TypeError {
  return new TypeError(`${name} must be ${wanted}, not ${described(given)}`);
}

function described(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object (${value.constructor?.name ?? "without a class"})`;
}
