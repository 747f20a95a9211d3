export * from "./debug.ts";
