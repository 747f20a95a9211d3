/**
 * Room for one more thread that runs JavaScript. It starts with a reservation of addresses for its code, and
 * where the process may have no more of them (`ulimit -v`) the runtime ends all of it, not just the thread.
 */

/** What such a thread reserves, and as much again for what it does. */
const THREAD_BYTES = 512 * 2 ** 20;
/** What of that is to be memory. More would have the garbage of the whole heap collected, in the middle of its work. */
const MEMORY_BYTES = 16 * 2 ** 20;

/** Whether such a thread can be made. To try is the only way to know; what is not touched costs nothing. */
export function hasRoomForThread(): boolean {
  try {
    new ArrayBuffer(MEMORY_BYTES, { maxByteLength: THREAD_BYTES }).transferToFixedLength(0);
    return true;
  } catch {
    return false;
  }
}
