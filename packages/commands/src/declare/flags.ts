/**
 * Command flags: what a command may do and when it may run. Dispatch reads these bits and never a
 * command's name, so a new command needs no edit elsewhere. The words are those of COMMAND INFO.
 */

/** The bit of each flag. */
export const FLAG_BITS = {
  /** May change the data set. */
  write: 1,
  /** Changes nothing. */
  readonly: 2,
  /** Needs memory: refused when there is no more. */
  denyoom: 4,
  /** For administrators; dangerous, too. */
  admin: 8,
  /** Is about channels. */
  pubsub: 16,
  /** Not for scripts. */
  noscript: 32,
  /** May keep the client waiting. */
  blocking: 64,
  /** Allowed while the data set is loaded. */
  loading: 128,
  /** Allowed on a replica whose data may be old. */
  stale: 256,
  /** Not shown by MONITOR. */
  skip_monitor: 512,
  /** Not in the slow log. */
  skip_slowlog: 1024,
  /** Asks in a cluster as if ASKING had come before. */
  asking: 2048,
  /** Takes constant or logarithmic time. */
  fast: 4096,
  /** Allowed before AUTH. */
  no_auth: 8192,
  /** May be propagated though it is no write. */
  may_replicate: 1 << 14,
  /** Refused while a replica loads beside the data it serves. */
  no_async_loading: 1 << 15,
  /** Refused inside MULTI. */
  no_multi: 1 << 16,
  /** Key specs alone do not find its keys. */
  movablekeys: 1 << 17,
  /** Allowed while a script runs too long. */
  allow_busy: 1 << 18,
  /** Came with a native module. */
  module: 1 << 19,
  /** May be called without keys. */
  no_mandatory_keys: 1 << 20,
  /** Needs a directive such as enable-debug-command. */
  protected: 1 << 21,
  /** Not shown: runs inside MULTI instead of being queued (EXEC, DISCARD, MULTI, WATCH, QUIT, RESET). */
  not_queued: 1 << 22,
  /** Not shown: allowed to a RESP2 client in subscriber mode. */
  while_subscribed: 1 << 23,
  /**
   * Not shown: meets keys that nobody named, and what it removes of them on its way has nothing in
   * common (SCAN, RANDOMKEY): it is propagated command by command, not as a transaction.
   */
  touches_arbitrary_keys: 1 << 24,
  /** Not shown: passes every guard and closes the connection (QUIT). */
  ends_connection: 1 << 25,
  /** Not shown: runs the commands queued by MULTI, so guards look at those as well (EXEC). */
  runs_queue: 1 << 26,
  /** Not shown: tells that the server can write, so it fails when the disk does (PING). */
  answers_health: 1 << 27,
  /**
   * Not shown: not called fast, but what it takes follows from the bytes of its request and its reply,
   * so a run of small ones may be timed together.
   */
  timed_in_runs: 1 << 28,
  /** Not shown: ends MULTI in one way or another, so it needs no room in the queue (DISCARD, EXEC). */
  leaves_multi: 1 << 29,
} as const;

/** The name of a flag. */
export type CommandFlag = keyof typeof FLAG_BITS;

/** Flags that COMMAND INFO shows, in Redis's order. */
export const SHOWN_FLAGS: readonly CommandFlag[] = [
  "write",
  "readonly",
  "denyoom",
  "module",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
];

/** The sum of the flags' bits. */
export function flagBits(flags: readonly CommandFlag[]): number {
  let bits = 0;
  for (const flag of flags) bits |= FLAG_BITS[flag];
  return bits;
}
