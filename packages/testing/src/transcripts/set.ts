/** The set group: all encodings, every option, every refusal, set algebra and where it stores. */
import type { LooseRequest, Transcript, TranscriptRequest } from "./transcript.ts";

const INT64_MAX = "9223372036854775807";
const INT64_MIN = "-9223372036854775808";
const noNumbers = ["", " ", "1 ", " 1", "+1", "01", "-0", "1.0", "0x10", "1e3", "abc", "1\0"];

function each(words: readonly (string | number)[], request: (word: string | number) => Transcript) {
  return words.flatMap((word) => request(word));
}

/** Members of a listpack come in an order that Redis 7.0, which has none for sets, does not know. */
function inAnyOrder(...request: TranscriptRequest): LooseRequest {
  return { request, differs: "members come in another order" };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(["SADD", "SREM", "SISMEMBER", "SMISMEMBER", "SMOVE", "SSCAN", "SINTERCARD"], (name) => [
    [name],
    [name, "k"],
    [name, "k", "a"],
    ["DEL", "k"],
  ]),
  ...each(["SMEMBERS", "SCARD", "SINTER", "SUNION", "SDIFF"], (name) => [[name], [name, "k"]]),
  ...each(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"], (name) => [[name], [name, "k"]]),
  ["SPOP"],
  ["SPOP", "k", 1, 2],
  ["SRANDMEMBER"],
  ["SRANDMEMBER", "k", 1, 2],
  ["SMOVE", "a", "b", "c", "d"],
];

const missing: Transcript = [
  ["FLUSHALL"],
  ["SREM", "none", "a", "a"],
  ["SISMEMBER", "none", "a"],
  ["SMISMEMBER", "none", "a", "b"],
  ["SMEMBERS", "none"],
  ["SCARD", "none"],
  ["SMOVE", "none", "other", "a"],
  ["SPOP", "none"],
  ["SPOP", "none", 0],
  ["SPOP", "none", 5],
  ["SPOP", "none", -1],
  ["SPOP", "none", "x"],
  ["SRANDMEMBER", "none"],
  ["SRANDMEMBER", "none", 5],
  ["SRANDMEMBER", "none", -5],
  ["SRANDMEMBER", "none", "x"],
  ["SSCAN", "none", 0],
  ["SSCAN", "none", 0, "FOO"],
  ["SSCAN", "none", "x"],
  ["SINTER", "none"],
  ["SUNION", "none", "none"],
  ["SDIFF", "none", "none"],
  ["SINTERCARD", 1, "none"],
  ["SINTERSTORE", "d", "none"],
  ["SUNIONSTORE", "d", "none"],
  ["SDIFFSTORE", "d", "none"],
  ["EXISTS", "none", "other", "d"],
];

const wrongType: Transcript = [
  ["FLUSHALL"],
  ["SET", "s", "string"],
  ["SADD", "k", "a"],
  ...each(["SADD", "SREM", "SISMEMBER", "SMISMEMBER"], (name) => [[name, "s", "a"]]),
  ...each(["SMEMBERS", "SCARD", "SINTER", "SUNION", "SDIFF", "SPOP", "SRANDMEMBER"], (name) => [
    [name, "s"],
  ]),
  ["SMOVE", "s", "k", "a"],
  ["SMOVE", "k", "s", "a"],
  ["SMOVE", "k", "s", "none"],
  ["SMOVE", "none", "s", "a"],
  ["SMOVE", "s", "s", "a"],
  ["SPOP", "s", 0],
  ["SPOP", "s", -1],
  ["SPOP", "s", 1],
  ["SRANDMEMBER", "s", 0],
  ["SRANDMEMBER", "s", "x"],
  ["SSCAN", "s", 0],
  ["SSCAN", "s", "x"],
  ["SSCAN", "s", 0, "FOO"],
  ...each(["SINTER", "SUNION", "SDIFF"], (name) => [
    [name, "k", "s"],
    [name, "s", "k"],
    [name, "none", "s"],
    [name, "k", "none", "s"],
  ]),
  ...each(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"], (name) => [
    [name, "k", "s"],
    [name, "s", "none", "s"],
    [name, "k", "k", "s"],
  ]),
  ["SINTERCARD", 2, "k", "s"],
  ["SINTERCARD", 2, "none", "s"],
  ["SMEMBERS", "k"],
];

const members: Transcript = [
  ["FLUSHALL"],
  ["SADD", "k", "a"],
  ["SADD", "k", "a"],
  ["SADD", "k", "a", "b", "c", "b", ""],
  ["SCARD", "k"],
  ["SISMEMBER", "k", ""],
  ["SISMEMBER", "k", "none"],
  ["SMISMEMBER", "k", "a", "none", "", "a"],
  ["SREM", "k", "a", "none", "a", "b"],
  ["SMEMBERS", "k"],
  ["SREM", "k", "none"],
  ["SREM", "k", "c", "", "gone"],
  ["EXISTS", "k"],
  ["SADD", "k", "\0\r\n\u00ff", "\u00ff\0"],
  ["SMEMBERS", "k"],
  ["EXPIRE", "k", 1000],
  ["SREM", "k", "\0\r\n\u00ff"],
  ["TTL", "k"],
];

/** As wide as two, four and eight bytes, the ends of each, and what only looks like an integer. */
const integers = [
  ...[0, 1, -1, 127, 128, 32767, 32768, -32768, -32769, 2147483647, -2147483648],
  ...["2147483648", "-2147483649", "9007199254740993", INT64_MAX, INT64_MIN],
];
const lookalikes = ["9223372036854775808", "-0", "01", "1.0", "+1", " 1"];

const encodings: Transcript = [
  ["FLUSHALL"],
  ...integers.flatMap(
    (value): Transcript => [
      ["SADD", "k", value],
      ["SADD", "k", value],
      ["SISMEMBER", "k", value],
      ["SISMEMBER", "k", `${value}x`],
      ["OBJECT", "ENCODING", "k"],
      ["SMEMBERS", "k"],
    ],
  ),
  ...each(lookalikes, (value) => [
    ["SISMEMBER", "k", value],
    ["SREM", "k", value],
  ]),
  ["COPY", "k", "twin"],
  ["SREM", "k", ...integers.slice(3)],
  ["SMEMBERS", "k"],
  ["OBJECT", "ENCODING", "k"],
  // So few bytes that they are not compressed, which can be done in several ways.
  ["SADD", "tiny", 1, 300, -5],
  ["DUMP", "tiny"],
  ["SADD", "tiny", 70000],
  ["SREM", "tiny", 1, 70000],
  ["DUMP", "tiny"],
  ["SADD", "k", "text"],
  ["OBJECT", "ENCODING", "k"],
  ["SADD", "k", "x".repeat(64)],
  ["OBJECT", "ENCODING", "k"],
  ["SADD", "k", "x".repeat(65)],
  ["OBJECT", "ENCODING", "k"],
  ["SREM", "k", "text", "x".repeat(64), "x".repeat(65)],
  ["OBJECT", "ENCODING", "k"],
  ...each(lookalikes, (value) => [["SADD", "twin", value, value]]),
  ["SMEMBERS", "twin"],
  ["SADD", "integers", ...range(0, 511)],
  ["OBJECT", "ENCODING", "integers"],
  ["SADD", "integers", 511],
  ["OBJECT", "ENCODING", "integers"],
  ["SADD", "integers", 511],
  ["OBJECT", "ENCODING", "integers"],
  ["SADD", "integers", 512],
  ["OBJECT", "ENCODING", "integers"],
  ["SADD", "many", ...range(0, 600)],
  ["OBJECT", "ENCODING", "many"],
  ["SCARD", "many"],
  ["SMISMEMBER", "many", 0, 599, 600, "x"],
  ["SADD", "words", ...range(0, 128).map((n) => `w${n}`)],
  ["OBJECT", "ENCODING", "words"],
  ["SADD", "words", "one more"],
  ["OBJECT", "ENCODING", "words"],
];

const moving: Transcript = [
  ["FLUSHALL"],
  ["SADD", "a", 1, 2, 3],
  ["SADD", "b", 3, 4],
  ["SMOVE", "a", "b", 1],
  ["SMOVE", "a", "b", 3],
  ["SMOVE", "a", "b", 3],
  ["SMOVE", "a", "b", "x"],
  ["SMOVE", "a", "a", 2],
  ["SMOVE", "a", "a", "x"],
  ["SMOVE", "a", "new", 2],
  ["EXISTS", "a"],
  ["SMEMBERS", "b"],
  ["OBJECT", "ENCODING", "new"],
  ["SADD", "a", "x"],
  ["SMOVE", "a", "b", "x"],
  ["OBJECT", "ENCODING", "b"],
  ["SMEMBERS", "b"],
];

const stores = ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"];

const algebra: Transcript = [
  ["FLUSHALL"],
  ["SADD", "ints", ...range(0, 50)],
  ["SADD", "evens", ...range(0, 50).map((n) => n * 2)],
  ["SADD", "many", ...range(20, 700)],
  ["SADD", "words", "a", "b", "c", 1, 2, 3, "x".repeat(70)],
  ["SADD", "mixed", "a", "c", 2, 4, "d"],
  ["SADD", "one", 2],
  ...each(["SINTER", "SUNION", "SDIFF"], (name) => [
    [name, "ints"],
    [name, "ints", "evens"],
    [name, "evens", "ints"],
    [name, "ints", "ints"],
    [name, "many", "ints", "evens"],
    [name, "ints", "many", "one", "mixed", "none"],
    [name, "words", "mixed"],
    [name, "mixed", "words", "ints"],
    [name, "one", "many", "words", "mixed", "ints", "evens"],
    [name, "words", "none"],
    [name, "none", "words"],
  ]),
  ...each(stores, (name) => [
    [name, "d", "ints", "evens"],
    ["OBJECT", "ENCODING", "d"],
    [name, "d", "many", "ints"],
    ["OBJECT", "ENCODING", "d"],
    [name, "d", "words", "mixed"],
    [name, "d", "mixed", "d"],
    ["SMEMBERS", "d"],
    [name, "d", "d", "one"],
    ["SMEMBERS", "d"],
    ["SET", "d", "a string", "EX", 1000],
    [name, "d", "ints", "one"],
    ["TTL", "d"],
    [name, "d", "one", "d", "none"],
    ["SMEMBERS", "d"],
    [name, "d", "none"],
    ["EXISTS", "d"],
  ]),
  ["SINTERCARD", 1, "ints"],
  ["SINTERCARD", 2, "ints", "evens"],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT", 0],
  ["SINTERCARD", 2, "ints", "evens", "limit", 3],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT", 3, "LIMIT", 4],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT", INT64_MAX],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT", -1],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT", "x"],
  ["SINTERCARD", 2, "ints", "evens", "LIMIT"],
  ["SINTERCARD", 2, "ints", "evens", "FOO", 1],
  ["SINTERCARD", 2, "ints", "none", "LIMIT", 1],
  ["SINTERCARD", 3, "ints", "evens"],
  ...each([0, -1, INT64_MAX, INT64_MIN, ...noNumbers], (n) => [["SINTERCARD", n, "ints"]]),
];

const random: Transcript = [
  ["FLUSHALL"],
  ["SADD", "one", "f"],
  ["SRANDMEMBER", "one"],
  ["SRANDMEMBER", "one", 0],
  ["SRANDMEMBER", "one", 1],
  ["SRANDMEMBER", "one", 5],
  ["SRANDMEMBER", "one", INT64_MAX],
  ["SRANDMEMBER", "one", -1],
  ["SRANDMEMBER", "one", -3],
  ["SRANDMEMBER", "one", INT64_MIN],
  ["SADD", "ints", 1, 2, 3],
  ["SRANDMEMBER", "ints", 3],
  ["SADD", "few", "a", "b", "c"],
  inAnyOrder("SRANDMEMBER", "few", 3),
  ["SPOP", "one", 0],
  ["SPOP", "one"],
  ["EXISTS", "one"],
  ["SADD", "one", 7],
  ["SPOP", "one", 1],
  ["SADD", "one", 7],
  ["SPOP", "one", INT64_MAX],
  ["SPOP", "ints", 3],
  ["EXISTS", "one", "ints"],
  ["SPOP", "few", -1],
  ["SPOP", "few", "9223372036854775808"],
  ["SPOP", "few", 1, 2],
  ["SRANDMEMBER", "few", 1, 2],
  ...each(noNumbers, (n) => [
    ["SRANDMEMBER", "few", n],
    ["SPOP", "few", n],
  ]),
  ["SCARD", "few"],
];

const scanning: Transcript = [
  ["FLUSHALL"],
  ["SADD", "k", 1, 2, 3, 10, 11],
  ["SSCAN", "k", 0],
  ["SSCAN", "k", 5],
  ["SSCAN", "k", 0, "COUNT", 1],
  ["SSCAN", "k", 0, "COUNT", INT64_MAX],
  ["SSCAN", "k", 0, "MATCH", "1*"],
  ["SSCAN", "k", 0, "MATCH", "*"],
  ["SSCAN", "k", 0, "MATCH", ""],
  ["SSCAN", "k", 0, "MATCH", "[12]", "count", 3],
  ["SSCAN", "k", 0, "match", "1", "match", "2"],
  ["SSCAN", "k", 0, "MATCH"],
  ["SSCAN", "k", 0, "COUNT"],
  ["SSCAN", "k", 0, "TYPE", "set"],
  ["SSCAN", "k", 0, "NOVALUES"],
  ["SSCAN", "k", 0, "FOO", "bar"],
  ["SSCAN", "k", 0, "COUNT", 0, "FOO"],
  ...each([0, -1, INT64_MIN, "9223372036854775808", ...noNumbers], (n) => [
    ["SSCAN", "k", 0, "COUNT", n],
    ["SSCAN", "k", n],
    ["SSCAN", "none", n],
  ]),
];

export const transcript: Transcript = [
  ...arity,
  ...missing,
  ...wrongType,
  ...members,
  ...encodings,
  ...moving,
  ...algebra,
  ...random,
  ...scanning,
];
