/**
 * Fields whose time has passed: a command that names one removes it before it goes on, and one that picks
 * some by chance removes all of them.
 */
import { earliestFieldExpiry, type HashValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { expiryOfField } from "./hash-at.ts";

/**
 * Removes those fields at arguments `first`, `first` + `step` ... below `end` of the hash at argument 1
 * whose time has passed, where that may be done now. Returns the hash, or null when it went with them.
 */
export function expireFields(
  call: Call,
  hash: HashValue | null,
  first: number,
  end: number,
  step: number,
): HashValue | null {
  // A hash of which no field expires, as most are, costs nothing.
  if (hash === null || !hash.isVolatile) return hash;
  return expireNamed(call, hash, first, end, step);
}

function expireNamed(
  call: Call,
  hash: HashValue,
  first: number,
  end: number,
  step: number,
): HashValue | null {
  if (!hasExpired(call, hash)) return hash;
  const { expiryNowMs: nowMs, database } = call;
  const expired: Uint8Array[] = [];
  for (let i = first; i < end; i += step) {
    const expiryMs = expiryOfField(call, hash, i);
    if (expiryMs < 0 || expiryMs >= nowMs) continue;
    if (expired.length === 0) database.preserve(hash.entry);
    // The arguments stay where they are as long as the command runs.
    expired.push(call.argument(i));
    hash.delete(call.bytes, call.view, call.start(i), call.end(i));
  }
  return expired.length === 0 ? hash : without(call, hash, expired);
}

/** As expireFields(), with the one field that is named by bytes [start, end) of the request. */
export function expireField(
  call: Call,
  hash: HashValue,
  start: number,
  end: number,
): HashValue | null {
  const { bytes, view, expiryNowMs: nowMs } = call;
  if (!hash.isVolatile || !hasExpired(call, hash)) return hash;
  const expiryMs = hash.expiryOf(bytes, view, start, end);
  if (expiryMs < 0 || expiryMs >= nowMs) return hash;
  call.database.preserve(hash.entry);
  hash.delete(bytes, view, start, end);
  return without(call, hash, [bytes.slice(start, end)]);
}

/** As expireFields(), with all fields of the hash. */
export function expireAllFields(call: Call, hash: HashValue | null): HashValue | null {
  if (hash === null || !hash.isVolatile || !hasExpired(call, hash)) return hash;
  const expired: Uint8Array[] = [];
  call.database.preserve(hash.entry);
  hash.removePassed(call.expiryNowMs, hash.length, () => {
    const { bytes, start, end } = hash.field;
    expired.push(bytes.slice(start, end));
  });
  return without(call, hash, expired);
}

/** Whether there is a field whose time has passed, and it may be removed now. */
function hasExpired({ keyspace, expiryNowMs, effects }: Call, { entry }: HashValue): boolean {
  const earliestMs = earliestFieldExpiry(keyspace.arena, entry);
  return earliestMs !== -1 && earliestMs < expiryNowMs && effects.mayExpireFields();
}

/** These fields have been removed. Returns the hash, or null when it went with them. */
function without(call: Call, hash: HashValue, expired: Uint8Array[]): HashValue | null {
  const { database, effects } = call;
  const { entry } = hash;
  const isEmpty = hash.length === 0;
  database.fieldExpiries.changed(entry);
  effects.fieldsExpired(database, entry, expired);
  return isEmpty ? null : hash;
}
