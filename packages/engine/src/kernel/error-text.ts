/** The error that a reply is, for the log. */
import { latin1, type ReplyWriter } from "@kv/resp";

const DASH = 0x2d;
const CR = 0x0d;
/** Longer errors are cut off in the log. */
const ERROR_BYTES_MAX = 1024;

/** The text of the error that was written from `mark` on; null: what was written there is none. */
export function errorTextAt(reply: ReplyWriter, mark: number): string | null {
  const { bytes, length } = reply;
  if (length <= mark || reply.partsBytes > 0 || bytes[mark] !== DASH) return null;
  const most = Math.min(length, mark + ERROR_BYTES_MAX);
  let end = mark;
  while (end < most && bytes[end] !== CR) end++;
  return latin1(bytes, mark + 1, end);
}
