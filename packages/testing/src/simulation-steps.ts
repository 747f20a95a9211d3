/** The steps of a simulated day (simulation.ts), made from a seed. */
import { Chance } from "./chance.ts";
import { fuzzSequence } from "./fuzz.ts";

export type SimulationStep =
  | {
      kind: "send";
      client: number;
      /** "<token>" becomes a text that no other request contains. */
      requests: readonly (readonly string[])[];
      /** Pieces of random length that the bytes come in, before the rest. */
      cuts: number;
      /** The client leaves after a part of the bytes. */
      leaves: boolean;
    }
  /** Time passes, with or without the cron having its turns meanwhile. */
  | { kind: "time"; durationMs: number; withCron: boolean }
  | { kind: "turn" }
  | { kind: "leave"; client: number }
  | { kind: "stick"; client: number }
  | { kind: "unstick"; client: number }
  /** maxmemory: so many bytes above what is in use; negative: none. */
  | { kind: "limit"; roomBytes: number }
  /** BGSAVE; the disk fails at the operation after so many others; negative: not. */
  | { kind: "save"; failsAfter: number };

const CLIENTS = 6;
/** Clients that do without replies now and then, and one that may come to monitor. */
const MUTED = 4;
const MONITOR = 5;

const keys = [
  "a",
  "b",
  "c",
  "",
  "__proto__",
  "constructor",
  "k\r\n",
  "\x00\xff",
  "long".repeat(90),
];
const fields = ["f", "g", "", "__proto__", "n", "field".repeat(20)];
const numbers = ["0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "12345678901"];
const sizes = [0, 1, 20, 44, 45, 64, 65, 500, 512, 513, 1100, 5000];
const lives = ["1", "5", "30", "200", "3000", "-5"];
/** How long a blocking command waits; nobody waits longer than the day. */
const waits = ["0.001", "0.05", "1"];
const settings: readonly (readonly [string, readonly string[]])[] = [
  ["hash-max-listpack-entries", ["0", "2", "128"]],
  ["hash-max-listpack-value", ["0", "8", "64"]],
  ["zset-max-listpack-entries", ["0", "2", "128"]],
  ["set-max-listpack-entries", ["0", "2", "128"]],
  ["set-max-intset-entries", ["0", "2", "512"]],
  ["list-max-listpack-size", ["-2", "1", "5"]],
  ["list-compress-depth", ["0", "1"]],
  ["stream-node-max-entries", ["1", "3", "100"]],
  [
    "maxmemory-policy",
    ["noeviction", "allkeys-lru", "volatile-ttl", "allkeys-lfu", "allkeys-random"],
  ],
  ["lazyfree-lazy-user-del", ["yes", "no"]],
  ["lazyfree-lazy-user-flush", ["yes", "no"]],
  ["lazyfree-lazy-server-del", ["yes", "no"]],
  ["lazyfree-lazy-expire", ["yes", "no"]],
  ["lazyfree-lazy-eviction", ["yes", "no"]],
  ["notify-keyspace-events", ["", "KEA", "KEAnm"]],
  ["tracking-table-max-keys", ["1", "3", "1000"]],
  ["stop-writes-on-bgsave-error", ["yes", "no"]],
  ["client-output-buffer-limit", ["normal 0 0 0", "normal 20000 0 0", "pubsub 5000 0 0"]],
];

/**
 * The form of a HyperLogLog is part of its bytes, and follows from the directive at the time of the
 * change, which a replay does not know: there it stays as it is.
 */
function withoutSketchForm(words: string[]): string[] {
  const at = words.indexOf("hll-sparse-max-bytes");
  return at < 0 ? words : words.toSpliced(at, 2);
}

class StepMaker {
  private readonly chance: Chance;
  private readonly grammar: string[][];

  constructor(seed: number, count: number) {
    this.chance = new Chance(seed);
    this.grammar = fuzzSequence(seed, count * 3)
      .slice(0, count * 3)
      .filter((unit) => unit.length === 1)
      .map((unit) => withoutSketchForm((unit[0] as (string | number)[]).map((word) => `${word}`)));
  }

  private key(): string {
    return this.chance.of(keys);
  }

  private text(): string {
    const { chance } = this;
    if (chance.percent(30)) return chance.of(numbers);
    return chance.of(["x", "\x00", "é"]).repeat(chance.of(sizes));
  }

  private data(): string[] {
    const { chance } = this;
    const key = this.key();
    if (chance.percent(45)) return chance.percent(55) ? this.ordered() : this.unordered();
    switch (chance.below(26)) {
      case 0:
        return ["SET", key, this.text(), "PX", chance.of(lives.slice(0, 5))];
      case 1:
        return ["SET", key, this.text(), "KEEPTTL"];
      case 2:
        return ["PEXPIRE", key, chance.of(lives)];
      case 3:
        return ["PERSIST", key];
      case 4:
        return ["RENAME", key, this.key()];
      case 5:
        return ["COPY", key, this.key(), "DB", `${chance.below(3)}`, "REPLACE"];
      case 6:
        return ["MOVE", key, `${chance.below(3)}`];
      case 7:
        return ["DEL", key, this.key()];
      case 8:
        return ["UNLINK", key, key];
      case 9:
        return ["INCRBY", key, chance.of(numbers)];
      case 10:
        return ["APPEND", key, this.text()];
      case 11:
        return ["SETRANGE", key, `${chance.of(sizes)}`, this.text()];
      case 12:
        return ["HSET", key, chance.of(fields), this.text(), chance.of(fields), this.text()];
      case 13:
        return ["HDEL", key, chance.of(fields), chance.of(fields)];
      case 14:
        return ["HINCRBY", key, chance.of(fields), chance.of(numbers)];
      case 15:
        return ["GETEX", key, ...chance.of([["PERSIST"], ["PX", "40"], ["PXAT", "1"], []])];
      case 16:
        return ["GETDEL", key];
      case 17:
        return ["MSET", key, this.text(), this.key(), this.text()];
      case 18:
        return ["GET", key];
      case 19:
        return ["HGETALL", key];
      case 20:
        return ["INCRBYFLOAT", key, "1.5"];
      case 21:
        return ["SCAN", "0", "COUNT", chance.of(["1", "9223372036854775807"])];
      case 22:
        return ["RESTORE", key, chance.of(["0", "50"]), "bad", "REPLACE"];
      case 23:
        return ["HRANDFIELD", key, chance.of(["-5", "5", "2"]), "WITHVALUES"];
      default:
        return chance.of(this.grammar);
    }
  }

  /** Some elements, at times so many that a value changes its form. */
  private many(): string[] {
    const { chance } = this;
    return Array.from({ length: 1 + chance.below(chance.of([2, 9, 150])) }, () =>
      chance.percent(20) ? this.text() : `${chance.below(200)}`,
    );
  }

  /** Lists and streams, waited for and not. */
  private ordered(): string[] {
    const { chance } = this;
    const key = this.key();
    const group = chance.of(fields);
    switch (chance.below(19)) {
      case 0:
      case 1:
        return [chance.of(["RPUSH", "LPUSH"]), key, ...this.many()];
      case 2:
        return [chance.of(["RPOP", "LPOP"]), key, chance.of(["1", "3", "2147483648"])];
      case 3:
        return ["LTRIM", key, chance.of(["0", "1", "-20"]), chance.of(["-1", "-2", "90"])];
      case 4:
        return ["LINSERT", key, chance.of(["BEFORE", "AFTER"]), `${chance.below(99)}`, this.text()];
      case 5:
        return ["LSET", key, `${chance.below(90) - 45}`, this.text()];
      case 6:
        return ["LREM", key, chance.of(["0", "2", "-1"]), `${chance.below(99)}`];
      case 7:
        return ["LMOVE", key, this.key(), "LEFT", chance.of(["LEFT", "RIGHT"])];
      case 8:
        return ["BLMOVE", key, this.key(), "RIGHT", "LEFT", chance.of(waits)];
      case 9:
        return [chance.of(["BLPOP", "BRPOP"]), key, "b", chance.of(waits)];
      case 10:
        return ["BLMPOP", chance.of(waits), "2", key, this.key(), "LEFT", "COUNT", "7"];
      case 11:
        return ["XADD", key, ...chance.of([[], ["MAXLEN", "~", "9"]]), "*", group, this.text()];
      case 12:
        return ["XGROUP", "CREATE", key, group, "0", ...chance.of([[], ["MKSTREAM"]])];
      case 13: {
        const block = chance.of([[], ["BLOCK", chance.of(["1", "60"])], ["NOACK"]]);
        const source = ["STREAMS", key, chance.of([">", ">", "0"])];
        return ["XREADGROUP", "GROUP", group, chance.of(fields), ...block, ...source];
      }
      case 14:
        return ["XAUTOCLAIM", key, group, chance.of(fields), "0", "0", "COUNT", "3"];
      case 15:
        return ["XTRIM", key, "MAXLEN", ...chance.of([[], ["~"], ["="]]), chance.of(["0", "5"])];
      case 16:
        return ["XREAD", "BLOCK", chance.of(["1", "60"]), "STREAMS", key, "$"];
      case 17:
        return ["XGROUP", "DELCONSUMER", key, group, chance.of(fields)];
      default:
        return ["XGROUP", "DESTROY", key, group];
    }
  }

  /** Sets, sorted sets, bits, and hashes whose fields expire. */
  private unordered(): string[] {
    const { chance } = this;
    const key = this.key();
    const field = chance.of(fields);
    const score = chance.of(["0", "1.5", "-0", "inf", "-1e300", "3"]);
    switch (chance.below(20)) {
      case 0:
      case 1:
        return ["SADD", key, ...this.many()];
      case 2:
        return ["SREM", key, ...this.many()];
      case 3:
        return ["SPOP", key, chance.of(["1", "5", "80"])];
      case 4:
        return ["SMOVE", key, this.key(), `${chance.below(200)}`];
      case 5:
        return [`S${chance.of(["UNION", "INTER", "DIFF"])}STORE`, this.key(), key, this.key()];
      case 6:
      case 7:
        return ["ZADD", key, ...this.many().flatMap((member) => [`${chance.below(50)}`, member])];
      case 8:
        return ["ZADD", key, ...chance.of([["XX"], ["NX"], ["GT", "CH"], ["INCR"]]), score, field];
      case 9:
        return ["ZREM", key, ...this.many()];
      case 10:
        return ["ZREMRANGEBYRANK", key, chance.of(["0", "10"]), chance.of(["20", "-30"])];
      case 11:
        return ["ZREMRANGEBYSCORE", key, "10", chance.of(["11", "20"])];
      case 12: {
        const operation = chance.of(["UNION", "INTER", "DIFF"]);
        return [`Z${operation}STORE`, this.key(), "2", key, this.key()];
      }
      case 13:
        return [chance.of(["BZPOPMIN", "BZPOPMAX"]), key, "b", chance.of(waits)];
      case 14:
        return ["BZMPOP", chance.of(waits), "2", key, this.key(), "MAX", "COUNT", "7"];
      case 15:
        return ["HPEXPIRE", key, chance.of(lives), "FIELDS", "2", field, chance.of(fields)];
      case 16:
        return ["HGETEX", key, "PX", chance.of(lives), "FIELDS", "1", field];
      case 17:
        return ["SETBIT", key, `${chance.below(9000)}`, "1"];
      case 18:
        return ["SORT", key, "ALPHA", "BY", "nosort", "STORE", this.key()];
      default:
        return chance.of([
          ["PFADD", key, ...this.many()],
          ["GEOADD", key, "13.36", "38.11", field],
          ["BITOP", "NOT", this.key(), key],
        ]);
    }
  }

  private rare(): string[] {
    const { chance } = this;
    const [name, values] = chance.of(settings);
    switch (chance.below(16)) {
      case 0:
        return ["FLUSHALL", ...chance.of([[], ["ASYNC"], ["SYNC"]])];
      case 1:
        return ["FLUSHDB", ...chance.of([[], ["ASYNC"]])];
      case 2:
        return ["SWAPDB", "0", `${chance.below(3)}`];
      case 3:
      case 4:
        return ["SELECT", `${chance.below(3)}`];
      case 5:
        return ["CLIENT", "PAUSE", chance.of(["1", "20", "60"]), chance.of(["WRITE", "ALL"])];
      case 6:
        return ["CLIENT", "UNPAUSE"];
      case 7:
        return ["CLIENT", "KILL", "ADDR", `127.0.0.9:${1000 + chance.below(20)}`];
      case 8:
        return [
          "CLIENT",
          "TRACKING",
          chance.of(["ON", "OFF"]),
          ...chance.of([[], ["BCAST"], ["NOLOOP"]]),
        ];
      case 9:
        return ["SUBSCRIBE", chance.of(["ch", "__proto__", "__keyevent@0__:set"])];
      case 10:
        return ["UNSUBSCRIBE", "ch"];
      case 11:
        return ["PUBLISH", chance.of(["ch", "__proto__"]), this.text()];
      case 12:
        return ["CONFIG", "SET", name, chance.of(values)];
      case 13:
        return chance.of([["WATCH", this.key(), this.key()], ["UNWATCH"]]);
      case 14:
        return ["CLIENT", "NO-TOUCH", chance.of(["ON", "OFF"])];
      default:
        return chance.of([
          ["INFO"],
          ["CLIENT", "LIST"],
          ["MEMORY", "USAGE", this.key()],
          ["DBSIZE"],
        ]);
    }
  }

  private request(client: number): string[] {
    const { chance } = this;
    if (chance.percent(25)) return ["ECHO", "<token>"];
    if (client === MUTED && chance.percent(15))
      return ["CLIENT", "REPLY", chance.of(["ON", "OFF", "SKIP", "ON"])];
    if (client === MONITOR && chance.percent(5)) return ["MONITOR"];
    return chance.percent(18) ? this.rare() : this.data();
  }

  private send(): SimulationStep {
    const { chance } = this;
    const client = chance.below(CLIENTS);
    const many = chance.percent(4);
    const requests: string[][] = [];
    const mayQueue = client !== MUTED && client !== MONITOR;
    const count = many ? 520 + chance.below(700) : 1 + chance.below(12);
    while (requests.length < count) {
      const queues = mayQueue && chance.percent(10);
      if (queues) requests.push(["MULTI"]);
      // What follows in the transaction runs though a pause is in force.
      if (queues && chance.percent(15)) requests.push(["CLIENT", "PAUSE", "40", "WRITE"]);
      const inside = queues ? chance.below(many ? 600 : 6) : 1;
      for (let index = 0; index < inside; index++) {
        const words = this.request(client);
        // These answer with messages, or are not queued.
        if (queues && /SUBSCRIBE|MONITOR|^WATCH/i.test(`${words[0]}`)) continue;
        requests.push(words);
      }
      if (queues) requests.push([chance.percent(85) ? "EXEC" : "DISCARD"]);
    }
    return {
      kind: "send",
      client,
      requests,
      cuts: chance.percent(50) ? chance.below(8) : 0,
      leaves: chance.percent(3),
    };
  }

  make(): SimulationStep {
    const { chance } = this;
    const kind = chance.below(100);
    if (kind < 70) return this.send();
    if (kind < 80) {
      const durationMs = chance.of([1, 5, 40, 150, 1100]);
      return { kind: "time", durationMs, withCron: chance.percent(40) };
    }
    if (kind < 84) return { kind: "turn" };
    if (kind < 86) return { kind: "leave", client: chance.below(CLIENTS) };
    if (kind < 88) return { kind: "stick", client: chance.below(CLIENTS) };
    if (kind < 91) return { kind: "unstick", client: chance.below(CLIENTS) };
    if (kind < 95)
      return { kind: "limit", roomBytes: chance.of([-1, -1, -1, 0, 3000, 30_000, 300_000]) };
    return { kind: "save", failsAfter: chance.percent(40) ? chance.below(8) : -1 };
  }
}

/** The steps of one seed: always the same. */
export function simulationSteps(seed: number, count: number): SimulationStep[] {
  const maker = new StepMaker(seed, count);
  return Array.from({ length: count }, () => maker.make());
}
