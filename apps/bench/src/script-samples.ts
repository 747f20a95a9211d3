/** The scripts that are measured, and how each is called. */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { RespClient } from "./resp-client.ts";

/** What redis-benchmark replaces by twelve digits, others in each request. */
const DRAWN = "__rand_int__";

export const KEYS = 1000;

const getText = "return redis.call('GET', KEYS[1])";

/** Counts in three windows and in a log of the last calls: eleven calls of commands. */
const limiterText = `
local key, limit = KEYS[1], tonumber(ARGV[1])
local now = redis.call('TIME')
local allowed = 1
for name, seconds in pairs({ s = 1, m = 60, h = 3600 }) do
  local window = key .. ':' .. name
  local used = redis.call('INCR', window)
  local left = redis.call('TTL', window)
  if left < 0 then redis.call('EXPIRE', window, seconds) end
  if used > limit * seconds then allowed = 0 end
end
redis.call('HINCRBY', key .. ':calls', allowed == 1 and 'passed' or 'refused', 1)
redis.call('ZADD', key .. ':log', now[1] + now[2] / 1000000, now[1] .. now[2])
redis.call('ZREMRANGEBYRANK', key .. ':log', 0, -11)
local calls = redis.call('ZCARD', key .. ':log')
return { allowed, calls }`;

/** The same as functions. */
export const library = `#!lua name=bench
redis.register_function('get', function(KEYS, ARGV) ${getText} end)
redis.register_function('limiter', function(KEYS, ARGV) ${limiterText} end)`;

/** About a kilobyte, as a service might keep of a user. */
const document = JSON.stringify({
  id: 48_151_623,
  name: "Ada Lovelace",
  mail: "ada@example.org",
  isActive: true,
  manager: null,
  balance: 1234.5,
  tags: ["mathematics", "engines", "poetry", "notes"],
  address: { street: "12 St James's Square", city: "London", lines: ["second floor", "left"] },
  visits: Array.from({ length: 12 }, (_, index) => ({
    at: 1_700_000_000 + index * 86_400,
    page: `/notes/${index}`,
    ms: index * 13 + 0.25,
  })),
});

/** A request, written as redis-benchmark takes it. */
export interface Call {
  words: readonly string[];
  /** Its last word, where that is not text. */
  lastWord?: Uint8Array;
}

export interface Sample {
  name: string;
  /** Fraction of the usual number of runs. */
  share: number;
  /** How many different numbers are drawn. */
  drawn?: number;
  /** Makes a server ready for so many runs, and says how it is called. */
  prepare(port: number, runs: number): Promise<Call>;
  /** Throws unless so many runs did what they should. */
  check?(port: number): Promise<void>;
}

function ofText(name: string, share: number, text: string, ...keysAndArguments: string[]): Sample {
  return {
    name: `EVALSHA, ${name}`,
    share,
    async prepare(port) {
      await using client = await RespClient.connect(port);
      const sha = String(await client.send("SCRIPT", "LOAD", text));
      return { words: ["EVALSHA", sha, ...keysAndArguments] };
    },
  };
}

function ofNewText(name: string, share: number, text: string, ...rest: string[]): Sample {
  const words = ["EVAL", `${text} -- ${DRAWN}`, ...rest];
  return {
    name: `EVAL of another text each time, ${name}`,
    share,
    drawn: 1e9,
    prepare: async () => ({ words }),
  };
}

function ofFunction(name: string, share: number, ...words: string[]): Sample {
  return {
    name: `FCALL, ${name}`,
    share,
    async prepare(port) {
      await using client = await RespClient.connect(port);
      await client.send("FUNCTION", "LOAD", "REPLACE", library);
      return { words: ["FCALL", ...words] };
    },
  };
}

const TOKEN = "bench-token";

/**
 * What a worker hands to moveToActive, as MessagePack: the token and 30,000 ms of its lock. The library
 * writes the same with bytes of 0 in it, at which redis-benchmark ends a word.
 */
const lockOptions = Buffer.from(`\x82\xa5token\xab${TOKEN}\xaclockDuration\xcd\x75\x30`, "latin1");

const QUEUE = "bench";
const CHUNK = 1000;

/** Notes the requests by which the library runs scripts. */
class Recorder extends Redis {
  readonly runs: (string | Buffer)[][] = [];

  override sendCommand(...[command, stream]: Parameters<Redis["sendCommand"]>): unknown {
    if (command.name === "evalsha") this.runs.push([...command.args] as (string | Buffer)[]);
    return super.sendCommand(command, stream);
  }
}

/**
 * BullMQ's step from waiting to active, as a worker of the library has asked for it: each run finds a
 * job, locks it, and answers with all of it.
 */
const moveToActive: Sample = {
  name: "EVALSHA, BullMQ's moveToActive",
  share: 0.1,
  async prepare(port, runs) {
    const connection = new Recorder({ port, host: "127.0.0.1", maxRetriesPerRequest: null });
    const queue = new Queue(QUEUE, { connection });
    // The worker takes the first.
    const jobs = Array.from({ length: runs + 1 }, (_, index) => ({
      name: "mail",
      data: { to: `user${index}@example.org`, subject: "Welcome", attempt: index },
    }));
    for (let from = 0; from < jobs.length; from += CHUNK)
      await queue.addBulk(jobs.slice(from, from + CHUNK));
    connection.runs.length = 0;
    const worker = new Worker(QUEUE, null, { connection, autorun: false });
    const job = await worker.getNextJob(TOKEN, { block: false });
    if (job === undefined) throw new Error("BullMQ found no job");
    const request = connection.runs[0];
    await Promise.all([worker.close(), queue.close()]);
    connection.disconnect();
    return {
      words: ["EVALSHA", ...request.slice(0, -1).map(String)],
      lastWord: lockOptions,
    };
  },
  async check(port) {
    await using client = await RespClient.connect(port);
    const left = await client.send("LLEN", `bull:${QUEUE}:wait`);
    if (left !== 0) throw new Error(`${left} jobs were not moved`);
  },
};

const key = `key:${DRAWN}`;
const limiterCall = ["1", `user:${DRAWN}`, "100"] as const;

export const samples: readonly Sample[] = [
  ofText("return 1", 1, "return 1", "0"),
  ofText("GET", 1, getText, "1", key),
  ofText("rate limiter, 11 calls", 0.25, limiterText, ...limiterCall),
  moveToActive,
  ofText("cjson of 1 KB", 0.25, "return cjson.encode(cjson.decode(ARGV[1]))", "0", document),
  ofNewText("GET", 0.25, getText, "1", key),
  ofNewText("rate limiter", 0.1, limiterText, ...limiterCall),
  ofFunction("GET", 1, "get", "1", key),
  ofFunction("rate limiter, 11 calls", 0.25, "limiter", ...limiterCall),
];
