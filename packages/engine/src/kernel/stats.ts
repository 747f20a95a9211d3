/**
 * Server-wide counters, as INFO's stats section shows them. Plain numbers: counting costs an
 * addition. Errors are counted by their first word, at most 128 different ones, as Redis 7.2 does.
 */
const ERROR_KINDS_MAX = 128;

export class Stats {
  connectionsReceived = 0;
  commandsProcessed = 0;
  inputBytes = 0;
  outputBytes = 0;
  connectionsRejected = 0;
  expiredKeys = 0;
  evictedKeys = 0;
  evictionExceededUs = 0;
  errorReplies = 0;
  outputLimitDisconnections = 0;
  queryLimitDisconnections = 0;
  /** RESTORE payloads that were looked at to the last byte: all of them are. */
  payloadsValidated = 0;
  peakMemoryBytes = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  loopTurns = 0;
  loopMicroseconds = 0;
  /** When the present turn of the event loop began to work; 0: it has not yet. */
  loopStartUs = 0;
  loopCommandMicroseconds = 0;
  /** The longest turn. */
  loopMicrosecondsMax = 0;
  /** What the cron and the jobs before each wait took, of all turns. */
  cronMicroseconds = 0;
  /** The most commands in one turn, and how many had been processed when the present one began. */
  loopCommandsMax = 0;
  loopCommandsBefore = 0;
  /** Counts by the first word of the error reply. */
  readonly errors = new Map<string, number>();

  /** Counts an error reply such as "WRONGTYPE Operation ...". */
  countError(reply: string): void {
    this.errorReplies++;
    const space = reply.indexOf(" ");
    const code = space === -1 ? reply : reply.slice(0, space);
    const count = this.errors.get(code);
    if (count === undefined && this.errors.size >= ERROR_KINDS_MAX) return;
    this.errors.set(code, (count ?? 0) + 1);
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
