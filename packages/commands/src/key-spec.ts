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

export interface KeySpec {
  flags: readonly KeyFlag[];
  notes?: string;
  begin:
    | { type: "index"; index: number }
    | { type: "keyword"; keyword: string; startFrom: number }
    | { type: "unknown" };
  find: /** `last` counts from the first key; negative: from the end of the arguments. */
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
  readonly argc: number;
  text(index: number): string;
}

/** A key found in a request: its argument's index and what the command does with it. */
export interface FoundKey {
  index: number;
  flags: readonly KeyFlag[];
}

/** Finds the keys of a request by the specs. `null` when a spec does not fit the arguments. */
export function keysOf(specs: readonly KeySpec[], request: RequestWords): FoundKey[] | null {
  const found: FoundKey[] = [];
  for (const spec of specs) {
    const first = beginOf(spec, request);
    if (first === -1) continue;
    if (first >= request.argc) return null;
    const { find } = spec;
    if (find.type === "unknown") continue;
    if (find.type === "keynum") {
      const text = request.text(first + find.keyNumIndex);
      const count = /^\d{1,9}$/.test(text) ? Number(text) : -1;
      const at = first + find.firstKey;
      if (count < 0 || at + (count - 1) * find.step >= request.argc) return null;
      for (let i = 0; i < count; i++) found.push({ index: at + i * find.step, flags: spec.flags });
      continue;
    }
    let last = find.last >= 0 ? first + find.last : request.argc + find.last;
    if (find.last < 0 && find.limit > 1) last = first + Math.floor((last - first) / find.limit);
    if (last >= request.argc) return null;
    for (let index = first; index <= last; index += find.step)
      found.push({ index, flags: spec.flags });
  }
  return found;
}

function beginOf(spec: KeySpec, request: RequestWords): number {
  const { begin } = spec;
  if (begin.type === "index") return begin.index;
  if (begin.type === "unknown") return -1;
  const back = begin.startFrom < 0;
  const step = back ? -1 : 1;
  let at = back ? request.argc + begin.startFrom : begin.startFrom;
  for (; at > 0 && at < request.argc; at += step)
    if (request.text(at).toUpperCase() === begin.keyword) return at + 1;
  return -1;
}
