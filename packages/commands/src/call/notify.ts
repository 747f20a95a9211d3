/** Classes of keyspace events: the bits behind the letters of `notify-keyspace-events`. */

/**
 * Classes by name. An event has one class; `notify-keyspace-events` is a sum of them, with K and E.
 */
export const Notify = {
  /** K: published by key, on __keyspace@<db>__ channels. */
  KEYSPACE: 1,
  /** E: published by event, on __keyevent@<db>__ channels. */
  KEYEVENT: 2,
  /** g: DEL, EXPIRE, RENAME and the like. */
  GENERIC: 4,
  /** $: strings. */
  STRING: 8,
  /** l: lists. */
  LIST: 16,
  /** s: sets. */
  SET: 32,
  /** h: hashes. */
  HASH: 64,
  /** z: sorted sets. */
  ZSET: 128,
  /** x: a key was removed because its time had passed. */
  EXPIRED: 256,
  /** e: a key was evicted. */
  EVICTED: 512,
  /** t: streams. */
  STREAM: 1024,
  /** m: a key that was read was not there. */
  KEY_MISS: 2048,
  /** For modules alone: no letter. */
  LOADED: 4096,
  /** d: of modules. */
  MODULE: 8192,
  /** n: a key was added. */
  NEW: 16384,
} as const;

/** What "A" stands for: everything but key misses and new keys. */
export const NOTIFY_ALL =
  Notify.GENERIC |
  Notify.STRING |
  Notify.LIST |
  Notify.SET |
  Notify.HASH |
  Notify.ZSET |
  Notify.EXPIRED |
  Notify.EVICTED |
  Notify.STREAM |
  Notify.MODULE;

const LETTERS: [string, number][] = [
  ["g", Notify.GENERIC],
  ["$", Notify.STRING],
  ["l", Notify.LIST],
  ["s", Notify.SET],
  ["h", Notify.HASH],
  ["z", Notify.ZSET],
  ["x", Notify.EXPIRED],
  ["e", Notify.EVICTED],
  ["t", Notify.STREAM],
  ["d", Notify.MODULE],
  ["n", Notify.NEW],
];

/** The bits of a directive's value such as "KEA", or -1 when a letter is unknown. */
export function notifyBits(letters: string): number {
  const table = new Map([
    ...LETTERS,
    ["K", Notify.KEYSPACE],
    ["E", Notify.KEYEVENT],
    ["m", Notify.KEY_MISS],
    ["A", NOTIFY_ALL],
  ] as [string, number][]);
  let bits = 0;
  for (const letter of letters) {
    const bit = table.get(letter);
    if (bit === undefined) return -1;
    bits |= bit;
  }
  return bits;
}
