/** Commands about code that clients bring along. */
export * from "./function.ts";
