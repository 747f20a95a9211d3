/** Words about the link to a primary: how far it is, where it leads to, who is told of a handover. */

/** How far the link is. */
export const LinkState = {
  /** Nobody is followed. */
  NONE: 0,
  /** To be connected. */
  CONNECT: 1,
  CONNECTING: 2,
  HANDSHAKE: 3,
  /** A data set is coming, or being loaded. */
  TRANSFER: 4,
  CONNECTED: 5,
} as const;

/** As ROLE calls them. */
export const linkStateNames = ["none", "connect", "connecting", "handshake", "sync", "connected"];

/** Where a primary is. */
export interface PrimaryPlace {
  readonly host: string;
  readonly port: number;
}

/** Who handed the lead over to the server that is followed from now on (FAILOVER). */
export interface FailoverListener {
  /** The other side goes on as the primary. */
  accepted(): void;
  /** It does not. */
  rejected(): void;
}
