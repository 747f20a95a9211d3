/** Generated: the commands of this folder. */
export * from "./command.ts";
