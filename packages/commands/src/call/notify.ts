/** Classes of keyspace events: the bits behind the letters of `notify-keyspace-events`. */
export const Notify = {
  KEYSPACE: 1, // K
  KEYEVENT: 2, // E
  GENERIC: 4, // g
  STRING: 8, // $
  LIST: 16, // l
  SET: 32, // s
  HASH: 64, // h
  ZSET: 128, // z
  EXPIRED: 256, // x
  EVICTED: 512, // e
  STREAM: 1024, // t
  KEY_MISS: 2048, // m
  LOADED: 4096, // only for modules: no letter
  MODULE: 8192, // d
  NEW: 16384, // n
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

/** The canonical letters of the bits, as CONFIG GET prints them. */
export function notifyLetters(bits: number): string {
  let letters = "";
  if ((bits & NOTIFY_ALL) === NOTIFY_ALL) letters += "A";
  else
    for (const [letter, bit] of LETTERS)
      if ((bits & bit) !== 0 && bit !== Notify.NEW) letters += letter;
  if ((bits & Notify.KEYSPACE) !== 0) letters += "K";
  if ((bits & Notify.KEYEVENT) !== 0) letters += "E";
  if ((bits & Notify.KEY_MISS) !== 0) letters += "m";
  if ((bits & Notify.NEW) !== 0) letters += "n";
  return letters;
}
