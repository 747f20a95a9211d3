/**
 * Instances: what is known of a primary, of its replicas and of the other sentinels that watch it.
 * Nothing in here decides anything.
 */
import type { Address } from "./address.ts";
import { Flag } from "./flag.ts";
import { Link } from "./link.ts";

/** As replies and messages call them. */
export type Kind = "master" | "slave" | "sentinel";

/** What all three have. */
abstract class Watched {
  abstract readonly kind: Kind;
  /** A primary's as the operator says, a replica's is its address, a sentinel's its id. */
  readonly name: string;
  address: Address;
  /** Of the process: "" while it is not known. */
  runId = "";
  /** Bits of Flag. */
  flags = 0;
  link: Link;
  /** Silent for so long, it counts as down. */
  downAfterMs: number;
  /** Since when it does. */
  subjectivelyDownSinceMs = 0;
  objectivelyDownSinceMs = 0;
  /** Our last greeting by way of it. */
  lastPublishMs: number;

  constructor(name: string, address: Address, downAfterMs: number, nowMs: number) {
    this.name = name;
    this.address = address;
    this.downAfterMs = downAfterMs;
    this.link = new Link(nowMs);
    this.lastPublishMs = nowMs;
  }

  is(bits: number): boolean {
    return (this.flags & bits) !== 0;
  }

  mark(bits: number): void {
    this.flags |= bits;
  }

  unmark(bits: number): void {
    this.flags &= ~bits;
  }

  /** Whether it has not been down for so long. */
  wasUpFor(durationMs: number, nowMs: number): boolean {
    const downMs = Math.max(this.subjectivelyDownSinceMs, this.objectivelyDownSinceMs);
    return downMs === 0 || nowMs - downMs > durationMs;
  }
}

/** What primaries and replicas say of themselves by INFO. */
abstract class DataServer extends Watched {
  /** The text of the last INFO; null: none came yet. */
  info: string | null = null;
  /** When it came; 0: none did. */
  infoMs = 0;
  /** An INFO is not answered yet. */
  isAskedForInfo = false;
  /** What it says that it is. */
  roleReported: "master" | "slave";
  /** Since when it says so. */
  roleReportedMs: number;
  /** When it came back with another run id. */
  rebootSinceMs = 0;

  constructor(
    name: string,
    address: Address,
    role: "master" | "slave",
    downAfterMs: number,
    nowMs: number,
  ) {
    super(name, address, downAfterMs, nowMs);
    this.roleReported = role;
    this.roleReportedMs = nowMs;
  }
}

/** How far a failover is, in the order in which it goes. */
export const FailoverState = {
  NONE: 0,
  /** It is time for votes. */
  WAIT_START: 1,
  SELECT_SLAVE: 2,
  /** The chosen replica is to be told. */
  SEND_SLAVEOF_NOONE: 3,
  /** It was told, and has not said yet that it is a primary. */
  WAIT_PROMOTION: 4,
  /** The other replicas are told to follow it. */
  RECONF_SLAVES: 5,
  /** Everybody is told of the new primary. */
  UPDATE_CONFIG: 6,
} as const;

/** The names of those, as replies give them. */
export const failoverStateNames = [
  "none",
  "wait_start",
  "select_slave",
  "send_slaveof_noone",
  "wait_promotion",
  "reconf_slaves",
  "update_config",
];

/** A primary that the operator wants watched. */
export class Primary extends DataServer {
  readonly kind = "master";
  /** So many sentinels have to see it down. */
  quorum: number;
  readonly replicas = new Map<string, Replica>();
  /** The other sentinels that watch it, by their ids. */
  readonly sentinels = new Map<string, Peer>();
  /** Of its configuration: which sentinel's failover made it what it is. */
  configEpoch = 0;
  /** Replicas that copy from a promoted one at the same time. */
  parallelSyncs = 1;
  failoverTimeoutMs: number;
  /** After a reboot it counts as down for so long at most until it serves; 0: reboots are let be. */
  rebootDownAfterMs = 0;
  authUser = "";
  authPass = "";
  /** Commands that its configuration has given other names, in upper case. */
  readonly renamedCommands = new Map<string, string>();
  notificationScript = "";
  reconfigurationScript = "";
  /** Who got our vote; "": nobody. */
  leader = "";
  /** In which epoch. */
  leaderEpoch = 0;
  failoverEpoch = 0;
  failoverState: number = FailoverState.NONE;
  failoverStateMs = 0;
  failoverStartMs = 0;
  /** The start of the failover whose successor was put off, as the log was told. */
  delayLoggedMs = 0;
  promoted: Replica | null = null;

  constructor(
    name: string,
    address: Address,
    quorum: number,
    times: { downAfterMs: number; failoverTimeoutMs: number },
    nowMs: number,
  ) {
    super(name, address, "master", times.downAfterMs, nowMs);
    this.quorum = quorum;
    this.failoverTimeoutMs = times.failoverTimeoutMs;
  }

  get primary(): Primary {
    return this;
  }

  /** Where clients are to go: as soon as the promoted replica is a primary, there. */
  get currentAddress(): Address {
    const { promoted } = this;
    if (
      this.is(Flag.FAILOVER_IN_PROGRESS) &&
      promoted !== null &&
      this.failoverState >= FailoverState.RECONF_SLAVES
    )
      return promoted.address;
    return this.address;
  }

  setDownAfter(durationMs: number): void {
    this.downAfterMs = durationMs;
    for (const replica of this.replicas.values()) replica.downAfterMs = durationMs;
    for (const peer of this.sentinels.values()) peer.downAfterMs = durationMs;
  }
}

/** A replica of a primary. */
export class Replica extends DataServer {
  readonly kind = "slave";
  readonly primary: Primary;
  /** Its link to its primary has been down for so long, it says. */
  primaryLinkDownMs = 0;
  isPrimaryLinkUp = false;
  /** Whom it says it follows. */
  primaryHost = "";
  primaryPort = 0;
  /** When it began to say so. */
  primaryChangedMs: number;
  /** 0: never to be promoted. */
  priority = 100;
  offset = 0;
  isAnnounced = true;
  /** When it was told to follow the promoted one. */
  reconfSentMs = 0;

  constructor(name: string, address: Address, primary: Primary, nowMs: number) {
    super(name, address, "slave", primary.downAfterMs, nowMs);
    this.primary = primary;
    this.primaryChangedMs = nowMs;
  }
}

/** Another sentinel that watches the primary. */
export class Peer extends Watched {
  readonly kind = "sentinel";
  readonly primary: Primary;
  /** Its last greeting. */
  lastHelloMs: number;
  /** Its last answer whether it sees the primary down. */
  lastDownReplyMs: number;
  /** When we last asked that. */
  askedMs = 0;
  /** Who got its vote; "": nobody that we know of. */
  leader = "";
  leaderEpoch = 0;

  constructor(id: string, address: Address, primary: Primary, nowMs: number) {
    super(id, address, primary.downAfterMs, nowMs);
    this.runId = id;
    this.primary = primary;
    this.lastHelloMs = nowMs;
    this.lastDownReplyMs = nowMs;
  }
}

/** Any of the three. */
export type Instance = Primary | Replica | Peer;
