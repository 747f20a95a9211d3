/** Commands on keys of any type that need more than the data: its stored form. */
export * from "../../systems/saving/dump.ts";
export * from "../../systems/saving/restore.ts";
