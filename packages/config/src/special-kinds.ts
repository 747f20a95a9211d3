/**
 * Kinds with a grammar of their own, each used by one directive: save, bind, replicaof,
 * client-output-buffer-limit, notify-keyspace-events, oom-score-adj-values and
 * latency-tracking-info-percentiles.
 */
import * as z from "zod/mini";
import { type Kind, kind, Refusal, type ValueSchema } from "./kind.ts";
import { quoteArg } from "./split-args.ts";
import {
  type Integer,
  isInteger,
  parseDouble,
  parseLooseInteger,
  parseMemory,
  printDouble,
  printMemory,
} from "./value-grammar.ts";

/** One empty word is how a file says "nothing". */
function isNothing(words: readonly string[]): boolean {
  return words.length === 0 || (words.length === 1 && words[0] === "");
}

// ---- save --------------------------------------------------------------------------------------

/** Save when `seconds` have passed and at least `changes` keys have changed. */
export interface SavePoint {
  /** At least 1. */
  readonly seconds: number;
  /** Keys; with 0 time alone decides. */
  readonly changes: number;
}

const badSave = "Invalid save parameters";

export const savePoints: Kind<readonly SavePoint[]> = kind<readonly SavePoint[]>({
  type: "save points",
  syntax: 'SECONDS CHANGES ..., or "" for none',
  multiArg: true,
  schema: () => {
    const whole = (min: number) =>
      z.custom<number>((value) => Number.isSafeInteger(value) && (value as number) >= min);
    const point = z.object({ seconds: whole(1), changes: whole(0) });
    return refusedWith<readonly SavePoint[]>(z.array(point), badSave);
  },
  parse: (words) => {
    if (isNothing(words)) return [];
    const numbers = words.map((word) => Number(parseLooseInteger(word) ?? Number.NaN));
    if (numbers.length % 2 !== 0) return new Refusal(badSave);
    return pairs(numbers).map(([seconds, changes]) => ({ seconds, changes }));
  },
  words: (points) => points.flatMap(({ seconds, changes }) => [String(seconds), String(changes)]),
  lines: (points) =>
    points.length === 0 ? ['""'] : points.map(({ seconds, changes }) => `${seconds} ${changes}`),
  // The first line of a file replaces the defaults, later ones add to it, one without points clears.
  merge: (previous, points, { inFile, seen }) =>
    inFile && seen && points.length > 0 ? [...previous, ...points] : points,
});

function pairs(numbers: readonly number[]): [number, number][] {
  return numbers.flatMap((number, index) =>
    index % 2 === 0 ? [[number, numbers[index + 1]] as [number, number]] : [],
  );
}

/** `schema` with one message for whatever is wrong inside. */
function refusedWith<Value>(schema: z.ZodMiniType, message: string): ValueSchema<Value> {
  return z.custom<Value>((value) => z.safeParse(schema, value).success, { error: () => message });
}

// ---- client-output-buffer-limit ----------------------------------------------------------------

/** How much output may wait for a client before it is closed. */
export interface BufferLimit {
  /** Closed at once beyond this; 0 is no limit. */
  readonly hardBytes: Integer;
  /** Closed when beyond this for `softSeconds`; 0 is no limit. */
  readonly softBytes: Integer;
  /** How long `softBytes` may be exceeded. */
  readonly softSeconds: number;
}

/** The limits of client-output-buffer-limit, by class of client. */
export interface BufferLimits {
  /** Clients that are neither of the others, also those that MONITOR. */
  readonly normal: BufferLimit;
  /** Replicas. */
  readonly replica: BufferLimit;
  /** Clients that have subscribed to something. */
  readonly pubsub: BufferLimit;
}

type ClientClass = keyof BufferLimits;
const clientClasses: readonly ClientClass[] = ["normal", "replica", "pubsub"];
const classOfWord = new Map<string, ClientClass>([
  ["normal", "normal"],
  ["slave", "replica"],
  ["replica", "replica"],
  ["pubsub", "pubsub"],
]);
const badLimit = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";

/** What is read names some of the classes; the others keep what they have. */
export const bufferLimits: Kind<BufferLimits, Partial<BufferLimits>> = kind({
  type: "buffer limits",
  syntax: "CLASS HARD SOFT SOFT-SECONDS ..., CLASS being normal, replica or pubsub",
  multiArg: true,
  schema: () => {
    const bytes = z.custom<Integer>((value) => isInteger(value) && value >= 0);
    const seconds = z.custom<number>((value) => Number.isSafeInteger(value) && Number(value) >= 0);
    const limit = z.object({ hardBytes: bytes, softBytes: bytes, softSeconds: seconds });
    const limits = z.object({
      normal: z.optional(limit),
      replica: z.optional(limit),
      pubsub: z.optional(limit),
    });
    return refusedWith<Partial<BufferLimits>>(limits, badLimit);
  },
  parse: (words) => {
    if (words.length % 4 !== 0) {
      return new Refusal("Wrong number of arguments in buffer limit configuration.");
    }
    const limits: { [Class in ClientClass]?: BufferLimit } = {};
    for (let at = 0; at < words.length; at += 4) {
      const clientClass = classOfWord.get(words[at].toLowerCase());
      if (clientClass === undefined) {
        return new Refusal("Invalid client class specified in buffer limit configuration.");
      }
      const hardBytes = parseMemory(words[at + 1]);
      const softBytes = parseMemory(words[at + 2]);
      const softSeconds = parseLooseInteger(words[at + 3]);
      if (hardBytes === undefined || softBytes === undefined || softSeconds === undefined) {
        return new Refusal(badLimit);
      }
      limits[clientClass] = { hardBytes, softBytes, softSeconds: Number(softSeconds) };
    }
    return limits;
  },
  words: (limits: Partial<BufferLimits>) =>
    clientClasses.flatMap((name) => {
      const limit = limits[name];
      if (limit === undefined) return [];
      const numbers = [limit.hardBytes, limit.softBytes, limit.softSeconds];
      return [name, ...numbers.map(String)];
    }),
  // Clients know the middle class of CONFIG GET by its old name.
  print: (limits: BufferLimits) =>
    clientClasses
      .map((name) => {
        const { hardBytes, softBytes, softSeconds } = limits[name];
        return `${name === "replica" ? "slave" : name} ${hardBytes} ${softBytes} ${softSeconds}`;
      })
      .join(" "),
  lines: (limits: BufferLimits) =>
    clientClasses.map((name) => {
      const { hardBytes, softBytes, softSeconds } = limits[name];
      return `${name} ${printMemory(hardBytes)} ${printMemory(softBytes)} ${softSeconds}`;
    }),
  merge: (previous: BufferLimits, limits: Partial<BufferLimits>) => ({ ...previous, ...limits }),
});

// ---- notify-keyspace-events --------------------------------------------------------------------

const allEvents = "g$lshzxetd"; // What `A` stands for.
const eventOrder = [..."g$lshzxetdnKEm"];
const badEvents = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";

/**
 * Event classes as CONFIG GET prints them: each once, in a fixed order, `A` for all that it
 * stands for. Redis forgets `n` when it prints it beside `A`; here it stays.
 */
export const keyspaceEvents: Kind<string> = kind<string>({
  type: "event classes",
  syntax: 'characters of Ag$lshzxeKEtmdn, or ""',
  schema: () => refusedWith<string>(z.string().check(z.regex(/^[Ag$lshzxeKEtmdn]*$/)), badEvents),
  parse: ([word]) => {
    const events = new Set(word.replaceAll("A", allEvents));
    const sorted = eventOrder.filter((event) => events.has(event)).join("");
    // A character that is not in the order is left for the schema to refuse.
    return sorted.length === events.size ? sorted.replace(allEvents, "A") : word;
  },
  words: (value) => [value],
  lines: (value) => [quoteArg(value)],
});

// ---- bind --------------------------------------------------------------------------------------

const addressCountMax = 16;
const tooManyAddresses = "Too many bind addresses specified.";

export const addresses: Kind<readonly string[]> = kind<readonly string[]>({
  type: "addresses",
  syntax: "ADDRESS ..., a leading - means: not there is no error",
  multiArg: true,
  schema: () =>
    refusedWith<readonly string[]>(
      z.array(z.string()).check(z.maxLength(addressCountMax)),
      tooManyAddresses,
    ),
  parse: (words) => (isNothing(words) ? [] : [...words]),
  words: (value) => [...value],
  lines: (value) => [value.length === 0 ? '""' : value.join(" ")],
});

// ---- replicaof ---------------------------------------------------------------------------------

/** Whom `replicaof` follows. */
export interface PrimaryAddress {
  /** A name or an address. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

const badPort = "Invalid master port";

export const primaryAddress: Kind<PrimaryAddress | null> = kind<PrimaryAddress | null>({
  type: "primary",
  syntax: "HOST PORT, or: no one",
  multiArg: true,
  schema: () => {
    const port = z.custom<number>(
      (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65535,
    );
    return refusedWith(z.nullable(z.object({ host: z.string(), port })), badPort);
  },
  parse: (words) => {
    if (words.length !== 2) return new Refusal("wrong number of arguments");
    const [host, port] = words;
    if (host.toLowerCase() === "no" && port.toLowerCase() === "one") return null;
    return { host, port: Number(parseLooseInteger(port) ?? Number.NaN) };
  },
  words: (value) => (value === null ? ["no", "one"] : [value.host, String(value.port)]),
  print: (value) => (value === null ? "" : `${value.host} ${value.port}`),
  lines: (value) => (value === null ? [] : [`${value.host} ${value.port}`]),
});

// ---- oom-score-adj-values ----------------------------------------------------------------------

/** For a primary, a replica, and a process that saves in the background. */
export type OomScores = readonly [primary: number, replica: number, background: number];

const badScores = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";

export const oomScores: Kind<OomScores> = kind<OomScores>({
  type: "scores",
  syntax: "PRIMARY REPLICA BACKGROUND, each -2000 to 2000",
  multiArg: true,
  schema: () => {
    const score = z.custom<number>(
      (value) => Number.isInteger(value) && Number(value) >= -2000 && Number(value) <= 2000,
    );
    return refusedWith<OomScores>(z.tuple([score, score, score]), badScores);
  },
  parse: (words) => {
    if (words.length !== 3) return new Refusal("wrong number of arguments");
    const scores = words.map((word) => Number(parseLooseInteger(word) ?? Number.NaN));
    return [scores[0], scores[1], scores[2]];
  },
  words: (scores) => scores.map(String),
});

// ---- latency-tracking-info-percentiles ---------------------------------------------------------

const notPercentile = "Invalid latency-tracking-info-percentiles parameters";
const percentileRange =
  "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";

export const percentiles: Kind<readonly number[]> = kind<readonly number[]>({
  type: "percentiles",
  syntax: '0.0 to 100.0 ..., or "" for none',
  multiArg: true,
  schema: () =>
    refusedWith<readonly number[]>(
      z.array(z.custom<number>((value) => Number(value) >= 0 && Number(value) <= 100)),
      percentileRange,
    ),
  parse: (words) => {
    if (isNothing(words)) return [];
    const values = words.map(parseDouble);
    const numbers = values.filter((value) => value !== undefined);
    return numbers.length === values.length ? numbers : new Refusal(notPercentile);
  },
  words: (values) => values.map(printDouble),
  lines: (values) => [values.length === 0 ? '""' : values.map(printDouble).join(" ")],
});
