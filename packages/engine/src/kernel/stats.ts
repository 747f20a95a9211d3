/**
 * Server-wide counters, as INFO's stats section shows them. Plain numbers: counting costs an
 * addition. Errors are counted by their first word, at most 128 different ones, as Redis 7.2 does.
 */
const ERROR_KINDS_MAX = 128;
/** Letters of a first word; what is longer counts as ERR. Scripts answer with texts of their own. */
const ERROR_CODE_LETTERS_MAX = 30;

/** Counts since the start, or since CONFIG RESETSTAT. Each says which field of INFO shows it. */
export class Stats {
  /** total_connections_received: those that were refused included. */
  connectionsReceived = 0;
  /** total_commands_processed: those that ran, each command of a transaction by itself. */
  commandsProcessed = 0;
  /** total_net_input_bytes. */
  inputBytes = 0;
  /** total_net_output_bytes. */
  outputBytes = 0;
  /** total_net_repl_output_bytes: what replicas got; outputBytes has it, too. */
  replicaOutputBytes = 0;
  /** rejected_connections. */
  connectionsRejected = 0;
  /** expired_keys. */
  expiredKeys = 0;
  /** expired_subkeys: fields of hashes. */
  expiredFields = 0;
  /** evicted_keys. */
  evictedKeys = 0;
  /** total_eviction_exceeded_time, in microseconds, without a time that has not ended. */
  evictionExceededUs = 0;
  /** total_error_replies. */
  errorReplies = 0;
  /** unexpected_error_replies: those between a primary and a replica, and of what a log says. */
  unexpectedErrors = 0;
  /** client_output_buffer_limit_disconnections. */
  outputLimitDisconnections = 0;
  /** client_query_buffer_limit_disconnections. */
  queryLimitDisconnections = 0;
  /**
   * dump_payload_sanitizations: RESTORE payloads that were looked at to the last byte, as all are.
   */
  payloadsValidated = 0;
  /** used_memory_peak: the most bytes in use that the cron or INFO has seen. reset() keeps it. */
  peakMemoryBytes = 0;
  /** total_reads_processed: how often bytes of a client came. */
  readsProcessed = 0;
  /** total_writes_processed: how often bytes for a client left. */
  writesProcessed = 0;
  /** eventloop_cycles: turns of the event loop. */
  loopTurns = 0;
  /** eventloop_duration_sum: the time that turns took, waiting for events not included. */
  loopMicroseconds = 0;
  /** When the present turn began to work, by the monotonic clock; 0: it has not yet. */
  loopStartUs = 0;
  /** eventloop_duration_cmd_sum: what of that was commands. */
  loopCommandMicroseconds = 0;
  /** eventloop_duration_max: the longest turn. */
  loopMicrosecondsMax = 0;
  /** eventloop_duration_cron_sum: what the cron and the jobs before each wait took. */
  cronMicroseconds = 0;
  /** eventloop_cmd_per_cycle_max: the most commands in one turn. */
  loopCommandsMax = 0;
  /** Commands that had been processed when the present turn began. */
  loopCommandsBefore = 0;
  /** errorstat_<word>: error replies by their first word. */
  readonly errors = new Map<string, number>();

  /** Counts an error reply such as "WRONGTYPE Operation ...". */
  countError(reply: string): void {
    this.errorReplies++;
    const space = reply.slice(0, ERROR_CODE_LETTERS_MAX + 1).indexOf(" ");
    const code = space === -1 ? "ERR" : reply.slice(0, space);
    const count = this.errors.get(code);
    if (count === undefined && this.errors.size >= ERROR_KINDS_MAX) return;
    // A piece of a text would keep all of it.
    if (count === undefined) this.errors.set([...code].join(""), 1);
    else this.errors.set(code, count + 1);
  }

  /** CONFIG RESETSTAT: everything that is a count since the start. */
  reset(): void {
    const peak = this.peakMemoryBytes;
    const fresh = new Stats();
    for (const [name, value] of Object.entries(fresh)) {
      if (typeof value === "number") (this as unknown as Record<string, number>)[name] = value;
    }
    this.peakMemoryBytes = peak;
    this.errors.clear();
  }
}
