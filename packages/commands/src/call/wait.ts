/**
 * Wait: what a blocking command (BLPOP, XREAD BLOCK) asks for when its keys hold nothing for it.
 *
 *      run(call) {
 *        if (popped(call)) return;                          // as the command that does not block
 *        if (!call.mayWait) return call.reply.nullArray();  // in a transaction or a script
 *        call.waitFor({ firstKey: 1, keyCount: call.argc - 2, type: Type.LIST, untilMs });
 *      }
 *
 * It has written no reply and changed nothing then. The request is kept, and run anew from its
 * beginning, whole, whenever one of the keys has come to hold a value of that type; it may ask to
 * wait again. When the time is up the client is answered with a null array. Clients that wait for
 * the same key are served in the order in which they came.
 */

/** What a blocking command waits for: see the head of this file. */
export interface Wait {
  /** The argument that is the first of the keys. */
  readonly firstKey: number;
  /** How many keys follow one another from there. */
  readonly keyCount: number;
  /** The type of value that one of them must come to hold: core's Type. */
  readonly type: number;
  /** When the wait is over, in milliseconds since 1970; 0: never. timeoutAt() reads it. */
  readonly untilMs: number;
  /** Also run anew when a key that held such a value is gone, or holds another type (XREADGROUP). */
  readonly isLossAwaited?: boolean;
  /** Arguments that are other words when the command runs anew: XREAD's `$`, as the ID it stands for. */
  readonly rewritten?: ReadonlyMap<number, string>;
}
