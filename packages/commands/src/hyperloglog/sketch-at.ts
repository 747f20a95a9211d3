/** What the commands on HyperLogLogs share: finding one, changing one, putting one back. */
import {
  Encoding,
  encodingOf,
  growString,
  NONE,
  type Ref,
  setEncoding,
  stringLength,
  Type,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { CommandError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { putText, readString } from "../string/string-at.ts";
import { isSketch, REGISTERS } from "./hll-format.ts";
import { hash, murmurHash64 } from "./murmur-hash.ts";
import { Sketch } from "./sketch.ts";

const notASketch = new CommandError("WRONGTYPE Key is not a valid HyperLogLog string value.");
export const corruptSketch = new CommandError("INVALIDOBJ Corrupted HLL object detected");

/** The sketch that the command that runs now changes. */
export const sketches = new Kept(() => new Sketch());

/** Lets `call.value` show the sketch in a string entry; throws when it is none. */
function showSketch(call: Call, entry: Ref): void {
  readString(call, entry);
  const { bytes, start, end } = call.value;
  if (!isSketch(bytes, start, end)) throw notASketch;
}

/** Entry of the sketch at an argument for reading, which `call.value` shows; NONE: there is none. */
export function readSketch(call: Call, index: number): Ref {
  const entry = call.readTyped(index, Type.STRING);
  if (entry !== NONE) showSketch(call, entry);
  return entry;
}

/**
 * As showSketch, for a command that may change the sketch: Redis makes its string raw at once,
 * whatever comes of it, and nobody hears of that. `call.value` shows bytes that may be written to.
 */
export function openSketch(call: Call, entry: Ref): void {
  showSketch(call, entry);
  if (encodingOf(call.keyspace.arena, entry) !== Encoding.RAW)
    call.propagation = Propagation.PREVENTED;
  growString(call.database, entry, 0, call.value);
}

/** Gives the key at an argument the sketch in `sketch`; `call.value` shows it then. */
export function storeSketch(call: Call, entry: Ref, sketch: Sketch, keyArgument = 1): void {
  const { arena } = call.keyspace;
  const { bytes, length } = sketch;
  if (entry !== NONE && stringLength(arena, entry) === length) {
    growString(call.database, entry, length, call.value);
    call.value.bytes.set(bytes.subarray(0, length), call.value.start);
  } else {
    const stored = putText(call, entry, bytes, 0, length, keyArgument);
    setEncoding(arena, stored, Encoding.RAW);
    readString(call, stored);
  }
}

/** What an element means to a sketch: which register, and how high. */
export const place = { register: 0, value: 0 };

/** Works out the `place` of the element bytes[start, end). */
export function placeOf(bytes: Uint8Array, start: number, end: number): void {
  murmurHash64(bytes, start, end);
  const { hi, lo } = hash;
  // The lower 14 bits name the register, its value is the place of the first set bit above them.
  place.register = lo & (REGISTERS - 1);
  const lower = lo >>> 14;
  if (lower !== 0) place.value = lowestBit(lower) + 1;
  else place.value = hi === 0 ? 51 : lowestBit(hi) + 19;
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
