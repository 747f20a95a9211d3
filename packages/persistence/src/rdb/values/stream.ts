/** Streams: the forms that files have. They are checked; loading them is not possible yet. */
import { RdbType } from "../format.ts";
import type { RdbInput } from "../input.ts";
import type { Skipper } from "../skip-string.ts";
import type { RdbForm } from "./form.ts";
import { bytes, length, repeat, string } from "./grammar.ts";

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

export const streamForm: RdbForm = {
  reads: [
    { type: RdbType.STREAM_LISTPACKS, name: "stream", skip: (input) => stream(input, 1) },
    { type: RdbType.STREAM_LISTPACKS_2, name: "stream-v2", skip: (input) => stream(input, 2) },
    { type: RdbType.STREAM_LISTPACKS_3, name: "stream-v3", skip: (input) => stream(input, 3) },
  ],
  writes: [],
};
