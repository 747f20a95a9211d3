export * from "./multi.ts";
export * from "./watch.ts";
