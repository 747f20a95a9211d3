/** @kv/sentinel: Redis Sentinel as systems of @kv/engine. See README.md. */
export type { ProgramEnd, Programs, RunningProgram } from "./scripts.ts";
export { SentinelStartError } from "./state-lines.ts";
export { sentinelPortNumber, sentinelSystems } from "./system.ts";
