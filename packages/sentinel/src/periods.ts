/** Periods: how often and how long, in milliseconds. SENTINEL DEBUG changes them, for tests. */

/** All of them, with the names that SENTINEL DEBUG gives them in lower case with dashes. */
export class Periods {
  /** Between two INFO of an instance. */
  infoPeriod = 10_000;
  /** Between two PING of an instance, or its `down-after-milliseconds` if that is less. */
  pingPeriod = 1000;
  /** Between two questions to another sentinel whether it sees the primary down. */
  askPeriod = 1000;
  /** Between two messages of ours on the channel of greetings. */
  publishPeriod = 2000;
  /** `down-after-milliseconds` of a primary that says nothing else. */
  defaultDownAfter = 30_000;
  /** `failover-timeout` of such a primary. */
  defaultFailoverTimeout = 180_000;
  /** The clock of two turns differs by more than that: something is wrong with time. */
  tiltTrigger = 2000;
  /** So long nothing is decided then. */
  tiltPeriod = 30_000;
  /** A replica that was told to follow the promoted one has so long to say so. */
  slaveReconfTimeout = 10_000;
  /** A connection that brings nothing is kept so long at least. */
  minLinkReconnectPeriod = 15_000;
  /** Who is not elected by then gives up. */
  electionTimeout = 10_000;
  /** A script is ended by then. */
  scriptMaxRuntime = 60_000;
  /** A script that failed is tried again after so long; each time it is twice as long. */
  scriptRetryDelay = 30_000;
}

/** The names, as SENTINEL DEBUG lists them. */
export const periodNames = Object.keys(new Periods()) as (keyof Periods)[];

/** `infoPeriod` is INFO-PERIOD. */
export function periodWord(name: keyof Periods): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase();
}
