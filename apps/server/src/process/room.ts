/**
 * Room for one more thread that runs JavaScript. It starts with a reservation of addresses for its code, and
 * where the process may have no more of them (`ulimit -v`) the runtime ends all of it, not just the thread.
 */

/** What such a thread reserves, and as much again for what it does. */
const THREAD_BYTES = 512 * 2 ** 20;

/** Whether such a thread can be made. To try is the only way to know; what is not touched costs nothing. */
export function hasRoomForThread(): boolean {
  try {
    new ArrayBuffer(THREAD_BYTES).transfer(0);
    return true;
  } catch {
    return false;
  }
}
