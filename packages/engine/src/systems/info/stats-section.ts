/** INFO stats: counters since the start, or since CONFIG RESETSTAT. */

import type { InfoField, InfoSection } from "../../module/system.ts";

const zero = (...names: string[]): InfoField[] => names.map((name) => ({ name, value: () => 0 }));

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
    ...zero("total_net_repl_input_bytes"),
    { name: "total_net_repl_output_bytes", value: ({ stats }) => stats.replicaOutputBytes },
    {
      name: "instantaneous_input_kbps",
      value: ({ cronJobs }) => kilobytes(cronJobs.rates.inputBytes.mean),
    },
    {
      name: "instantaneous_output_kbps",
      value: ({ cronJobs }) => kilobytes(cronJobs.rates.outputBytes.mean),
    },
    { name: "instantaneous_input_repl_kbps", value: () => "0.00" },
    {
      name: "instantaneous_output_repl_kbps",
      value: ({ cronJobs }) => kilobytes(cronJobs.rates.replicaOutputBytes.mean),
    },
    { name: "rejected_connections", value: ({ stats }) => stats.connectionsRejected },
    ...zero("sync_full", "sync_partial_ok", "sync_partial_err"),
    { name: "expired_subkeys", value: ({ stats }) => stats.expiredFields },
    { name: "expired_keys", value: ({ stats }) => stats.expiredKeys },
    { name: "evicted_keys", value: ({ stats }) => stats.evictedKeys },
    { name: "keyspace_hits", value: ({ call }) => call.keyspaceHits },
    { name: "keyspace_misses", value: ({ call }) => call.keyspaceMisses },
    // Nothing forks.
    ...zero("latest_fork_usec", "total_forks"),
    // Whoever migrates keys, or replicates, tells of its own.
    ...zero("migrate_cached_sockets", "slave_expires_tracked_keys"),
    { name: "unexpected_error_replies", value: ({ stats }) => stats.unexpectedErrors },
    { name: "total_error_replies", value: ({ stats }) => stats.errorReplies },
    { name: "dump_payload_sanitizations", value: ({ stats }) => stats.payloadsValidated },
    { name: "total_reads_processed", value: ({ stats }) => stats.readsProcessed },
    { name: "total_writes_processed", value: ({ stats }) => stats.writesProcessed },
    ...zero("io_threaded_reads_processed", "io_threaded_writes_processed"),
    // All clients share one reply buffer.
    ...zero("reply_buffer_shrinks", "reply_buffer_expands"),
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
