import { fsyncSync } from "node:fs";
import { codeOf } from "./system-error.ts";

/** The highest that there may be: nobody has it. */
const NO_DESCRIPTOR = 2 ** 31 - 1;

/**
 * Throws Node's error where nobody may have files synced: under its permission model, whatever folders
 * may be written. Nothing can be saved then, and it would be told when it is too late.
 */
export function needsSync(): void {
  try {
    fsyncSync(NO_DESCRIPTOR);
  } catch (error) {
    if (codeOf(error) === "ERR_ACCESS_DENIED") throw error;
  }
}
