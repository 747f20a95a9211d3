/**
 * The pages of the program's own file. Starting reads all over Node's 120 MB, and Linux maps what lies
 * around what was read as well: up to 2 MiB at a time where the page cache holds them as one. That makes
 * sixty megabytes, of which a server at rest needs ten.
 *
 *      mapping     [ 1 MiB | 1 MiB | 1 MiB | 1 MiB | .. ]     nothing is mapped beyond its own piece
 *      advice          -      (16)      -      (16)           .. and pieces of different advice stay apart
 *
 * At rest they are let go of, all of them: those that are needed come back from the page cache, 64 KiB at a
 * time (measured: 95 MB resident -> 41, in 4 ms; the requests that follow take no longer). It is the mapping
 * alone that goes. What was written to, as where addresses were filled in, would be lost: such mappings are
 * left alone.
 */
import { readFileSync } from "node:fs";
import { madviseSignature, withLibrary } from "./c-library.ts";
import { residentBytes } from "./memory-usage.ts";

const MADV_DONTNEED = 4;
/** "Not in a core dump", where unchanged parts of files are not anyway: advice that changes nothing else. */
const MADV_DONTDUMP = 16;
const PIECE_BYTES = 2n ** 20n;

/** Beside more than this they do not matter, and Linux would count all of it to tell what was written to. */
const RESIDENT_BYTES_MAX = 256 * 2 ** 20;

/** Lets go of the pages whenever the server has come to rest, as soon as that can be. */
export class ProgramPages {
  readonly #release: () => number;
  #isReleased = false;

  constructor(release = releaseProgramPages) {
    this.#release = release;
  }

  /** Once a second. `isAtRest` as Rest tells. */
  follow(isAtRest: boolean): void {
    this.#isReleased = isAtRest && (this.#isReleased || this.#release() > 0);
  }
}

/** A part of the address space, [start, end). */
export interface Mapping {
  start: bigint;
  end: bigint;
}

/** Lets go of them. Returns how many bytes of the address space that was, 0: it cannot be done here. */
export function releaseProgramPages(): number {
  if (process.platform !== "linux") return 0;
  try {
    if (residentBytes() > RESIDENT_BYTES_MAX) return 0;
    return withLibrary(madviseSignature, ({ madvise }) => release(madvise)) ?? 0;
  } catch {
    // node:ffi is experimental, permissions may forbid it, and /proc may not be there.
    return 0;
  }
}

type Madvise = (address: bigint, bytes: bigint, advice: number) => number;

function release(madvise: Madvise): number {
  let bytes = 0n;
  for (const { start, end } of unchangedMappings(readFileSync("/proc/self/smaps", "latin1"))) {
    for (let piece = start + PIECE_BYTES; piece < end; piece += 2n * PIECE_BYTES) {
      const pieceEnd = piece + PIECE_BYTES < end ? piece + PIECE_BYTES : end;
      madvise(piece, pieceEnd - piece, MADV_DONTDUMP);
    }
    if (madvise(start, end - start, MADV_DONTNEED) === 0) bytes += end - start;
  }
  return Number(bytes);
}

/**
 * What may be let go of, of a text as proc(5) has it of /proc/PID/smaps: large parts of files that can only
 * be read or executed, and have no page of their own.
 */
export function unchangedMappings(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const entry of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ \S+ \d+ +\//.exec(entry) ?? [];
    if (from === undefined || !/^Anonymous: +0 kB$/m.test(entry)) continue;
    const mapping = { start: BigInt(`0x${from}`), end: BigInt(`0x${to}`) };
    if (mapping.end - mapping.start >= PIECE_BYTES) mappings.push(mapping);
  }
  return mappings;
}
