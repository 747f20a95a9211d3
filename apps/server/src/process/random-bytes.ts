/**
 * Random bytes of the system. A start needs some, and `node:crypto`, which has them, takes longer to
 * load than most of what a start does; so it is loaded where the system's own file is not to be had.
 */
import { closeSync, openSync, readSync } from "node:fs";

const systemFile = "/dev/urandom";

/** Fills the array with bytes that nobody can foretell. */
export function fillRandomly(target: NodeJS.ArrayBufferView, file: string = systemFile): void {
  if (!readWhole(file, target)) process.getBuiltinModule("node:crypto").randomFillSync(target);
}

/** False: there is no such file, or not enough in it. */
function readWhole(file: string, target: NodeJS.ArrayBufferView): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return false;
  }
  try {
    return readSync(descriptor, target) === target.byteLength;
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}
