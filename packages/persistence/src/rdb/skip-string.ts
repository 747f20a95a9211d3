/**
 * Passing over items without keeping them, however the file is cut into chunks.
 *
 * A Skipper is a generator: it yields the status when an item is not complete (MORE) or malformed
 * (BAD). After MORE it is resumed when there are more bytes; whoever drives it moves the input's
 * mark first, so that what a skipper has gone past is not kept for it.
 *
 * A long string is passed over as its bytes come. A compressed one is not decompressed: whether LZF
 * is well-formed, and how long its result is, its control bytes tell.
 */
import { lzf } from "@kv/core";
import { type RdbInput, Status } from "./input.ts";

/** Yields MORE or BAD; returns when the item has been passed over. */
export type Skipper = Generator<Status, void, void>;

export type Item = (input: RdbInput) => Status;

/** Reads one item, waiting as long as it takes. */
export function* item(input: RdbInput, read: Item): Skipper {
  for (;;) {
    const at = input.at;
    const status = read(input);
    if (status === Status.OK) return;
    if (status === Status.MORE) input.at = at;
    yield status;
  }
}

/** The status for an item that begins at `input.at` and takes `bytes` in all, not all here. */
export function waitForBytes(input: RdbInput, bytes: number): Status {
  input.reachedAt = input.at;
  input.needBytes = input.at + bytes - input.mark;
  return Status.MORE;
}

/** Passes over a string in any of its forms. */
export function* skipString(input: RdbInput): Skipper {
  yield* item(input, (each) => each.peekString());
  const { isCompressed, number: length, dataBytes } = input;
  input.at = input.dataAt;
  if (isCompressed) yield* skipCompressed(input, dataBytes, length);
  else yield* skipBytes(input, dataBytes);
}

function* skipBytes(input: RdbInput, count: number): Skipper {
  let left = count;
  for (;;) {
    const taken = Math.min(left, input.end - input.at);
    input.at += taken;
    left -= taken;
    if (left === 0) return;
    const status = waitForBytes(input, 1);
    input.reachedAt = input.at - (count - left); // An early end is one of the whole string.
    yield status;
  }
}

function* skipCompressed(input: RdbInput, size: number, length: number): Skipper {
  const walk = new lzf.LzfWalk(length);
  let left = size;
  while (left > 0 && !walk.isBroken) {
    const before = input.at;
    const isLast = input.end - input.at >= left;
    input.at = walk.go(input.bytes, input.at, isLast ? input.at + left : input.end, isLast);
    left -= input.at - before;
    if (left > 0 && !walk.isBroken) {
      const status = waitForBytes(input, Math.min(left, lzf.LzfWalk.instructionBytesMax));
      input.reachedAt = input.at - (size - left);
      yield status;
    }
  }
  // That it is broken is a fault of all of its bytes, which therefore have to be there.
  yield* skipBytes(input, left);
  if (!walk.isComplete) yield input.bad("Invalid LZF compressed string");
}
