/**
 * When two raw replies to the same request count as equal: byte for byte, with seven exceptions
 * that are no differences in behaviour.
 *
 *   - Clocks: what TTL and its kin answer may be apart by what passes between two servers.
 *   - Order: members of sets, and fields of hashes held as a hash table, come in any order.
 *   - Version: Redis 7.0 has no listpack for sets, and none for lists, and does not tell when consumers
 *     were active; the reference may be 7.0.
 *   - Digits: Redis 7.0 prints scores with seventeen digits, Redis 7.2 with as many as it takes; and
 *     those from 2^63 on with an exponent, where 7.2 writes them out.
 *   - Texts: where XREAD and XREADGROUP are given keys without IDs, Redis 7.2 says which of the two it was.
 *   - Lines: an error that quotes a line break has it in redis-server, a space here.
 *   - Machine: of a power, glibc and WebAssembly may differ in the last digit, and where two arguments of
 *     a function of `math` are wrong, the C compiler decides which one Lua complains about.
 */
import { replyEnd } from "./wire-client.ts";

const clockToleranceOf: Readonly<Record<string, number>> = {
  ttl: 2,
  expiretime: 2,
  pttl: 2000,
  pexpiretime: 2000,
};

/** Commands whose reply has no order, and how many values belong together in RESP2. */
const unorderedOf: Readonly<Record<string, number>> = {
  smembers: 1,
  sinter: 1,
  sunion: 1,
  sdiff: 1,
  keys: 1,
  hkeys: 1,
  hvals: 1,
  hgetall: 2,
  "config get": 2,
  "pubsub channels": 1,
};

/** Heads of the lines of a reply that is one flat aggregate, and its elements; null otherwise. */
function flatElements(reply: string): { head: string; elements: string[] } | null {
  if (!"*~%".includes(reply[0] ?? "-")) return null;
  const at = reply.indexOf("\r\n") + 2;
  const elements: string[] = [];
  for (let from = at; from < reply.length; ) {
    const end = replyEnd(reply, from);
    if (end === -1) return null;
    elements.push(reply.slice(from, end));
    from = end;
  }
  return { head: reply.slice(0, at), elements };
}

/** The reply with its elements in one order, `together` at a time. */
function sorted(reply: string, together: number): string {
  const flat = flatElements(reply);
  if (flat === null) return reply;
  const groups: string[] = [];
  for (let at = 0; at < flat.elements.length; at += together)
    groups.push(flat.elements.slice(at, at + together).join(""));
  return flat.head + groups.sort().join("");
}

/** Commands that reply with scores, or may. */
const repliesScores = /^(b?z[a-z]+|exec)$/;

/** The reply with its fractions, and the lengths of their texts, in one form. */
function plainScores(reply: string): string {
  return reply.replace(/(?:\$\d+\r\n|,)(-?\d[\d.]*(?:e[+-]?\d+)?)\r\n/g, (whole, digits: string) =>
    /[.e]|\d{16}/.test(digits) ? `${Number(digits)}\r\n` : whole,
  );
}

const runsScripts = /^(eval|evalsha|fcall)(_ro)?$|^exec$/;

/** The reply of a script without what its machine has a say in. */
function withoutMachine(reply: string): string {
  return reply
    .replace(/\$\d+\r\n/g, "$")
    .replace(/(?<=^[,$]|\n[,$])-?\d[\d.]*(e[+-]?\d+)?(?=\r)/g, (digits, power?: string) =>
      power === undefined && Math.abs(Number(digits)) <= 2 ** 53
        ? digits
        : Number(digits).toPrecision(15),
    )
    .replace(/\d+\.\d+(e[+-]\d+)?/g, (digits) =>
      digits.replace(/e.*|\./g, "").length < 16 ? digits : Number(digits).toPrecision(15),
    )
    .replace(/bad argument #[12] to '(fmod|pow|atan2|ldexp)' \([^)]*\)/g, "bad argument to '$1'");
}

function integersAreNear(theirs: string, ours: string, tolerance: number): boolean {
  const left = /^:(\d+)\r\n$/.exec(theirs);
  const right = /^:(\d+)\r\n$/.exec(ours);
  return (
    left !== null && right !== null && Math.abs(Number(left[1]) - Number(right[1])) <= tolerance
  );
}

/**
 * What streams say of themselves, without what the clock and the form of the index have to do with it,
 * and without what 7.0 does not say.
 */
function withoutClock(name: string, reply: string): string {
  if (name === "xpending") return reply.replace(/:\d+\r\n(?=:\d+\r\n)/g, ":idle\r\n");
  return reply
    .replace(/:\d{13}\r\n/g, ":time\r\n")
    .replace(/(\$16\r\nradix-tree-nodes\r\n|\$4\r\nidle\r\n):\d+\r\n/g, "$1:number\r\n")
    .replace(/(\$11\r\nactive-time|\$8\r\ninactive)\r\n:-?\w+\r\n/g, "")
    .replace(/[*%]\d+(\r\n\$4\r\nname\r\n)/g, "map$1");
}

/** 7.2 names the command, and the ID that it takes, in this error. */
function withoutName(reply: string): string {
  return reply.replace(/Unbalanced '?\w+'? (list of streams: .* an ID or) '.'/g, "Unbalanced $1");
}

function inOneLine(error: string): string {
  return error.slice(0, -2).replace(/[\r\n]/g, " ");
}

/** What else may differ in one comparison. */
export interface Tolerance {
  /** Blanked in both replies first. */
  mask?: RegExp | undefined;
  /** Ours may hold as a listpack what theirs, being older, holds as a hash table. */
  setsMayBeListpacks?: boolean;
}

/** Whether `ours` is as good a reply as `theirs`. */
export function repliesAgree(
  words: readonly (string | number)[],
  theirs: string,
  ours: string,
  { mask, setsMayBeListpacks }: Tolerance = {},
): boolean {
  if (theirs === ours || withoutName(theirs) === withoutName(ours)) return true;
  if (theirs.startsWith("-") && inOneLine(theirs) === inOneLine(ours)) return true;
  if (mask !== undefined && theirs.replace(mask, "_") === ours.replace(mask, "_")) return true;
  const name = `${words[0]}`.toLowerCase();
  const fullName = `${name} ${`${words[1] ?? ""}`.toLowerCase()}`;
  // Which keys a malformed request would have: Redis guesses on, command by command.
  if (fullName === "command getkeys" && `${theirs}${ours}`.includes("-ERR Invalid arguments"))
    return true;
  const tolerance = clockToleranceOf[name];
  if (tolerance !== undefined) return integersAreNear(theirs, ours, tolerance);
  if (name === "xpending" || name === "xinfo")
    return withoutClock(name, theirs) === withoutClock(name, ours);
  const together = unorderedOf[name] ?? unorderedOf[fullName];
  if (together !== undefined) return sorted(theirs, together) === sorted(ours, together);
  // A transaction may hold some of everything.
  if (
    repliesScores.test(name) &&
    plainScores(withoutName(theirs)) === plainScores(withoutName(ours))
  )
    return true;
  if (runsScripts.test(name)) return withoutMachine(theirs) === withoutMachine(ours);
  if (fullName !== "object encoding") return false;
  // 7.2 makes a new set large enough for all that SADD was given, repetitions included.
  const isLargerSet = ours === "$9\r\nhashtable\r\n" || ours === "$8\r\nlistpack\r\n";
  if (theirs === "$6\r\nintset\r\n" && isLargerSet) return true;
  if (ours !== "$8\r\nlistpack\r\n") return false;
  if (theirs === "$9\r\nquicklist\r\n") return true;
  return setsMayBeListpacks === true && theirs === "$9\r\nhashtable\r\n";
}
