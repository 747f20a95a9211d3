/** Whether files may be synced: Node's permission model has no word that allows it. */
import { fsyncSync } from "node:fs";
import { NO_DESCRIPTOR } from "./no-descriptor.ts";
import { codeOf } from "./system-error.ts";

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
