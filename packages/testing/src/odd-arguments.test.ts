/**
 * One odd value at a time, in each argument of every command on data: the edges of 64 and 32 bits, what
 * is no number, nothing at all, names that JavaScript has a use for, keys of another type. What
 * redis-server answers is right.
 *
 * The requests are those of the fuzzer (fuzz.ts), as they should be but for the one value, and so is
 * what may differ. KV_ODD_ROUNDS makes it go on longer, KV_ODD_SEED repeats a run.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { inProcessPeer, type Peer, processPeer } from "./differential.ts";
import { fuzzed, kindOf, prologueOf, RequestMaker, tame, vague } from "./fuzz.ts";
import { harness } from "./harness.ts";
import { repliesAgree } from "./reply-comparison.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";

const seed = Number(process.env.KV_ODD_SEED ?? 1);
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 1);

type Words = (string | number)[];

const oddValues: readonly string[] = [
  ...["9223372036854775806", "9223372036854775807", "9223372036854775808"],
  ...["-9223372036854775807", "-9223372036854775808", "-9223372036854775809"],
  ...["4611686018427387904", "-4611686018427387904", "-4611686018427387905"],
  ...["18446744073709551615", "18446744073709551616"],
  ...["2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296"],
  ...["0", "-0", "-1", "1", "0.5", "1e400", "-1e400", "nan", "inf", "-inf", "+inf", "0x7f"],
  ...["", " 1", "1 ", "__proto__", "constructor", "\0", "(", "[", "-", "+", "$", "*"],
  ...["string0", "list0", "hash0", "set0", "sorted-set0", "stream0", "hyperloglog0", "none"],
  // Longer than what fits into 16 bits: the same by the megabyte takes too long for each run.
  "x".repeat(2 ** 16 + 1),
];

/** A key of each type, named as the fuzzer does. */
const filling: readonly Words[] = [
  ["FLUSHALL"],
  ["SET", "string0", 10],
  ["SET", "string1", "some text"],
  ["SETBIT", "bitmap0", 70, 1],
  ["PFADD", "hyperloglog0", "f1", "f2"],
  ["PFADD", "hyperloglog1", "f3"],
  ["HSET", "hash0", "f1", "v", "f2", 10, "f3", "1.5"],
  ["RPUSH", "list0", "f1", "f2", 10, "f1"],
  ["RPUSH", "list1", 3, 1, 2],
  ["SADD", "set0", 1, 2, 3],
  ["SADD", "set1", "f1", "f2", 3],
  ["ZADD", "sorted-set0", 1, "f1", "2.5", "f2", 3, "10"],
  ["ZADD", "sorted-set1", 0, "f1", 0, "f3"],
  ["GEOADD", "geo0", 13.4, 38.1, "f1", 15, 37.5, "f2"],
  ["XADD", "stream0", "1-1", "f1", "v"],
  ["XADD", "stream0", "2-1", "f1", "w"],
  ["XGROUP", "CREATE", "stream0", "g1", "0"],
  ["XREADGROUP", "GROUP", "g1", "g1", "COUNT", 1, "STREAMS", "stream0", ">"],
];

/** Requests that would take memory or time by the gigabyte, or that no two servers answer alike. */
function isApart(words: Words): boolean {
  const name = `${words[0]}`;
  // As long as half a gigabyte.
  if (/^(setbit|bitfield|setrange)$/.test(name)) return words.some((word) => Number(word) > 1e6);
  // Ours keeps no names of more than 4096 bytes, which every line of CLIENT LIST would repeat.
  if (words[1] === "setname") return `${words[2]}`.length > 4096;
  // Redis repeats members until memory ends, or the client's output limit: see the last test.
  return /^(srand|hrand|zrand)/.test(name) && words.includes("-9223372036854775807");
}

/** A request for the command, its values replaced in turn; what each needs goes before it. */
function oddRequests(row: CommandRow, chance: Chance): Words[] {
  const words = new RequestMaker(chance).wordsFor(row);
  const first = row.fullName.split("|").length;
  const requests: Words[] = [];
  // Of very long requests, the first arguments and the last ones say it all.
  const spots = [...words.keys()].slice(first).filter((at) => at < 12 || at > words.length - 4);
  for (const at of spots) {
    requests.push(...filling);
    for (const odd of oddValues) {
      const replaced = words.with(at, odd);
      tame(replaced, requests.length);
      if (isApart(replaced)) continue;
      const whole = [...prologueOf(replaced), replaced];
      if ((row.bits & FLAG_BITS.blocking) === 0) requests.push(...whole);
      else requests.push(["MULTI"], ...whole, ["EXEC"]);
    }
  }
  return requests;
}

const line = (words: TranscriptRequest) =>
  words.map((word) => JSON.stringify(`${word}`.slice(0, 40))).join(" ");

describe.runIf(hasRedisServer())(
  `an odd argument is taken as redis-server takes it (seed ${seed})`,
  () => {
    let redis: ServerProcess;
    let reference: Peer;
    let subject: Peer;
    beforeAll(async () => {
      redis = await ServerProcess.start({
        config: { "client-output-buffer-limit": "normal 64mb 0 0" },
      });
      reference = await processPeer(redis, 2);
      subject = inProcessPeer(2);
    });
    afterAll(() => redis?.stop());

    test.each(fuzzed.map((row) => ({ name: row.fullName, row })))("$name", async ({ row }) => {
      const requests: Words[] = [["DEBUG", "SET-ACTIVE-EXPIRE", 0]];
      for (let round = 0; round < rounds; round++)
        requests.push(
          ...oddRequests(row, new Chance(seed + round)),
          ["DEBUG", "DIGEST"],
          ["SELECT", 0],
        );
      const reading = reference.exchangeAll(requests);
      const [theirs, ours] = await Promise.all([reading, subject.exchangeAll(requests)]);
      const differences = requests.flatMap((words, index) => {
        const left = theirs[index] ?? "";
        const right = ours[index] ?? "";
        const agree = vague.has(`${words[0]}`)
          ? kindOf(left) === kindOf(right)
          : repliesAgree(words, left, right);
        return agree
          ? []
          : [
              `${line(words)}\n   redis: ${JSON.stringify(left)}\n   ours:  ${JSON.stringify(right)}`,
            ];
      });
      expect(differences.slice(0, 5).join("\n")).toBe("");
    });
  },
);

test.each([
  ["SRANDMEMBER", "SADD", "k", "m"],
  ["HRANDFIELD", "HSET", "k", "m", 1],
  ["ZRANDMEMBER", "ZADD", "k", 1, "m"],
])("%s repeats no member beyond all memory", (name, ...words) => {
  const kv = harness();
  kv.send(...words);
  const refused = kv.error("ERR value is out of range");
  for (const count of [
    "-9223372036854775807",
    "-4611686018427387905",
    "-4611686018427387904",
    "-4294967296",
  ])
    expect(kv.send(name, "k", count)).toEqual(refused);
  expect(kv.send(name, "k", "-9223372036854775808")).toMatchObject({
    reply: expect.stringMatching(/^ERR value is out of range/),
  });
  expect(kv.send(name, "k", -3)).toEqual(["m", "m", "m"]);
  expect(kv.send(name, "none", "-9223372036854775807")).toEqual([]);
});
