/**
 * Fuzzing: random requests to redis-server and to ours. Requests are made from the argument grammar
 * of every data command, so a new command is fuzzed by being declared, and of those engine commands
 * that have no say in who is served; then some are damaged. A few keys and values that sit on
 * thresholds make collisions and conversions frequent.
 *
 * One seed, one run: a failure prints its seed and the shortest sequence found that still fails.
 */
import { type Argument, type CommandRow, dataCommands, FLAG_BITS } from "@kv/commands";
import { Chance } from "./chance.ts";
import { isComparable, isComparableRow, redisVersion } from "./comparable.ts";
import type { Peer } from "./differential.ts";
import { effectsAgree, effectsText, type Observer } from "./effects.ts";
import { harness } from "./harness.ts";
import { repliesAgree } from "./reply-comparison.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";

type Group = (typeof dataCommands)[number]["group"];
type Words = (string | number)[];

/**
 * Commands whose effect depends on chance, on the clock, or on the version of a file format; and XSETID,
 * which 7.2 refuses where 7.0 sets an ID below the highest deleted one; PFSELFTEST, which takes so long
 * that the clocks of the two part; and SORT_RO, which reads here, and makes a small sorted set a table there.
 */
const unfit = new Set("dump spop xsetid pfselftest sort_ro migrate wait waitaof".split(" "));
/** Commands whose reply depends on chance: only its kind, its size and its errors are compared. */
export const vague = new Set(
  "randomkey srandmember hrandfield zrandmember scan sscan hscan zscan".split(" "),
);
/** Commands that remove what has expired wherever they happen to come by. */
const walkers = new Set(["scan", "randomkey"]);
const rare = new Set(["flushall", "flushdb", "swapdb", "keys", "move"]);

/** Commands of the engine, or of containers, that are fuzzed as well. */
const others = [
  ...["object|encoding", "echo", "ping", "select", "watch"],
  ...["unwatch", "publish", "pubsub|channels", "pubsub|numsub", "pubsub|numpat", "spublish"],
  ...["client|setname", "client|getname", "restore"],
];

const { byName, listed } = harness().engine.commands;
const dataNames = new Set(dataCommands.map((each) => each.name));

/**
 * The commands that requests are made of: of those on data (`names`) all that a redis-server of the
 * version has, too, and some others.
 */
export function fuzzedOf(
  rows: readonly CommandRow[],
  names: ReadonlySet<string>,
  version: string,
): CommandRow[] {
  return rows.filter((row) => {
    const { fullName, subcommands } = row;
    if (!isComparableRow(row, version)) return false;
    if (!names.has(fullName)) return others.includes(fullName);
    return subcommands === null && !unfit.has(fullName);
  });
}

const version = redisVersion() ?? "7.2.4";
/** The commands that requests are made of, with the redis-server at hand. */
export const fuzzed = fuzzedOf(listed, dataNames, version);
/** Groups of commands on data: keys are named after them. */
const groups = [...new Set(dataCommands.map((each) => each.group))];
const chosenGroups = [...new Set([...groups, ...fuzzed.map((each) => each.command.group)])];

const lengths = [0, 1, 2, 11, 19, 20, 21, 43, 44, 45, 63, 64, 65, 511, 512, 513, 1030];
const integers = [
  ...[0, 1, -1, 2, -2, 3, 5, 7, 8, 10, 15, 16, 100, 127, 128, -128, 255, 256, 32767, 65536],
  ...["2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740993"],
  ...["9223372036854775807", "9223372036854775808", "-9223372036854775808"],
  ...["-9223372036854775809", "18446744073709551616", "01", "+1", " 1", "1 ", "", "x", "1.0"],
];
const smallIntegers = [0, 1, -1, 2, -2, 3, 4, 5, -5, 10];
const doubles = [
  ...["0", "-0", "1", "-1", "1.5", "3.14", "0.1", "1e3", "2.50", "1e17", "5e-324", "1e308"],
  ...["inf", "-inf", "+inf", "nan", "1e400", "0x10", "", "x", " 1", "123456789012345680", "1e-7"],
];
const patterns = ["*", "?1", "[a-c]*", "f*", "\\*", "", "[^f]*", "*1*", "s1"];
const members = ["f1", "f2", "f3", "m", "10", "11", "-3", "", "a\r\nb", "\xff\x00"];
const streamIds = ["1-1", "2-0", "2-*", "3", "5-5", "0-0", "0", "-", "+", "(1-1", "x", "1-"];
const streamWords = ["$", ">", "9-18446744073709551615", "18446744073709551615-1"];
const encodings = ["u8", "i8", "u1", "i64", "u63", "u64", "i5", "u16", "x"];
const lexEdges = ["-", "+", "[f1", "(f2", "[", "(", "f1"];

/** What DUMP makes of values of each type and form. */
const payloads: string[] = [
  ["SET", "k", 12],
  ["SET", "k", "text"],
  ["SET", "k", "long".repeat(100)],
  ["PFADD", "k", "f1", "f2", "10"],
  ["SET", "k", `HYLL\x01${"\0".repeat(10)}\x80\x7f\xf0\xff\xff`],
  ["GEOADD", "k", 13.4, 38.1, "f1", 15, "37.5", "f2"],
  ["HSET", "k", "f1", "v", "10", 11],
  ["HSET", "k", ...Array.from({ length: 300 }, (_, index) => `${index}`)],
  ["HSET", "k", "f2", "v".repeat(70)],
  ["RPUSH", "k", "f1", 12, "f1"],
  ["RPUSH", "k", ...Array.from({ length: 3000 }, (_, index) => `${index}`)],
  ["RPUSH", "k", "f1", "v".repeat(9000), "f2"],
  ["XADD", "k", "1-1", "f1", "v", "f2", 10],
  ["XADD", "k", "5-*", "f1", "v".repeat(70)],
  ["SADD", "k", 10, 11, -3],
  ["SADD", "k", "9223372036854775807", 1],
  ["SADD", "k", ...Array.from({ length: 600 }, (_, index) => `${index}`)],
  ["SADD", "k", "f1", "f2", 10],
  ["SADD", "k", "f1", "v".repeat(70)],
  ["ZADD", "k", 1, "f1", "2.5", "f2", "inf", "10"],
  ["ZADD", "k", ...Array.from({ length: 300 }, (_, index) => `${index}`)],
  ["ZADD", "k", "-0.1", "f1", 7, "v".repeat(70)],
].map((words) => {
  const kv = harness();
  kv.send(...words);
  return kv.send("DUMP", "k") as string;
});

/** Directives that decide how values are kept and what goes on, the usual setting first. */
const directives: [name: string, ...values: (string | number)[]][] = [
  ["hash-max-listpack-entries", 512, 0, 1, 4, 128],
  ["hash-max-listpack-value", 64, 0, 11, 1000],
  ["set-max-intset-entries", 512, 0, 1, 4, 128],
  ["list-max-listpack-size", -2, 0, 1, 3, 10, -1, -5],
  ["list-compress-depth", 0, 1, 2],
  ["zset-max-listpack-entries", 128, 0, 1, 4, 512],
  ["zset-max-listpack-value", 64, 0, 11, 1000],
  ["stream-node-max-entries", 100, 0, 1, 2, 4],
  ["stream-node-max-bytes", 4096, 0, 1, 64, 200],
  ["hll-sparse-max-bytes", 3000, 0, 20, 60],
  ["lazyfree-lazy-user-del", "no", "yes"],
  ["lazyfree-lazy-server-del", "no", "yes"],
  ["lazyfree-lazy-expire", "no", "yes"],
  ["lazyfree-lazy-user-flush", "no", "yes"],
  ["maxmemory-policy", "noeviction", "allkeys-lfu"],
  ["notify-keyspace-events", "AKEmn", "", "Kg", "E$h", "KExn", "KEAm"],
];

/** Of the choices of an argument those that the redis-server has as well. */
function known({ args = [] }: Argument): readonly Argument[] {
  return args.filter((each) => isComparable(each, version));
}

/** Makes the requests of one run. */
export class RequestMaker {
  private readonly chance: Chance;
  /** Group of the command in the making: its keys most often hold its own type. */
  private group: Group = "string";
  private madeCount = 0;
  /** In some runs keys expire; then none of the walkers runs that come upon them by chance. */
  private readonly keysExpire: boolean;

  constructor(chance: Chance) {
    this.chance = chance;
    this.keysExpire = chance.percent(40);
  }

  private key(): string {
    const group = this.chance.percent(90) ? this.group : this.chance.of(groups);
    // Commands on strings and on any type share keys with everything.
    const name = group === "generic" || !groups.includes(group) ? this.chance.of(groups) : group;
    return `${name}${this.chance.below(3)}`;
  }

  private text(): string {
    const { chance } = this;
    if (chance.percent(50)) return chance.of(members);
    if (chance.percent(30)) return `${chance.of(integers)}`;
    if (chance.percent(20)) return chance.of(doubles);
    return chance.of(["a", "z", "\x00", "\xfe"]).repeat(chance.of(lengths));
  }

  private integer(name: string): string | number {
    const { chance } = this;
    if (/second|time|ttl|expire|unix/.test(name) && chance.percent(80))
      return 1_000_000 + chance.below(1_000_000_000);
    return chance.percent(70) ? chance.of(smallIntegers) : chance.of(integers);
  }

  private string(name: string): string | number {
    const { chance } = this;
    if (/^(id|start|end|.*-id|.*id)$/.test(name) && this.group === "stream")
      return chance.of(chance.percent(90) ? streamIds : streamWords);
    if (name === "serialized-value" && chance.percent(80)) return chance.of(payloads);
    if (name === "encoding") return chance.of(encodings);
    if (/^(min|max)$/.test(name)) return chance.of([...lexEdges, ...doubles, "(1", "(x"]);
    if (name === "threshold")
      return chance.percent(60) ? chance.of(smallIntegers) : chance.of(streamIds);
    if (name === "min-idle-time") return chance.of([0, 0, 0, 0, 10_000_000, -1, "x"]);
    if (name === "group" || name === "consumer") return chance.of(["g1", "g2"]);
    return this.text();
  }

  private value({ type, name }: Argument): string | number {
    switch (type) {
      case "key":
        return this.key();
      case "integer":
      case "unix-time":
        return this.integer(name);
      case "double":
        return this.chance.percent(60) ? this.chance.of(smallIntegers) : this.chance.of(doubles);
      case "pattern":
        return this.chance.of(patterns);
      default:
        return this.string(name);
    }
  }

  /** Appends one occurrence of an argument, without its token. */
  private once(argument: Argument, words: Words): void {
    if (argument.type === "oneof") this.append(this.chance.of(known(argument)), words);
    else if (argument.type === "block") this.appendAll(argument.args ?? [], words);
    else if (argument.type !== "pure-token") words.push(this.value(argument));
  }

  private append(argument: Argument, words: Words): void {
    const { chance } = this;
    if (argument.optional === true && chance.percent(60)) return;
    if (!isComparable(argument, version)) return;
    let count = argument.multiple === true ? 1 + chance.below(3) : 1;
    if (argument.multiple === true && chance.percent(2)) count = chance.of([127, 128, 129, 520]);
    for (let done = 0; done < count; done++) {
      const showsToken = done === 0 || argument.multipleToken === true;
      if (argument.token !== undefined && showsToken)
        words.push(chance.percent(80) ? argument.token : argument.token.toLowerCase());
      this.once(argument, words);
    }
  }

  private appendAll(args: readonly Argument[], words: Words): void {
    const { chance } = this;
    let order = args;
    const firstOptional = args.findIndex((each) => each.optional);
    if (firstOptional !== -1 && chance.percent(30)) {
      // Most options may come in any order; where they may not, both servers must say so.
      const tail = [...args.slice(firstOptional)].sort(() => chance.below(3) - 1);
      order = [...args.slice(0, firstOptional), ...tail];
    }
    for (let at = 0; at < order.length; at++) {
      const argument = order[at] as Argument;
      const next = order[at + 1];
      if (argument.name === "numkeys" && next !== undefined && chance.percent(92)) {
        const keys: Words = [];
        this.append(next, keys);
        words.push(...(argument.token === undefined ? [] : [argument.token]), keys.length, ...keys);
        at++;
      } else {
        this.append(argument, words);
      }
    }
  }

  /** A word too many, too few, or another one. */
  private damage(words: Words): void {
    const { chance } = this;
    const at = 1 + chance.below(Math.max(1, words.length - 1));
    const kind = chance.below(4);
    if (kind === 0) words.splice(at, 1);
    else if (kind === 1) words.splice(at, 0, words[at] ?? "x");
    else if (kind === 2) words[at] = this.text();
    else words.push(chance.of(words));
  }

  private command(): CommandRow {
    const { chance } = this;
    for (;;) {
      // Commands on data nine times of ten.
      this.group = chance.of(chance.percent(90) ? groups : chosenGroups);
      const choices = fuzzed.filter((each) => each.command.group === this.group);
      const found = chance.of(choices);
      if (this.keysExpire && walkers.has(found.fullName)) continue;
      if (!rare.has(found.fullName) || chance.percent(4)) return found;
    }
  }

  /** How the servers are set up for the run. */
  setup(): Words[] {
    const words: Words = ["CONFIG", "SET"];
    for (const [name, usual, ...others] of directives)
      words.push(name, this.chance.percent(50) ? usual : this.chance.of(others));
    return [words];
  }

  /** One request, or what belongs together: a transaction, a key and the end of its time. */
  make(): Words[] {
    const { chance } = this;
    if (this.keysExpire && chance.percent(6))
      return [
        ["PEXPIRE", this.key(), 1],
        ["DEBUG", "SLEEP", "0.002"],
      ];
    const { words, bits, isPlain } = this.request();
    if ((bits & FLAG_BITS.blocking) !== 0) return [["MULTI"], words, ["EXEC"]];
    const whole = [...prologueOf(words), words];
    // Which keys a request names is what ACL and cluster rely on.
    // (Of a PFMERGE without sources Redis does not, and lets anybody run it.)
    if (words.length > (words[0] === "pfmerge" ? 2 : 1) && chance.percent(5))
      return [["COMMAND", "GETKEYS", ...words]];
    if (!isPlain || chance.percent(95)) return whole;
    const more = Array.from({ length: chance.below(4) }, () => this.request());
    const queued = more.filter((each) => each.isPlain).map((each) => each.words);
    return [
      ["MULTI"],
      ...whole,
      ...queued.flatMap((each) => [...prologueOf(each), each]),
      ["EXEC"],
    ];
  }

  /** A request for the command as it should be, but for what random values do to it. */
  wordsFor({ command, fullName }: CommandRow): Words {
    this.group = command.group;
    const words: Words = fullName.split("|");
    this.appendAll(command.args, words);
    return words;
  }

  /** Any command with any arguments; `isPlain`: it has one right reply. */
  request(): { words: Words; bits: number; isPlain: boolean } {
    const { chance } = this;
    const row = this.command();
    const { fullName, bits } = row;
    const words = this.wordsFor(row);
    if (chance.percent(12)) this.damage(words);
    tame(words, this.madeCount++);
    return { words, bits, isPlain: isPlain(fullName) };
  }

  /** Requests that show all that is in the keys: what the digest does not tell, one by one. */
  static inspections(): Words[] {
    const ofKeys = groups.flatMap((group) =>
      [0, 1, 2].flatMap((index) => {
        const key = `${group}${index}`;
        return [
          ["TYPE", key],
          ["OBJECT", "ENCODING", key],
          ["PTTL", key],
          ["ZRANGE", key, 0, -1, "WITHSCORES"],
          ["XINFO", "STREAM", key, "FULL"],
        ].filter(([command]) => byName.get(`${command}`.toLowerCase())?.isPlaceholder === false);
      }),
    );
    return [...ofKeys, ["DEBUG", "DIGEST"]];
  }
}

/** Inside EXEC goes what has one right reply, as it is compared byte for byte, and no message. */
function isPlain(name: string): boolean {
  if (vague.has(name)) return false;
  return !/encoding|publish|ttl|expiretime|smembers|sinter|sunion|sdiff|hkeys|hvals|hgetall|keys/.test(
    name,
  );
}

/**
 * A time that no clock reaches during a run. Keys that expire while nobody looks would make the
 * replies of commands that count keys a matter of chance, and ours keeps no time beyond 2^53 ms.
 */
function safeLife(
  name: string,
  option: string,
  isAbsolute: boolean,
  value: number,
  word: string | number,
  number: number,
): string | number {
  const isDate = isAbsolute || /at$/.test(option) || /expireat/.test(name);
  const isMs = /^px/.test(option) || /^p/.test(name) || name === "restore";
  // RESTORE lets the largest numbers overflow into the past; ours lets the key live.
  if (name === "restore" && value > 9.2e18 && !isDate) return 10 ** 15;
  // Elsewhere they must be refused; but as a date they are one.
  if (!(value > 0) || (value > 9.2e18 && !(isDate && isMs))) return word;
  // No two are near each other: which of them is greater must not hang on a tick of the clock.
  const seconds = (isDate ? 32503680000 : 1_000_000) + (value % 1e9) + number * 7919;
  return isMs ? seconds * 1000 : seconds;
}

/** Requests that have to come first, so that the request has one right reply. */
export function prologueOf(words: Words): Words[] {
  const name = `${words[0]}`;
  // 7.0 takes it for an error of SORT when the last double that any command has read was too large or
  // too small. This refuses one that is neither.
  if (name === "sort") return [["zincrby", "none", "x", "x"]];
  // What lies between two texts is not defined while the scores differ: now all are zero.
  const isByText = /^z.*lex/.test(name) || words.some((word) => /^bylex$/i.test(`${word}`));
  const key = words[name === "zrangestore" ? 2 : 1];
  if (!isByText || key === undefined) return [];
  return [["zunionstore", key, 1, key, "WEIGHTS", 0]];
}

/** Takes out what would make the clock, or the memory of the machine, decide the reply. */
export function tame(words: Words, number: number): void {
  const name = `${words[0]}`;
  // They take a third word from 7.2 on.
  const isCut = /^z(rev)?rank$/.test(name) && !isComparable({ since: "7.2.0" }, version);
  if (isCut) words.length = Math.min(words.length, 3);
  // Of a key that is gone at once, RESTORE tells replicas one thing in 7.0 and another in 7.2.
  const isAbsolute = words.some((word) => /^absttl$/i.test(`${word}`));
  for (let at = 1; at < words.length; at++) {
    const value = Number(`${words[at]}`.replace("#", ""));
    const option = `${words[at - 1]}`.toLowerCase();
    const isLife =
      /^p?x(at)?$|^p?ex(at)?$|^e?px$/.test(option) ||
      (at === 2 && /expire|setex|restore/.test(name));
    if (isLife)
      words[at] = safeLife(name, option, isAbsolute, value, words[at] as string | number, number);
    // Strings of gigabytes are a test of patience.
    if (/setbit|bitfield|setrange/.test(name) && value > 1e6 && value < 2 ** 32) words[at] = 1000;
    // Redis keeps it from replicas when a string has grown for a write that then fails.
    if (name === "bitfield" && /^fail$/i.test(`${words[at]}`)) words[at] = "SAT";
    // Beyond 64 bits of milliseconds 7.0 overflows, where 7.2 answers that it is too much.
    const isTimeout = /^b[lrz]/.test(name) && at === (name.endsWith("mpop") ? 1 : words.length - 1);
    if (isTimeout && (value >= 1e15 || /inf/i.test(`${words[at]}`))) words[at] = 5;
    // From 7.2 on a rank that has no opposite is refused before anything is looked up.
    if (name === "lpos" && value < -9e18) words[at] = -3;
    // Random members are repeated as often as a negative number says.
    if (vague.has(name) && value < -1000 && value > -9e18) words[at] = -3;
    // 7.0 takes memory for as many IDs at once: whether it gets that is the machine's business.
    const isMemory = name === "xautoclaim" && option === "count";
    if (isMemory && value > 1e6 && value < 2 ** 59) words[at] = 1000;
    // The order of equal weights is nobody's promise.
    if (name.startsWith("sort") && option === "by") words[at - 1] = "ALPHA";
    // Zero bytes have the right checksum; Redis reads a string out of the checksum then.
    if (name === "restore" && /^\0+$/.test(`${words[3]}`)) words[3] = "x";
    if (name === "xadd" && words[at] === "*") words[at] = "6-*";
    // Since 7.4 it stands for the last entry.
    if (/^xread/.test(name) && words[at] === "+") words[at] = "1-1";
    // 7.0 lets a wait of milliseconds end beyond all time.
    if (option === "block" && value > 9e18) words[at] = 1;
    // What has been pending for some milliseconds is a matter of the clock.
    const isIdle =
      (/^x(auto)?claim$/.test(name) && at === 4) || (name === "xpending" && option === "idle");
    if (isIdle && value > 0 && value < 1e6) words[at] = 0;
  }
}

export interface FuzzMismatch {
  seed: number;
  sequence: readonly TranscriptRequest[];
  words: TranscriptRequest;
  theirs: string;
  ours: string;
}

/** The requests of one run, in units that belong together: one, or MULTI to EXEC. */
export function fuzzSequence(seed: number, count: number): Words[][] {
  const maker = new RequestMaker(new Chance(seed));
  const units = Array.from({ length: count }, () => maker.make());
  return [maker.setup(), ...units, ...RequestMaker.inspections().map((words) => [words])];
}

/** Where the first mismatch is, counted in units, and what it is. */
export interface Found {
  unitIndex: number;
  words: TranscriptRequest;
  theirs: string;
  ours: string;
}

/** First line of a reply, without the length of a string. */
export function kindOf(reply: string): string {
  const line = reply.slice(0, reply.indexOf("\r\n"));
  return /^\$\d/.test(line) ? "$" : line;
}

/** Runs units on empty databases; the first mismatch, or null. */
export type Comparison = (units: readonly Words[][]) => Promise<Found | null>;

/** What a run begins with. Keys whose time has passed stay until somebody comes upon them. */
const emptying: Words[][] = [
  [
    ["UNWATCH"],
    ["SELECT", 0],
    ["FLUSHALL"],
    ["DEBUG", "SET-ACTIVE-EXPIRE", 0],
    // So every access counts, and does not age.
    ["CONFIG", "SET", "lfu-log-factor", 0, "lfu-decay-time", 0],
    // With a limit, no two keys share an integer, and with it the count.
    ["CONFIG", "SET", "maxmemory", "1gb"],
    ["CONFIG", "SET", ...directives.flatMap(([name, usual]) => [name, `${usual}`])],
  ],
];

/** Compares the replies. */
export function replyComparison(
  reference: Peer,
  subject: Peer,
  setsMayBeListpacks = false,
): Comparison {
  return async (units) => {
    const withReset = [...emptying, ...units];
    const requests = withReset.flat();
    const unitOf = withReset.flatMap((unit, index) => unit.map(() => index - 1));
    // The reference is another process: it works while ours does.
    const reading = reference.exchangeAll(requests);
    const [theirs, ours] = await Promise.all([reading, subject.exchangeAll(requests)]);
    for (const [index, words] of requests.entries()) {
      const left = theirs[index] ?? "";
      const right = ours[index] ?? "";
      const agree = vague.has(`${words[0]}`)
        ? kindOf(left) === kindOf(right)
        : repliesAgree(words, left, right, { setsMayBeListpacks });
      if (!agree) return { unitIndex: unitOf[index] ?? 0, words, theirs: left, ours: right };
    }
    return null;
  };
}

/** Compares what the requests set off. */
export function effectComparison(reference: Observer, subject: Observer): Comparison {
  return async (units) => {
    const withReset = [...emptying, ...units];
    const requests = withReset.flat();
    const unitOf = withReset.flatMap((unit, index) => unit.map(() => index - 1));
    const reading = reference.run(requests);
    const [theirs, ours] = await Promise.all([reading, subject.run(requests)]);
    for (const [index, words] of requests.entries()) {
      const left = theirs[index];
      const right = ours[index];
      const unitIndex = unitOf[index] ?? 0;
      // How many keys one step of SCAN looks at for TYPE is a matter of chance.
      if (unitIndex < 0 || !left || !right || words[0] === "scan") continue;
      if (!effectsAgree(left, right))
        return { unitIndex, words, theirs: effectsText(left), ours: effectsText(right) };
    }
    return null;
  };
}

/** Runs the sequence of a seed; a mismatch comes with the shortest sequence found for it. */
export async function fuzz(
  seed: number,
  count: number,
  compare: Comparison,
  sequence = fuzzSequence,
): Promise<FuzzMismatch | null> {
  let units = sequence(seed, count);
  // What does not happen again was the clock's doing: 7.0 reads it twice in a PEXPIRE, for one.
  let found = (await compare(units)) && (await compare(units));
  if (found === null) return null;
  const name = found.words[0];
  units = units.slice(0, found.unitIndex + 1);
  // Ever smaller pieces are left out for good where the same command still fails without them.
  for (let size = units.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from + size < units.length; ) {
      const fewer = [...units.slice(0, from), ...units.slice(from + size)];
      const again = await compare(fewer);
      if (again?.words[0] === name) {
        found = again;
        units = fewer.slice(0, again.unitIndex + 1);
      } else {
        from += size;
      }
    }
  }
  const { theirs, ours, words } = found;
  return { seed, sequence: units.flat(), words, theirs, ours };
}

/**
 * Tries so many seeds, every third from this one on, since three comparisons share them. What went wrong,
 * up to the fifth mistake; "": nothing. `shown`: as for fuzzReport().
 */
export async function fuzzMany(
  firstSeed: number,
  runs: number,
  tried: (seed: number) => Promise<FuzzMismatch | null>,
  shown?: (word: string) => string,
): Promise<string> {
  const found: string[] = [];
  for (let run = 0; run < runs && found.length < 5; run++) {
    const mismatch = await tried(firstSeed + run * 3);
    if (mismatch !== null) found.push(fuzzReport(mismatch, shown));
  }
  return found.join("\n\n");
}

/** A mismatch for people; `shown` is what is told of a word, if not its beginning. */
export function fuzzReport(mismatch: FuzzMismatch | null, shown = (word: string) => word): string {
  if (mismatch === null) return "";
  const { seed, sequence, theirs, ours } = mismatch;
  const cut = (text: string) =>
    JSON.stringify(text.length > 2000 ? `${text.slice(0, 2000)}…` : text);
  const lines = sequence.map((words) => {
    const text = words.map((word) => JSON.stringify(shown(`${word}`))).join(", ");
    return `   [${text.length > 800 ? `${text.slice(0, 800)}…` : text}]`;
  });
  return [`seed ${seed}:`, ...lines, `   redis: ${cut(theirs)}`, `   ours:  ${cut(ours)}`].join(
    "\n",
  );
}
