/** Texts of system errors, as the C library words them: clients and operators know those. */
import * as util from "node:util"; // By name a Node that is too old could not load this, and say so.
import { diskErrorText } from "@kv/persistence/node";

/** Of networks; those of disks are the storage's to word. */
const wordedOtherwise = new Map([
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
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

/** "No such file or directory" and the like. */
export function systemErrorText(error: unknown): string {
  const { errno, message } = error as { errno?: unknown; message?: unknown };
  const known = diskErrorText(error) ?? wordedOtherwise.get(codeOf(error));
  if (known !== undefined) return known;
  const text = typeof errno === "number" ? util.getSystemErrorMessage(negative(errno)) : undefined;
  if (text === undefined) return String(message ?? error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
