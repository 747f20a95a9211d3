/** Flags: what is true of an instance at this moment. The names are those of SENTINEL MASTER's `flags`. */

/** Bits of Instance.flags, in the order in which replies name them. */
export const Flag = {
  /** It has not answered for too long, as far as we can see. */
  S_DOWN: 1,
  /** Of a primary: as many sentinels as its quorum says see it so. */
  O_DOWN: 2,
  /** Of another sentinel: it sees the primary down. */
  MASTER_DOWN: 4,
  /** Of a primary: a replica is being promoted, by us. */
  FAILOVER_IN_PROGRESS: 8,
  /** Of a replica: it is the one. */
  PROMOTED: 16,
  /** Of a replica: it was told to follow the promoted one. */
  RECONF_SENT: 32,
  /** Of a replica: it says that it does. */
  RECONF_INPROG: 64,
  /** Of a replica: it has its data. */
  RECONF_DONE: 128,
  /** Of a primary: an operator asked for the failover, so nobody is asked for a vote. */
  FORCE_FAILOVER: 256,
  /** It is busy with a script, and was told to end it. */
  SCRIPT_KILL_SENT: 512,
  /** It came back with another run id, and has not answered PING with PONG since. */
  MASTER_REBOOT: 1024,
} as const;

/** The words of those bits that replies put before the kind of the instance, and behind it. */
const before = [Flag.S_DOWN, Flag.O_DOWN];
const behind = [
  Flag.MASTER_DOWN,
  Flag.FAILOVER_IN_PROGRESS,
  Flag.PROMOTED,
  Flag.RECONF_SENT,
  Flag.RECONF_INPROG,
  Flag.RECONF_DONE,
  Flag.FORCE_FAILOVER,
  Flag.SCRIPT_KILL_SENT,
  Flag.MASTER_REBOOT,
];

const nameOf = new Map<number, string>(
  Object.entries(Flag).map(([name, bit]) => [bit, name.toLowerCase()]),
);

/** As in `s_down,master,disconnected`. */
export function flagWords(flags: number, kind: string, isDisconnected: boolean): string {
  const words = (bits: readonly number[]) =>
    bits.filter((bit) => (flags & bit) !== 0).map((bit) => nameOf.get(bit));
  const link = isDisconnected ? ["disconnected"] : [];
  return [...words(before), kind, ...link, ...words(behind)].join(",");
}
