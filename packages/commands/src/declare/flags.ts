/**
 * Command flags: what a command may do and when it may run. Dispatch reads these bits and never a
 * command's name, so a new command needs no edit elsewhere. The words are those of COMMAND INFO.
 */
export const FLAG_BITS = {
  write: 1,
  readonly: 2,
  denyoom: 4,
  admin: 8,
  pubsub: 16,
  noscript: 32,
  blocking: 64,
  loading: 128,
  stale: 256,
  skip_monitor: 512,
  skip_slowlog: 1024,
  asking: 2048,
  fast: 4096,
  no_auth: 8192,
  may_replicate: 1 << 14,
  no_async_loading: 1 << 15,
  no_multi: 1 << 16,
  movablekeys: 1 << 17,
  allow_busy: 1 << 18,
  module: 1 << 19,
  no_mandatory_keys: 1 << 20,
  protected: 1 << 21,
  /** Not shown: runs inside MULTI instead of being queued (EXEC, DISCARD, MULTI, WATCH, QUIT, RESET). */
  not_queued: 1 << 22,
  /** Not shown: allowed to a RESP2 client in subscriber mode. */
  while_subscribed: 1 << 23,
  /** Not shown: LRU and LFU bits of the keys stay as they are. */
  no_touch: 1 << 24,
  /** Not shown: passes every guard and closes the connection (QUIT). */
  ends_connection: 1 << 25,
  /** Not shown: runs the commands queued by MULTI, so guards look at those as well (EXEC). */
  runs_queue: 1 << 26,
  /** Not shown: tells that the server can write, so it fails when the disk does (PING). */
  answers_health: 1 << 27,
  /** Not shown: takes constant time though it is not called fast, so a run may be timed together. */
  constant_time: 1 << 28,
  /** Not shown: ends MULTI in one way or another, so it needs no room in the queue (DISCARD, EXEC). */
  leaves_multi: 1 << 29,
} as const;

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
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
];

export function flagBits(flags: readonly CommandFlag[]): number {
  let bits = 0;
  for (const flag of flags) bits |= FLAG_BITS[flag];
  return bits;
}
