/**
 * Temporary names: what files in `dir` are called while a save or a synchronisation is under way. Each tells
 * the process that it belongs to, so that another one can see whether that is still there.
 *
 *      temp-PID-N.rdb                        the data set on its way to its file (temp-PID.rdb is Redis's own)
 *      temp-sync-PID-N.rdb, sync-PID-N.rdb   the same on its way to replicas, being written and written
 *      temp-SECONDS.PID-N.rdb[.part]         what a primary sends
 *
 * N is another number each time: one that was given up may still be on its way out.
 */

/** Of the data set on its way to its file. */
export function savingName(processId: number, count: number): string {
  return `temp-${processId}-${count}.rdb`;
}

/** Of the data set on its way to replicas, when it is whole; until then it is `temp-` and this. */
export function sendingName(processId: number, count: number): string {
  return `sync-${processId}-${count}.rdb`;
}

/** Of what a primary sends, when it is whole; until then it is this and `.part`. */
export function arrivingName(wallMs: number, processId: number, count: number): string {
  return `temp-${Math.floor(wallMs / 1000)}.${processId}-${count}.rdb`;
}

const pattern = /^(?:temp-|(?:temp-)?sync-|temp-\d+\.)([1-9]\d*)-\d+\.rdb(?:\.part)?$/;

/** The process that a temporary file belongs to; undefined: the name is none of those. */
export function ownerOf(name: string): number | undefined {
  const found = pattern.exec(name);
  return found === null ? undefined : Number(found[1]);
}
