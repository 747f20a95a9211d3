export * from "./info.ts";
