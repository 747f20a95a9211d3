/**
 * @kv/eviction/testing: the contract that every policy must pass, exact models of LRU, LFU and
 * random eviction, access traces, and a cache on a real keyspace to compare them with.
 */
export * from "./testing/access-traces.ts";
export * from "./testing/cache-simulation.ts";
export * from "./testing/key-fixture.ts";
export * from "./testing/policy-contract.ts";
export * from "./testing/reference-models.ts";
export * from "./testing/seeded-random.ts";
