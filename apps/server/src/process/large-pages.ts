/**
 * Large pages: user data lie all over their memory, and a processor that knows where a few thousand pages
 * of 4 KiB are has to look most of them up. With pages of 2 MiB it need not (measured among a million keys
 * in a virtual machine, at depth 16: 680,000 -> 1,010,000 GETs a second; in another one a tenth of that).
 *
 *      piece      [ 4 KiB pages |  2 MiB  |  2 MiB  |  2 MiB  | .. ]  next piece
 *                         from ─┘ └── madvise(MADV_HUGEPAGE) ─────────┘
 *
 * Linux gives them where it is told to ("madvise", the usual setting of
 * /sys/kernel/mm/transparent_hugepage/enabled). What makes them dangerous in Redis, copies of whole pages
 * behind fork(), is not here. It is advice: where it cannot be given, nothing else is different.
 *
 * Most machines have one ready in a quarter of a millisecond, and the 512 small ones take a whole one. A
 * virtual machine whose host has taken free memory back may need six, as small ones do not: then the piece
 * has small pages, and so have those behind it.
 */
import { ffi, madviseSignature, withLibrary } from "./c-library.ts";

const LARGE_PAGE_BYTES = 2n ** 21n;
const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;
/** A page that takes longer is dear. */
const DEAR_MS = 2;
/** Behind a dear piece nothing is asked for till so many bytes are filled. */
const PASSED_BYTES = 96 * 2 ** 20;

/** Asks for large pages: see the head of this file. */
export class LargePages {
  readonly #usedMs: () => number;
  /** Bytes for which nothing is to be asked. */
  #passedBytes = 0;

  /** `usedMs`: what this thread has had of a processor. */
  constructor(usedMs = threadMs) {
    this.#usedMs = usedMs;
  }

  /** As Host.adviseMemory. Returns how many bytes may have large pages now. */
  readonly ask = (buffer: ArrayBuffer, fromByte: number, toByte: number): number => {
    if (process.platform !== "linux") return 0;
    if (this.#passedBytes > 0) {
      this.#passedBytes -= toByte - fromByte;
      return 0;
    }
    try {
      return this.#advise(buffer, fromByte, toByte);
    } catch {
      // What is experimental may have changed, and permissions may forbid it.
      return 0;
    }
  };

  #advise(buffer: ArrayBuffer, fromByte: number, toByte: number): number {
    const address = ffi()?.getRawPointer(buffer);
    if (address === undefined) return 0;
    const start = roundedUp(address + BigInt(fromByte));
    const bufferEnd = address + BigInt(buffer.byteLength);
    // A page that two pieces share is the first one's.
    const wanted = roundedUp(address + BigInt(toByte));
    const end = wanted <= bufferEnd ? wanted : wanted - LARGE_PAGE_BYTES;
    if (end <= start) return 0;
    const advisedBytes = withLibrary(madviseSignature, ({ madvise }) => {
      if (madvise(start, end - start, MADV_HUGEPAGE) !== 0) return 0;
      const bytes = new Uint8Array(buffer, Number(start - address), Number(end - start));
      if (!this.#isDear(bytes)) return bytes.length;
      this.#passedBytes = PASSED_BYTES;
      madvise(start, end - start, MADV_NOHUGEPAGE);
      return 0;
    });
    return advisedBytes ?? 0;
  }

  /** Touches the first page, which is going to be filled anyway. */
  #isDear(bytes: Uint8Array): boolean {
    const beforeMs = this.#usedMs();
    bytes[0] = 0;
    return this.#usedMs() - beforeMs >= DEAR_MS;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function roundedUp(address: bigint): bigint {
  return ((address + LARGE_PAGE_BYTES - 1n) / LARGE_PAGE_BYTES) * LARGE_PAGE_BYTES;
}
