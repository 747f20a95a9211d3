/**
 * The stack: V8 takes a megabyte of it for granted, and never asks. Under `ulimit -s 256` the first calls
 * that nest deeper, those of a script's cjson.encode for instance, would end the process with a SIGSEGV.
 *
 * Linux looks at the limit whenever a stack grows, not at the start alone, and so it can be raised by
 * whoever runs already, as far as the hard limit lets it.
 */
import { endianness } from "node:os";
import { withLibrary } from "./c-library.ts";
import { resourceLimit } from "./resource-limit.ts";

/** What V8 uses, 984 KiB, and what the C library and the kernel may need within its deepest call. */
const NEEDED_BYTES = 1280 * 1024;
const WANTED_BYTES = 8 * 2 ** 20;
const RLIMIT_STACK = 3;

const signatures = { setrlimit: { arguments: ["i32", "buffer"], return: "i32" } } as const;

/** Bytes that the stack of the main thread may have. */
export const stackLimit = () => resourceLimit("Max stack size");

/** Raises a limit that is too low. Returns what to tell the operator where that cannot be. */
export function ensureStack(): string | undefined {
  const { soft, hard } = stackLimit();
  if (soft >= NEEDED_BYTES) return undefined;
  // Only the privileged may raise the hard one.
  const most = hard >= NEEDED_BYTES ? hard : WANTED_BYTES;
  if (set(Math.min(most, WANTED_BYTES), most)) return undefined;
  return `WARNING: The stack of this process may have no more than ${soft / 1024} kB, and the runtime counts on ${NEEDED_BYTES / 1024}: a script whose data nest deeply could end the server. Raise the limit of the stack ('ulimit -s', or LimitSTACK= of systemd).`;
}

/** False: the operating system refuses it, or cannot be asked. */
function set(softBytes: number, hardBytes: number): boolean {
  if (process.platform !== "linux" || endianness() !== "LE") return false;
  const limits = new BigUint64Array([softBytes, hardBytes].map(limitOf));
  try {
    const isSet = withLibrary(
      signatures,
      ({ setrlimit }) => setrlimit(RLIMIT_STACK, Buffer.from(limits.buffer)) === 0,
    );
    return isSet ?? false;
  } catch {
    // What is experimental may have changed, and permissions may forbid it.
    return false;
  }
}

const limitOf = (bytes: number) =>
  bytes === Number.POSITIVE_INFINITY ? 2n ** 64n - 1n : BigInt(bytes);
