/** Comparing two arguments byte by byte. */
import type { Call } from "../call/call.ts";

/** True when two arguments of the request are the same bytes. */
export function sameArgument(call: Call, a: number, b: number): boolean {
  const length = call.length(a);
  if (call.length(b) !== length) return false;
  const { bytes } = call;
  const from = call.start(a);
  const to = call.start(b);
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[to + i]) return false;
  return true;
}
