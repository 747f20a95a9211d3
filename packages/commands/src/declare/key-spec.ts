/**
 * Key specs: where a command's keys stand among its arguments, and what it does with them
 * (Redis 7's key specifications). COMMAND GETKEYS, ACL checks and cluster slots all use keysOf().
 */
export type KeyFlag =
  | "RO"
  | "RW"
  | "OW"
  | "RM"
  | "access"
  | "update"
  | "insert"
  | "delete"
  | "not_key"
  | "incomplete"
  | "variable_flags";

/** One way to find keys: where to begin, and how to go on from there. */
export interface KeySpec {
  /** What the command does with the keys that it finds. */
  flags: readonly KeyFlag[];
  /** A remark for the readers of COMMAND DOCS. */
  notes?: string;
  /**
   * The first key: at an index, behind a keyword (looked for from `startFrom` on, backwards when
   * negative), or unknown.
   */
  begin:
    | { type: "index"; index: number }
    | { type: "keyword"; keyword: string; startFrom: number }
    | { type: "unknown" };
  /**
   * The keys from there on: up to the `last`, every `step`-th (of the part that `limit` leaves), or
   * as many as a number says, or unknown. In a range `last` counts from the first key; negative:
   * from the end of the arguments.
   */
  find:
    | { type: "range"; last: number; step: number; limit: number }
    | { type: "keynum"; keyNumIndex: number; firstKey: number; step: number }
    | { type: "unknown" };
}

/** One key, at the argument `index`. */
export function keyAt(index: number, ...flags: KeyFlag[]): KeySpec {
  return {
    flags,
    begin: { type: "index", index },
    find: { type: "range", last: 0, step: 1, limit: 0 },
  };
}

/** Keys from `first` on, every `step`-th, up to the argument `last` (negative: from the end). */
export function keyRange(first: number, last: number, step: number, ...flags: KeyFlag[]): KeySpec {
  return {
    flags,
    begin: { type: "index", index: first },
    find: { type: "range", last: last < 0 ? last : last - first, step, limit: 0 },
  };
}

/** `index` holds the number of keys that follow it. */
export function keyCountAt(index: number, ...flags: KeyFlag[]): KeySpec {
  return {
    flags,
    begin: { type: "index", index },
    find: { type: "keynum", keyNumIndex: 0, firstKey: 1, step: 1 },
  };
}

/** The words of a request, however they are stored. */
export interface RequestWords {
  /** Number of words, the command's name included. */
  readonly argc: number;
  /** Bytes of a word. */
  length(index: number): number;
  /** True when the word is `word` (given in upper case), whatever its case. */
  is(index: number, word: string): boolean;
  /** The word as text, one character a byte. */
  text(index: number): string;
}

/**
 * Keys found in a request: `count` arguments, the first one at `index` and every `step`-th behind
 * it, and what the command does with them. A request may have a hundred million keys, so they are
 * not listed one by one.
 */
export interface FoundKeys {
  /** The word that is the first key. */
  index: number;
  /** How many keys there are; may be 0. */
  count: number;
  /** Words from one key to the next. */
  step: number;
  /** What the command does with them. */
  flags: readonly KeyFlag[];
}

/** A key that was found alone. */
export function foundAt(index: number, ...flags: KeyFlag[]): FoundKeys {
  return { index, count: 1, step: 1, flags };
}

/** Finds the keys of a request by the specs. `null` when a spec does not fit the arguments. */
export function keysOf(specs: readonly KeySpec[], request: RequestWords): FoundKeys[] | null {
  const found: FoundKeys[] = [];
  for (const spec of specs) {
    const first = beginOf(spec, request);
    if (first === -1) continue;
    if (first >= request.argc) return null;
    const { find } = spec;
    if (find.type === "unknown") continue;
    if (find.type === "keynum") {
      const count = smallNumber(request, first + find.keyNumIndex);
      const index = first + find.firstKey;
      if (count < 0 || index + (count - 1) * find.step >= request.argc) return null;
      found.push({ index, count, step: find.step, flags: spec.flags });
      continue;
    }
    let last = find.last >= 0 ? first + find.last : request.argc + find.last;
    // A part of the words, when those do not divide evenly, is rounded down.
    if (find.last < 0 && find.limit > 1)
      last = first + Math.floor((request.argc - first) / find.limit) + find.last;
    if (last >= request.argc) return null;
    const count = Math.max(0, Math.floor((last - first) / find.step) + 1);
    found.push({ index: first, count, step: find.step, flags: spec.flags });
  }
  return found;
}

/** The number of at most nine digits at an argument; -1 when there is something else. */
function smallNumber(request: RequestWords, index: number): number {
  if (request.length(index) > 9) return -1;
  const text = request.text(index);
  return /^\d+$/.test(text) ? Number(text) : -1;
}

function beginOf(spec: KeySpec, request: RequestWords): number {
  const { begin } = spec;
  if (begin.type === "index") return begin.index;
  if (begin.type === "unknown") return -1;
  const back = begin.startFrom < 0;
  const step = back ? -1 : 1;
  let at = back ? request.argc + begin.startFrom : begin.startFrom;
  for (; at > 0 && at < request.argc; at += step) if (request.is(at, begin.keyword)) return at + 1;
  return -1;
}
