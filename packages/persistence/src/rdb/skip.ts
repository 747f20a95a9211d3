/**
 * Passing over values without keeping them: every type of the format by its grammar, so that a
 * file can be checked to its end whatever is in it.
 *
 * A grammar is a generator, made of those in skip-string.ts. Only strings and hashes are common
 * enough to matter for speed, and those are read elsewhere.
 */
import type { Distinct } from "./distinct.ts";
import { ModuleOpcode, RdbType } from "./format.ts";
import { type RdbInput, Status } from "./input.ts";
import { faultOfPacked } from "./packed.ts";
import { type Item, item, type Skipper, skipString } from "./skip-string.ts";

/** A part of a value: a string, a number, whatever has its own way of being passed over. */
type Part = (input: RdbInput) => Skipper;

const partOf =
  (read: Item): Part =>
  (input) =>
    item(input, read);

const string: Part = skipString;
const length = partOf((input) => input.length());
const textDouble = partOf((input) => input.skipTextDouble());
const bytes = (count: number) => partOf((input) => input.skip(count));

function* repeat(input: RdbInput, ...parts: Part[]): Skipper {
  yield* length(input);
  const count = input.number;
  for (let i = 0; i < count; i++) for (const part of parts) yield* part(input);
}

/** As repeat(), each time with a text in front that must not come twice. */
function* distinct(input: RdbInput, seen: Distinct, fault: string, ...rest: Part[]): Skipper {
  yield* length(input);
  seen.clear();
  for (let left = input.number; left > 0; left--) {
    yield* item(input, (each) => each.peekString());
    if (seen.remembers(input.number)) {
      yield* item(input, (each) => each.string(each.ignored));
      const text = input.ignored;
      if (!seen.add(text.bytes, text.view, text.start, text.end)) yield input.bad(fault);
    } else {
      yield* skipString(input);
    }
    for (const part of rest) yield* part(input);
  }
}

function* stream(input: RdbInput, version: number): Skipper {
  yield* repeat(input, string, string); // Blocks: the first ID, a listpack.
  // Count and last ID; since version 2 also the first ID, the largest deleted one, and a counter.
  for (let i = version > 1 ? 8 : 3; i > 0; i--) yield* length(input);
  yield* length(input);
  for (let groups = input.number; groups > 0; groups--) {
    yield* string(input);
    for (let i = version > 1 ? 3 : 2; i > 0; i--) yield* length(input);
    // Pending entries: an ID, the time of delivery, how often.
    yield* repeat(input, bytes(24), length);
    yield* length(input);
    for (let consumers = input.number; consumers > 0; consumers--) {
      yield* string(input);
      yield* bytes(version > 2 ? 16 : 8)(input); // Seen, and since version 3 active.
      yield* repeat(input, bytes(16));
    }
  }
}

/** What a module wrote: pieces that say what they are, up to an end mark. */
export function* skipModulePieces(input: RdbInput): Skipper {
  for (;;) {
    yield* length(input);
    switch (input.number) {
      case ModuleOpcode.EOF:
        return;
      case ModuleOpcode.SINT:
      case ModuleOpcode.UINT:
        yield* length(input);
        break;
      case ModuleOpcode.FLOAT:
        yield* bytes(4)(input);
        break;
      case ModuleOpcode.DOUBLE:
        yield* bytes(8)(input);
        break;
      case ModuleOpcode.STRING:
        yield* string(input);
        break;
      default:
        yield input.bad(`Unknown opcode ${input.number} in the value of a module`);
    }
  }
}

function* module(input: RdbInput): Skipper {
  yield* length(input); // The module's ID.
  yield* skipModulePieces(input);
}

/** A whole collection in one string. */
function packed(input: RdbInput, type: number, seen: Distinct): Status {
  const status = input.string(input.ignored);
  if (status !== Status.OK) return status;
  const fault = faultOfPacked(type, input.ignored, seen);
  return fault === "" ? status : input.bad(fault);
}

/** A generator that passes over one value of this type. `seen` is for use, one value at a time. */
export function skipValue(input: RdbInput, type: number, seen: Distinct): Skipper {
  switch (type) {
    case RdbType.LIST:
    case RdbType.LIST_QUICKLIST:
      return repeat(input, string);
    case RdbType.SET:
      return distinct(input, seen, "Duplicate set members detected");
    case RdbType.HASH:
      return distinct(input, seen, "Duplicate hash fields detected", string);
    case RdbType.ZSET:
      return distinct(input, seen, "Duplicate zset fields detected", textDouble);
    case RdbType.ZSET_2:
      return distinct(input, seen, "Duplicate zset fields detected", bytes(8));
    case RdbType.LIST_QUICKLIST_2:
      return repeat(input, length, string);
    case RdbType.STREAM_LISTPACKS:
      return stream(input, 1);
    case RdbType.STREAM_LISTPACKS_2:
      return stream(input, 2);
    case RdbType.STREAM_LISTPACKS_3:
      return stream(input, 3);
    case RdbType.STRING:
      return string(input);
    case RdbType.MODULE_2:
      return module(input);
    case RdbType.HASH_METADATA_PRE_GA:
      return repeat(input, length, string, string);
    case RdbType.HASH_METADATA:
      return withMinimum(input, repeat(input, length, string, string));
    case RdbType.HASH_LISTPACK_EX:
      return withMinimum(input, string(input));
    case RdbType.MODULE_PRE_GA:
      return refuse(input, "Modules of pre-release versions cannot be read");
    default:
      return item(input, (each) => packed(each, type, seen)); // All others are one string.
  }
}

/** Hashes whose fields expire begin with the earliest of those times. */
function* withMinimum(input: RdbInput, rest: Skipper): Skipper {
  yield* bytes(8)(input);
  yield* rest;
}

function* refuse(input: RdbInput, why: string): Skipper {
  yield input.bad(why);
}
