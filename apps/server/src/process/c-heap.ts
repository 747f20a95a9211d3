/**
 * The heap of the C library, from which Node has buffers: those above 32 MiB never, smaller ones as it
 * happens. What is freed there stays resident, for glibc gives back what lies at the end of that heap and
 * nothing else. Slow readers of replies of up to a megabyte left 1.4 GB behind, of which 20 MB were in use
 * (measured; to have the library map each such buffer by itself would hold 0.1 GB, and makes a SET of 2 MB
 * take twice as long).
 *
 * So it is asked to give back all: once whenever the server has come to rest, and at any time where more than
 * half of what is resident is nothing that the server knows of. That takes 0.1 ms for a megabyte.
 */
import { withLibrary } from "./c-library.ts";
import { residentBytes } from "./memory-usage.ts";

/** Less than this is not worth a stop while somebody waits. */
const SPARE_BYTES_MIN = 256 * 2 ** 20;
/** Nor is it worth one more often. */
const PERIOD_MS = 10_000;

const signatures = { malloc_trim: { arguments: ["u64"], return: "i32" } } as const;

/** Has the heap of the C library trimmed when that is of use. */
export class CHeap {
  readonly #trim: () => void;
  readonly #residentBytes: () => number;
  #wasAtRest = false;
  #dueMs = 0;

  constructor(trim: () => void = trimHeap, resident = residentBytes) {
    this.#trim = trim;
    this.#residentBytes = resident;
  }

  /** Once a second. `knownBytes` are resident for reasons that the server knows; `isAtRest` as Rest tells. */
  follow(nowMs: number, isAtRest: boolean, knownBytes: number): void {
    const isRestNew = isAtRest && !this.#wasAtRest;
    this.#wasAtRest = isAtRest;
    if (!isRestNew && !this.#isWorthAStop(nowMs, knownBytes)) return;
    this.#dueMs = nowMs + PERIOD_MS;
    this.#trim();
  }

  #isWorthAStop(nowMs: number, knownBytes: number): boolean {
    if (nowMs < this.#dueMs) return false;
    const spareBytes = this.#residentBytes() - knownBytes;
    return spareBytes > Math.max(SPARE_BYTES_MIN, knownBytes);
  }
}

/** Gives back what nobody uses. False: it cannot be done here. */
export function trimHeap(): boolean {
  try {
    const isTrimmed = withLibrary(signatures, ({ malloc_trim }) => {
      malloc_trim(0n);
      return true;
    });
    return isTrimmed ?? false;
  } catch {
    // node:ffi is experimental, permissions may forbid it, and other C libraries have no such function.
    return false;
  }
}
