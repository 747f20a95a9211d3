/** @kv/eviction: which keys go when memory runs out. See README.md. */
export * from "./access-clock.ts";
export * from "./evict.ts";
export * from "./frequency.ts";
export * from "./idle-clock.ts";
export * from "./policies.ts";
export * from "./settings.ts";
