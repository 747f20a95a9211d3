/** Texts of system errors, as the C library words them: clients and operators know those. */
import { constants } from "node:os";
import * as util from "node:util"; // By name a Node that is too old could not load this, and say so.

const wordedOtherwise = new Map([
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
  ["EISDIR", "Is a directory"],
  ["ENOTDIR", "Not a directory"],
  ["EROFS", "Read-only file system"],
  ["EINVAL", "Invalid argument"],
  ["ENAMETOOLONG", "File name too long"],
  ["EIO", "Input/output error"],
  ["EEXIST", "File exists"],
  ["EBUSY", "Device or resource busy"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["ENFILE", "Too many open files in system"],
  ["ENOMEM", "Cannot allocate memory"],
  ["ETXTBSY", "Text file busy"],
  ["ENOTFOUND", "Name or service not known"],
  ["EAI_AGAIN", "Temporary failure in name resolution"],
]);

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** An error as the system's are, with the code that it would have. */
export function codedError(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

/** As Node has them; Bun's sockets tell them without the sign. */
const negative = (errno: number) => -Math.abs(errno);

/** What disks answer and the runtime has no name for. */
const { errno: numbers } = constants;
const nameless = new Map([
  [numbers.EDQUOT, "Disk quota exceeded"],
  [numbers.ESTALE, "Stale file handle"],
  [numbers.EBADMSG, "Bad message"],
]);

/** "No such file or directory" and the like. */
export function systemErrorText(error: unknown): string {
  const { errno, message } = error as { errno?: unknown; message?: unknown };
  const known = wordedOtherwise.get(codeOf(error)) ?? nameless.get(Math.abs(Number(errno)));
  if (known !== undefined) return known;
  const text = typeof errno === "number" ? util.getSystemErrorMessage(negative(errno)) : undefined;
  if (text === undefined) return String(message ?? error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
