/** @kv/engine: a whole server without I/O. See README.md. */
export { checkStatements, engineDirectives, unsupportedDirectives } from "./configuration.ts";
export { directiveRows, directivesFor } from "./directive-rows.ts";
export * from "./engine.ts";
export { isLoopback } from "./kernel/admission.ts";
export type { CallFrame } from "./kernel/call-frame.ts";
export * from "./kernel/caller.ts";
export * from "./kernel/client.ts";
export * from "./kernel/client-call.ts";
export * from "./kernel/client-report.ts";
export * from "./kernel/client-state.ts";
export * from "./kernel/clients.ts";
export * from "./kernel/clock-steps.ts";
export * from "./kernel/command-queue.ts";
export * from "./kernel/cron.ts";
export * from "./kernel/debug-switches.ts";
export * from "./kernel/due.ts";
export * from "./kernel/effects.ts";
export * from "./kernel/execution.ts";
export * from "./kernel/guards.ts";
export * from "./kernel/host.ts";
export * from "./kernel/identity.ts";
export * from "./kernel/latency-monitor.ts";
export { lookup } from "./kernel/lookup.ts";
export * from "./kernel/muting.ts";
export * from "./kernel/output.ts";
export * from "./kernel/pause.ts";
export * from "./kernel/propagate.ts";
export * from "./kernel/rates.ts";
export * from "./kernel/reexecution.ts";
export * from "./kernel/refusals.ts";
export * from "./kernel/replay.ts";
export { SHA1_BYTES, sha1 } from "./kernel/sha1.ts";
export * from "./kernel/shutdown-request.ts";
export * from "./kernel/situation.ts";
export * from "./kernel/snapshot-jobs.ts";
export * from "./kernel/stats.ts";
export { arrivingName, sendingName } from "./kernel/temporary-names.ts";
export * from "./kernel/transaction.ts";
export * from "./kernel/transactions.ts";
export * from "./kernel/used-memory.ts";
export * from "./kernel/version.ts";
export { wakingStorage } from "./kernel/waking-storage.ts";
export { readConfigFile } from "./module/config-file.ts";
export * from "./module/container-part.ts";
export { UnsupportedDirectiveError } from "./module/directives.ts";
export * from "./module/engine-call.ts";
export { humanBytes } from "./module/info-format.ts";
export * from "./module/ports.ts";
export * from "./module/system.ts";
export { AclStartError } from "./systems/acl/user-sources.ts";
export { ownSystems } from "./systems/index.ts";
export { type Saving, type SavingNeeds, savingPort } from "./systems/saving/saving.ts";
export {
  type Decided,
  type Ending,
  type EndingNeeds,
  endingPort,
} from "./systems/shutdown/ending.ts";
