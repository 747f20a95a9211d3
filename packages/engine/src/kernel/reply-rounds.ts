/**
 * ReplyRounds: whether a reply leaves at once, or with those of the others who are served in this turn.
 *
 * Who waits for a reply sleeps, and to wake it costs the server as much as a dozen commands. Where
 * requests are quick, clients are as busy as the server, and nobody sleeps. Where they take long, all
 * clients wait for the server: one that is woken for each reply falls asleep again each time. So the
 * replies to long requests leave one behind the other when all who had asked are served, as all of
 * Redis's do.
 *
 * A reply waits for WAIT_US_MAX and one request at most, and a client who is alone waits for nobody.
 */

/** What is asked for takes long: more than a wake-up. */
const LONG_US = 15;
/** When the first reply has waited for so long, all leave. */
const WAIT_US_MAX = 1000;
/** So often a reply may wait in vain, and so many leave at once before the next is tried. */
const VAIN_MAX = 2;
const AT_ONCE = 64;

/** Decides what waits: see the head of this file. One for each engine. */
export class ReplyRounds {
  private sinceUs = 0;
  /** Replies in a row for which no other came. */
  private vainCount = 0;
  private atOnceCount = 0;

  /**
   * A request has been served, from `startUs` to `nowUs`; `count` replies are waiting. Whether its reply
   * waits, too. False: what waits is to leave now, and then this one.
   */
  gathers(count: number, startUs: number, nowUs: number): boolean {
    if (count > 0) return nowUs - this.sinceUs < WAIT_US_MAX;
    if (nowUs - startUs < LONG_US) return false;
    if (this.atOnceCount > 0) {
      this.atOnceCount--;
      return false;
    }
    this.sinceUs = nowUs;
    return true;
  }

  /** So many replies have left together. */
  left(count: number): void {
    if (count > 1) this.vainCount = 0;
    else if (++this.vainCount >= VAIN_MAX) {
      this.vainCount = 0;
      this.atOnceCount = AT_ONCE;
    }
  }
}
