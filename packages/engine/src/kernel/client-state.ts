/**
 * Client state: why the commands of one client may not take the short way, as bits, and what
 * becomes of the replies to them. Guards, and whoever changes a client's state, share these words.
 */

/** Bits of Client.unusual: reasons why a command cannot take the short way to its function. */
export const ClientState = {
  /** Not logged in though a password is needed. */
  UNAUTHENTICATED: 1,
  /** The user may not do everything. */
  RESTRICTED: 2,
  /** Between MULTI and EXEC or DISCARD: commands are queued. */
  MULTI: 4,
  /** RESP2 client with subscriptions. */
  SUBSCRIBED: 8,
  /** CLIENT REPLY OFF or SKIP. */
  MUTED: 16,
  /** Waits: blocked by a command, or held by CLIENT PAUSE. */
  WAITING: 32,
  /** A replica or the primary: guards treat it differently. */
  REPLICATION: 64,
  /** CLIENT TRACKING is on: reads are remembered. */
  TRACKING: 128,
  /** Nothing more of it is executed; it closes when what was replied has left. */
  CLOSING: 256,
  /** CLIENT NO-TOUCH: accesses do not count for LRU and LFU. */
  NO_TOUCH: 512,
  /** MONITOR: gets a copy of all commands. */
  MONITOR: 1024,
  /** Gets the data set, and maybe all changes to it: so no replies. It has REPLICATION as well. */
  REPLICA: 2048,
  /** The link to the primary: what comes by it is done, whatever it is. It has REPLICATION as well. */
  PRIMARY: 4096,
} as const;

/** What Client.replyMode can be. */
export const ReplyMode = {
  /** CLIENT REPLY ON: every command is answered. */
  ON: 0,
  /** CLIENT REPLY OFF: none is, until it is on again. */
  OFF: 1,
  /** CLIENT REPLY SKIP itself, which answers nothing: the command behind it is the one skipped. */
  SKIP_NEXT: 2,
  /** This command is not answered, and then replies are on again. */
  SKIP: 3,
} as const;
