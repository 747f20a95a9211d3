/**
 * Conditions on the value that a key has, which SET and DELEX share: IFEQ and IFNE compare it with
 * another value, IFDEQ and IFDNE its digest with another digest.
 */
import type { Ref } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";
import type { RequestWords } from "../declare/key-spec.ts";
import { readString } from "./string-at.ts";
import { hexOf, xxh3 } from "./xxh3.ts";

const Condition = { IFEQ: 1, IFNE: 2, IFDEQ: 3, IFDNE: 4 } as const;

const DIGEST_BYTES = 16;
const invalidDigest = new CommandError("ERR must be exactly 16 hexadecimal characters");

/** The conditions, for COMMAND DOCS; `since` where the command had others before. */
export function conditionArguments(since?: string): Argument[] {
  const extra = since === undefined ? {} : { since };
  return [
    arg.string("ifeq-value", { token: "IFEQ", ...extra }),
    arg.string("ifne-value", { token: "IFNE", ...extra }),
    arg.string("ifdeq-digest", { token: "IFDEQ", ...extra }),
    arg.string("ifdne-digest", { token: "IFDNE", ...extra }),
  ];
}

/** The condition that the word at an argument names, or 0. */
export function conditionAt(request: RequestWords, index: number): number {
  if (request.is(index, "IFEQ")) return Condition.IFEQ;
  if (request.is(index, "IFNE")) return Condition.IFNE;
  if (request.is(index, "IFDEQ")) return Condition.IFDEQ;
  if (request.is(index, "IFDNE")) return Condition.IFDNE;
  return 0;
}

/** Whether the condition holds for what a missing key has: it differs from everything. */
export function holdsForNothing(condition: number): boolean {
  return condition === Condition.IFNE || condition === Condition.IFDNE;
}

/** Whether the condition, with what stands at an argument, holds for the string in an entry. */
export function holds(call: Call, condition: number, argument: number, entry: Ref): boolean {
  const isDigest = condition === Condition.IFDEQ || condition === Condition.IFDNE;
  // As in Redis only the length is looked at: what has no hexadecimal digits equals no digest.
  if (isDigest && call.length(argument) !== DIGEST_BYTES) throw invalidDigest;
  readString(call, entry);
  const isEqual = isDigest ? hasDigest(call, argument) : hasText(call, argument);
  return isEqual !== holdsForNothing(condition);
}

function hasText(call: Call, argument: number): boolean {
  const { bytes, start, end } = call.value;
  const from = call.start(argument);
  const length = call.end(argument) - from;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== call.bytes[from + i]) return false;
  return true;
}

function hasDigest(call: Call, argument: number): boolean {
  const { view, start, end } = call.value;
  return call.word(argument).toLowerCase() === hexOf(xxh3(view, start, end));
}
