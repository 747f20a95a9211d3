/** INFO stats: counters since the start, or since CONFIG RESETSTAT. */

import type { InfoField, InfoSection } from "../../module/system.ts";
import type { ActiveDefragmentation } from "../memory/active-defragmentation.ts";

const zero = (...names: string[]): InfoField[] => names.map((name) => ({ name, value: () => 0 }));

const defragmented = (name: string, of: (from: ActiveDefragmentation) => number): InfoField => ({
  name,
  value: ({ cronJobs }) => of(cronJobs.defragmentation),
});

const kilobytes = (bytesPerSecond: number) => (bytesPerSecond / 1024).toFixed(2);

/** What Redis measures for its own developers: shown to those who ask for it by name. */
export const debugSection: InfoSection = {
  name: "debug",
  title: "Debug",
  isDefault: false,
  isOnlyByName: true,
  fields: [
    // There is no append-only file to flush yet.
    ...zero("eventloop_duration_aof_sum"),
    {
      name: "eventloop_duration_cron_sum",
      value: ({ stats }) => Math.floor(stats.cronMicroseconds),
    },
    { name: "eventloop_duration_max", value: ({ stats }) => Math.floor(stats.loopMicrosecondsMax) },
    { name: "eventloop_cmd_per_cycle_max", value: ({ stats }) => stats.loopCommandsMax },
  ],
};

export const statsSection: InfoSection = {
  name: "stats",
  title: "Stats",
  isDefault: true,
  fields: [
    { name: "total_connections_received", value: ({ stats }) => stats.connectionsReceived },
    { name: "total_commands_processed", value: ({ stats }) => stats.commandsProcessed },
    {
      name: "instantaneous_ops_per_sec",
      value: ({ cronJobs }) => cronJobs.rates.commands.mean,
    },
    { name: "total_net_input_bytes", value: ({ stats }) => stats.inputBytes },
    { name: "total_net_output_bytes", value: ({ stats }) => stats.outputBytes },
    ...zero("total_net_repl_input_bytes", "total_net_repl_output_bytes"),
    {
      name: "instantaneous_input_kbps",
      value: ({ cronJobs }) => kilobytes(cronJobs.rates.inputBytes.mean),
    },
    {
      name: "instantaneous_output_kbps",
      value: ({ cronJobs }) => kilobytes(cronJobs.rates.outputBytes.mean),
    },
    { name: "instantaneous_input_repl_kbps", value: () => "0.00" },
    { name: "instantaneous_output_repl_kbps", value: () => "0.00" },
    { name: "rejected_connections", value: ({ stats }) => stats.connectionsRejected },
    ...zero("sync_full", "sync_partial_ok", "sync_partial_err"),
    { name: "expired_keys", value: ({ stats }) => stats.expiredKeys },
    { name: "expired_stale_perc", value: ({ stats }) => stats.expiredStalePercent.toFixed(2) },
    {
      name: "expired_time_cap_reached_count",
      value: ({ stats }) => stats.expireCycleTimeLimitReached,
    },
    {
      name: "expire_cycle_cpu_milliseconds",
      value: ({ stats }) => Math.floor(stats.expireCycleMicroseconds / 1000),
    },
    { name: "evicted_keys", value: ({ stats }) => stats.evictedKeys },
    { name: "evicted_clients", value: ({ stats }) => stats.evictedClients },
    {
      name: "total_eviction_exceeded_time",
      value: ({ stats, memory }) =>
        Math.floor((stats.evictionExceededUs + memory.exceededForUs) / 1000),
    },
    {
      name: "current_eviction_exceeded_time",
      value: ({ memory }) => Math.floor(memory.exceededForUs / 1000),
    },
    { name: "keyspace_hits", value: ({ call }) => call.keyspaceHits },
    { name: "keyspace_misses", value: ({ call }) => call.keyspaceMisses },
    { name: "pubsub_channels", value: ({ pubsub }) => pubsub.channels.names.nameCount },
    { name: "pubsub_patterns", value: ({ pubsub }) => pubsub.patterns.names.nameCount },
    { name: "pubsubshard_channels", value: ({ pubsub }) => pubsub.shardChannels.names.nameCount },
    // Nothing forks, no sockets are kept for MIGRATE.
    ...zero("latest_fork_usec", "total_forks", "migrate_cached_sockets"),
    ...zero("slave_expires_tracked_keys"),
    defragmented("active_defrag_hits", ({ defragmenter }) => defragmenter.hits),
    defragmented("active_defrag_misses", ({ defragmenter }) => defragmenter.misses),
    defragmented("active_defrag_key_hits", ({ defragmenter }) => defragmenter.keyHits),
    defragmented("active_defrag_key_misses", ({ defragmenter }) => defragmenter.keyMisses),
    defragmented("total_active_defrag_time", ({ totalUs }) => Math.floor(totalUs / 1000)),
    defragmented("current_active_defrag_time", ({ currentUs }) => Math.floor(currentUs / 1000)),
    { name: "tracking_total_keys", value: ({ tracking }) => tracking.keyCount },
    { name: "tracking_total_items", value: ({ tracking }) => tracking.itemCount },
    { name: "tracking_total_prefixes", value: ({ tracking }) => tracking.prefixCount },
    { name: "unexpected_error_replies", value: ({ stats }) => stats.unexpectedErrors },
    { name: "total_error_replies", value: ({ stats }) => stats.errorReplies },
    { name: "dump_payload_sanitizations", value: ({ stats }) => stats.payloadsValidated },
    { name: "total_reads_processed", value: ({ stats }) => stats.readsProcessed },
    { name: "total_writes_processed", value: ({ stats }) => stats.writesProcessed },
    ...zero("io_threaded_reads_processed", "io_threaded_writes_processed"),
    { name: "reply_buffer_shrinks", value: ({ stats }) => stats.replyBufferShrinks },
    { name: "reply_buffer_expands", value: ({ stats }) => stats.replyBufferExpands },
    { name: "eventloop_cycles", value: ({ stats }) => stats.loopTurns },
    { name: "eventloop_duration_sum", value: ({ stats }) => Math.floor(stats.loopMicroseconds) },
    {
      name: "eventloop_duration_cmd_sum",
      value: ({ stats }) => Math.floor(stats.loopCommandMicroseconds),
    },
    {
      name: "instantaneous_eventloop_cycles_per_sec",
      value: ({ cronJobs }) => cronJobs.rates.loopTurns.mean,
    },
    {
      name: "instantaneous_eventloop_duration_usec",
      value: ({ cronJobs }) => cronJobs.rates.turnMicroseconds.mean,
    },
    { name: "acl_access_denied_auth", value: ({ stats }) => stats.aclDeniedAuth },
    { name: "acl_access_denied_cmd", value: ({ stats }) => stats.aclDeniedCommand },
    { name: "acl_access_denied_key", value: ({ stats }) => stats.aclDeniedKey },
    { name: "acl_access_denied_channel", value: ({ stats }) => stats.aclDeniedChannel },
    {
      name: "client_query_buffer_limit_disconnections",
      value: ({ stats }) => stats.queryLimitDisconnections,
    },
    {
      name: "client_output_buffer_limit_disconnections",
      value: ({ stats }) => stats.outputLimitDisconnections,
    },
  ],
};
