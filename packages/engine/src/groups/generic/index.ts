/** Commands on keys of any type that need more than the data: its stored form. */
export * from "./dump.ts";
export * from "./restore.ts";
