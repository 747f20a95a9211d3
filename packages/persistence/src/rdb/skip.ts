/**
 * Passing over values without keeping them: every type of the format by its grammar, so that a
 * file can be checked to its end whatever is in it.
 *
 * A grammar is a generator: it reads items from the input and yields the status when one is not
 * complete (MORE) or malformed (BAD), with the input put back in front of that item. After MORE it
 * is resumed when there are more bytes. Only strings and hashes are common enough to matter for
 * speed, and those are read elsewhere.
 */
import { ModuleOpcode, RdbType } from "./format.ts";
import { type RdbInput, Status } from "./input.ts";
import { faultOfPacked } from "./packed.ts";

/** Yields MORE or BAD; returns when the value has been passed over. */
export type Skipper = Generator<Status, void, void>;

type Item = (input: RdbInput) => Status;

const string: Item = (input) => input.string(input.ignored);
const length: Item = (input) => input.length();
const textDouble: Item = (input) => input.skipTextDouble();

/** Reads one item, waiting as long as it takes. */
function* item(input: RdbInput, read: Item): Skipper {
  for (;;) {
    const at = input.at;
    const status = read(input);
    if (status === Status.OK) return;
    if (status === Status.MORE) input.at = at;
    yield status;
  }
}

function* fixed(input: RdbInput, count: number): Skipper {
  yield* item(input, (each) => each.skip(count));
}

function* repeat(input: RdbInput, ...parts: Item[]): Skipper {
  yield* item(input, length);
  const count = input.number;
  for (let i = 0; i < count; i++) for (const part of parts) yield* item(input, part);
}

/** Beyond so many, whether a text comes twice is not looked at: it would take too much memory. */
const DISTINCT_MAX = 2_000_000;

/** As repeat(), each time with a text in front that must not come twice. */
function* distinct(input: RdbInput, fault: string, ...rest: Item[]): Skipper {
  yield* item(input, length);
  const seen = new Set<string>();
  for (let left = input.number; left > 0; left--) {
    yield* item(input, string);
    if (seen.size < DISTINCT_MAX) {
      const text = input.ignored.text();
      if (seen.has(text)) yield input.bad(fault);
      seen.add(text);
    }
    for (const part of rest) yield* item(input, part);
  }
}

const skip8: Item = (input) => input.skip(8);

function* stream(input: RdbInput, version: number): Skipper {
  yield* repeat(input, string, string); // Blocks: the first ID, a listpack.
  // Count and last ID; since version 2 also the first ID, the largest deleted one, and a counter.
  for (let i = version > 1 ? 8 : 3; i > 0; i--) yield* item(input, length);
  yield* item(input, length);
  for (let groups = input.number; groups > 0; groups--) {
    yield* item(input, string);
    for (let i = version > 1 ? 3 : 2; i > 0; i--) yield* item(input, length);
    // Pending entries: an ID, the time of delivery, how often.
    yield* repeat(input, (each) => each.skip(24), length);
    yield* item(input, length);
    for (let consumers = input.number; consumers > 0; consumers--) {
      yield* item(input, string);
      yield* fixed(input, version > 2 ? 16 : 8); // Seen, and since version 3 active.
      yield* repeat(input, (each) => each.skip(16));
    }
  }
}

/** What a module wrote: pieces that say what they are, up to an end mark. */
export function* skipModulePieces(input: RdbInput): Skipper {
  for (;;) {
    yield* item(input, length);
    switch (input.number) {
      case ModuleOpcode.EOF:
        return;
      case ModuleOpcode.SINT:
      case ModuleOpcode.UINT:
        yield* item(input, length);
        break;
      case ModuleOpcode.FLOAT:
        yield* fixed(input, 4);
        break;
      case ModuleOpcode.DOUBLE:
        yield* fixed(input, 8);
        break;
      case ModuleOpcode.STRING:
        yield* item(input, string);
        break;
      default:
        yield input.bad(`Unknown opcode ${input.number} in the value of a module`);
    }
  }
}

function* module(input: RdbInput): Skipper {
  yield* item(input, length); // The module's ID.
  yield* skipModulePieces(input);
}

/** A whole collection in one string. */
function packed(input: RdbInput, type: number): Status {
  const status = input.string(input.ignored);
  if (status !== Status.OK) return status;
  const fault = faultOfPacked(type, input.ignored);
  return fault === "" ? status : input.bad(fault);
}

/** A generator that passes over one value of this type. */
export function skipValue(input: RdbInput, type: number): Skipper {
  switch (type) {
    case RdbType.LIST:
    case RdbType.LIST_QUICKLIST:
      return repeat(input, string);
    case RdbType.SET:
      return distinct(input, "Duplicate set members detected");
    case RdbType.HASH:
      return distinct(input, "Duplicate hash fields detected", string);
    case RdbType.ZSET:
      return distinct(input, "Duplicate zset fields detected", textDouble);
    case RdbType.ZSET_2:
      return distinct(input, "Duplicate zset fields detected", skip8);
    case RdbType.LIST_QUICKLIST_2:
      return repeat(input, length, string);
    case RdbType.STREAM_LISTPACKS:
      return stream(input, 1);
    case RdbType.STREAM_LISTPACKS_2:
      return stream(input, 2);
    case RdbType.STREAM_LISTPACKS_3:
      return stream(input, 3);
    case RdbType.MODULE_2:
      return module(input);
    case RdbType.HASH_METADATA_PRE_GA:
      return repeat(input, length, string, string);
    case RdbType.HASH_METADATA:
      return withMinimum(input, repeat(input, length, string, string));
    case RdbType.HASH_LISTPACK_EX:
      return withMinimum(input, item(input, string));
    case RdbType.MODULE_PRE_GA:
      return refuse(input, "Modules of pre-release versions cannot be read");
    default:
      return item(input, (each) => packed(each, type)); // All others are one string.
  }
}

/** Hashes whose fields expire begin with the earliest of those times. */
function* withMinimum(input: RdbInput, rest: Skipper): Skipper {
  yield* item(input, skip8);
  yield* rest;
}

function* refuse(input: RdbInput, why: string): Skipper {
  yield input.bad(why);
}
