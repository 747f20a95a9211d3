/** @kv/testing: a whole engine in a test, and what compares it with redis-server. */
export * from "./fake-host.ts";
export * from "./harness.ts";
