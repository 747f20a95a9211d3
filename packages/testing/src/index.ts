/** @kv/testing: a whole engine in a test, and what compares it with redis-server. */

export * from "./all-transcripts.ts";
export * from "./chance.ts";
export * from "./collected-bytes.ts";
export * from "./comparable.ts";
export * from "./differential.ts";
export * from "./fake-host.ts";
export * from "./faulty-network.ts";
export * from "./half-read-stream.ts";
export * from "./harness.ts";
export * from "./hostile-scripts.ts";
export * from "./network.ts";
export * from "./odd-requests.ts";
export * from "./readme.ts";
export * from "./replica-client.ts";
export * from "./sentinel-fleet.ts";
export * from "./server-process.ts";
export * from "./slow-clock.ts";
export * from "./wire-client.ts";
