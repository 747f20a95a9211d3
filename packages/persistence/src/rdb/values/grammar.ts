/**
 * Passing over values without keeping them: the parts that their grammars are made of, so that a
 * file can be checked to its end whatever is in it.
 *
 * A grammar is a generator, made of those here and in skip-string.ts. Only strings and hashes are
 * common enough to matter for speed, and those are read elsewhere.
 */
import type { Distinct } from "../distinct.ts";
import { type RdbInput, Status } from "../input.ts";
import { type Item, item, type Skipper, skipString } from "../skip-string.ts";
import type { Fault } from "./packed.ts";

/** A part of a value: a string, a number, whatever has its own way of being passed over. */
type Part = (input: RdbInput) => Skipper;

const partOf =
  (read: Item): Part =>
  (input) =>
    item(input, read);

export const string: Part = skipString;
/** A length, which is then in `input.number`. */
export const length = partOf((input) => input.length());
export const bytes = (count: number) => partOf((input) => input.skip(count));

/** A number of times the parts. */
export function* repeat(input: RdbInput, ...parts: Part[]): Skipper {
  yield* length(input);
  const count = input.number;
  for (let i = 0; i < count; i++) for (const part of parts) yield* part(input);
}

/** As repeat(), each time with a text in front that must not come twice. */
export function* distinct(
  input: RdbInput,
  seen: Distinct,
  fault: string,
  ...rest: Part[]
): Skipper {
  yield* distinctBehind(input, seen, fault, nothing, ...rest);
}

function* nothing(): Skipper {}

/** As distinct(), with one part in front of the text. */
export function* distinctBehind(
  input: RdbInput,
  seen: Distinct,
  fault: string,
  before: Part,
  ...rest: Part[]
): Skipper {
  yield* length(input);
  seen.clear();
  for (let left = input.number; left > 0; left--) {
    yield* before(input);
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

/** A whole collection in one string, of which `faultOf` says what is wrong. */
export function packed(faultOf: Fault): (input: RdbInput, seen: Distinct) => Skipper {
  const read = (input: RdbInput, seen: Distinct): Status => {
    const status = input.string(input.ignored);
    if (status !== Status.OK) return status;
    seen.clear();
    const fault = faultOf(input.ignored, seen);
    return fault === "" ? status : input.bad(fault);
  };
  return (input, seen) => item(input, (each) => read(each, seen));
}

/** What cannot be passed over, as nobody knows where it ends. */
export function* refuse(input: RdbInput, why: string): Skipper {
  yield input.bad(why);
}
