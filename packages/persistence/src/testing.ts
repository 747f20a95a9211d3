/**
 * For tests: a storage in memory that can fail and lose power, and the suite that every snapshot
 * format passes.
 */
export { type ContractCheck, formatContract } from "./format-contract.ts";
export { type Fault, MemoryStorage, type PowerLoss } from "./memory-storage.ts";
export { skipString } from "./rdb/skip-string.ts";
export type { Storage } from "./storage.ts";
