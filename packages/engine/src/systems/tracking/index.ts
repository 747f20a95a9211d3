/** Generated: the commands of this folder. */
export * from "./client-tracking.ts";
