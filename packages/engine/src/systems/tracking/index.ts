export * from "./client-tracking.ts";
