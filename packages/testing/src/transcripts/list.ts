/** The list group: every command, option and refusal, both encodings, large elements. */
import type { Transcript } from "./transcript.ts";

const INT64_MAX = "9223372036854775807";
const INT64_MIN = "-9223372036854775808";
const noNumbers = ["", " ", "1 ", "+1", "01", "1.0", "abc", "9223372036854775808"];

function each(words: readonly (string | number)[], request: (word: string | number) => Transcript) {
  return words.flatMap((word) => request(word));
}

/** Elements that a listpack keeps in different ways. */
const values = [
  ...[0, 9, 10, 127, 128, -1, 4095, 4096, -4096, -4097, 32767, 32768, -32769, 8388607, 8388608],
  ...[2147483647, -2147483648, "2147483648", INT64_MAX, INT64_MIN, "9223372036854775808", "-0"],
  ...["", "01", "a", "\0\r\n\u00ff", "v".repeat(9), "v".repeat(10), "v".repeat(63)],
  ...["v".repeat(64), "v".repeat(4095), "v".repeat(4096), "v".repeat(9000)],
];

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"], (name) => [[name], [name, "k"]]),
  ...each(["LPOP", "RPOP"], (name) => [[name], [name, "k", 1, 2]]),
  ...each(["LLEN", "LRANGE", "LINDEX", "LSET", "LINSERT", "LREM", "LTRIM", "LPOS"], (name) => [
    [name],
    [name, "k"],
    [name, "k", 1, 2, 3, 4, 5],
  ]),
  ...each(
    ["LMOVE", "RPOPLPUSH", "LMPOP", "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP"],
    (name) => [[name], [name, "k"]],
  ),
];

const missing: Transcript = [
  ["FLUSHALL"],
  ["LPUSHX", "none", "a"],
  ["RPUSHX", "none", "a"],
  ["LPOP", "none"],
  ["LPOP", "none", 0],
  ["RPOP", "none", 5],
  ["LLEN", "none"],
  ["LRANGE", "none", 0, -1],
  ["LRANGE", "none", "x", -1],
  ["LINDEX", "none", 0],
  ["LINDEX", "none", "x"],
  ["LSET", "none", 0, "a"],
  ["LSET", "none", "x", "a"],
  ["LINSERT", "none", "BEFORE", "a", "b"],
  ["LINSERT", "none", "BESIDE", "a", "b"],
  ["LREM", "none", 0, "a"],
  ["LREM", "none", "x", "a"],
  ["LTRIM", "none", 0, 1],
  ["LTRIM", "none", 0, "x"],
  ["LPOS", "none", "a"],
  ["LPOS", "none", "a", "COUNT", 1],
  ["LPOS", "none", "a", "RANK", 0],
  ["LMOVE", "none", "other", "LEFT", "RIGHT"],
  ["RPOPLPUSH", "none", "other"],
  ["LMPOP", 2, "none", "other", "LEFT"],
  ["LMPOP", 2, "none", "other", "LEFT", "COUNT", 2],
  ["DBSIZE"],
];

const wrongType: Transcript = [
  ["SET", "s", "string"],
  ["RPUSH", "l", "a"],
  ...each(["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"], (name) => [[name, "s", "a"]]),
  ["LPOP", "s"],
  ["LPOP", "s", 0],
  ["RPOP", "s", "x"],
  ["LLEN", "s"],
  ["LRANGE", "s", 0, -1],
  ["LRANGE", "s", 0, "x"],
  ["LINDEX", "s", 0],
  ["LINDEX", "s", "x"],
  ["LSET", "s", 0, "a"],
  ["LSET", "s", "x", "a"],
  ["LINSERT", "s", "AFTER", "a", "b"],
  ["LREM", "s", 0, "a"],
  ["LTRIM", "s", 0, 1],
  ["LPOS", "s", "a"],
  ["LMOVE", "s", "l", "LEFT", "LEFT"],
  ["LMOVE", "l", "s", "LEFT", "LEFT"],
  ["LMOVE", "none", "s", "LEFT", "LEFT"],
  ["RPOPLPUSH", "l", "s"],
  ["LMPOP", 2, "none", "s", "LEFT"],
  ["LMPOP", 2, "l", "s", "LEFT"],
  ["RPUSH", "l", "a"],
  ["BLPOP", "s", "l", 0],
  ["BLPOP", "l", "s", 0],
  ["GET", "l"],
  ["DEL", "l"],
];

const ends: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", "a", "b", "c"],
  ["LPUSH", "l", 1, 2, 3],
  ["LRANGE", "l", 0, -1],
  ["LLEN", "l"],
  ["LPOP", "l"],
  ["RPOP", "l"],
  ["LPOP", "l", 0],
  ["LPOP", "l", 2],
  ["RPOP", "l", 9],
  ["EXISTS", "l"],
  ["RPUSH", "l", "a"],
  ["RPUSHX", "l", "b", "c"],
  ["LPUSHX", "l", "d", "e"],
  ["RPOP", "l", 3],
  ["LPOP", "l", INT64_MAX],
  ["RPUSH", "l", "a"],
  ...each(["-1", INT64_MIN, ...noNumbers], (n) => [["LPOP", "l", n]]),
  ["LRANGE", "l", 0, -1],
];

const ranges: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", ...Array.from({ length: 10 }, (_, i) => i)],
  ...each([0, 1, 5, 9, 10, 11, -1, -5, -10, -11, INT64_MAX, INT64_MIN, ...noNumbers], (n) => [
    ["LINDEX", "l", n],
    ["LRANGE", "l", n, -1],
    ["LRANGE", "l", 0, n],
    ["LRANGE", "l", n, 3],
    ["LRANGE", "l", n, n],
    ["COPY", "l", "m"],
    ["LTRIM", "m", n, -2],
    ["LRANGE", "m", 0, -1],
    ["LTRIM", "m", 1, n],
    ["LRANGE", "m", 0, -1],
    ["LSET", "m", n, "new"],
    ["LRANGE", "m", 0, -1],
    ["DEL", "m"],
  ]),
];

const middle: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", "a", "b", "c", "a", "b", "c", 12, "a"],
  ["LINSERT", "l", "before", "c", "x"],
  ["LINSERT", "l", "AFTER", "a", "y"],
  ["LINSERT", "l", "AFTER", 12, "012"],
  ["LINSERT", "l", "BEFORE", "12", "z"],
  ["LINSERT", "l", "BEFORE", "none", "z"],
  ["LRANGE", "l", 0, -1],
  ["LSET", "l", 2, "set"],
  ["LSET", "l", -1, 77],
  ["LRANGE", "l", 0, -1],
  ["LREM", "l", 1, "b"],
  ["LREM", "l", -1, "a"],
  ["LREM", "l", 0, "c"],
  ["LREM", "l", 0, "none"],
  ["LREM", "l", 5, 12],
  ["LREM", "l", INT64_MIN, "x"],
  ["LREM", "l", INT64_MAX, "set"],
  ["LRANGE", "l", 0, -1],
  ["RPUSH", "same", "a", "a", "a", "b", "a"],
  ["LREM", "same", -2, "a"],
  ["LRANGE", "same", 0, -1],
  ["LREM", "same", 0, "b"],
  ["LREM", "same", 0, "a"],
  ["EXISTS", "same"],
  ...each(noNumbers, (n) => [["LREM", "l", n, "a"]]),
];

const positions: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", "a", "b", "c", 1, 2, 3, "c", "c"],
  ["LPOS", "l", "c"],
  ["LPOS", "l", 3],
  ["LPOS", "l", "none"],
  ["LPOS", "l", "none", "COUNT", 2],
  ...each([1, 2, 3, 4, -1, -2, -3, -4, 0, INT64_MAX, `-${INT64_MAX}`, ...noNumbers], (n) => [
    ["LPOS", "l", "c", "RANK", n],
    ["LPOS", "l", "c", "RANK", n, "COUNT", 0],
    ["LPOS", "l", "c", "count", 2, "rank", n],
    ["LPOS", "l", "c", "RANK", n, "MAXLEN", 3],
    ["LPOS", "l", "c", "RANK", n, "COUNT", 0, "MAXLEN", 7],
    ["LPOS", "l", "c", "COUNT", n],
    ["LPOS", "l", "c", "MAXLEN", n],
  ]),
  {
    request: ["LPOS", "l", "c", "RANK", INT64_MIN],
    differs: "7.2 refuses the one rank that cannot be turned round",
  },
  ["LPOS", "l", "c", "RANK"],
  ["LPOS", "l", "c", "FOO", 1],
  ["LPOS", "l", "c", "RANK", 1, "RANK", 2],
];

const moves: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", 1, 2, 3],
  ...each(["LEFT", "RIGHT"], (from) =>
    each(["left", "right"], (to) => [
      ["LMOVE", "l", "m", from, to],
      ["LMOVE", "m", "m", from, to],
      ["LRANGE", "l", 0, -1],
      ["LRANGE", "m", 0, -1],
    ]),
  ),
  ["LMOVE", "l", "m", "LEFT", "UP"],
  ["LMOVE", "l", "m", "UP", "LEFT"],
  ["LMOVE", "none", "m", "UP", "LEFT"],
  ["RPOPLPUSH", "m", "n"],
  ["RPOPLPUSH", "n", "n"],
  ["RPOPLPUSH", "n", "m"],
  ["EXISTS", "n", "l"],
  ["LMPOP", 3, "none", "m", "l", "LEFT"],
  ["LMPOP", 1, "m", "RIGHT", "COUNT", 2],
  ["LMPOP", 1, "m", "right", "count", 10],
  ["LRANGE", "m", 0, -1],
  ["RPUSH", "m", 1],
  ...each([0, -1, 2, INT64_MAX, ...noNumbers], (n) => [
    ["LMPOP", n, "m", "LEFT"],
    ["LMPOP", 1, "none", "LEFT", "COUNT", n],
    ["BLMPOP", 0, n, "m", "LEFT"],
  ]),
  ["LMPOP", 1, "m", "UP"],
  ["LMPOP", 1, "m", "LEFT", "COUNT"],
  ["LMPOP", 1, "m", "LEFT", "COUNT", 1, "COUNT", 1],
  ["LMPOP", 1, "m", "LEFT", "FOO", 1],
];

/** What need not wait, or may not. */
const blocking: Transcript = [
  ["FLUSHALL"],
  ["RPUSH", "l", 1, 2, 3, 4, 5, 6, 7],
  ["BLPOP", "none", "l", 0],
  ["BRPOP", "l", "none", "0.5"],
  ["BLMOVE", "l", "m", "LEFT", "RIGHT", 0],
  ["BRPOPLPUSH", "l", "m", 0],
  ["BLMPOP", 0, 2, "none", "l", "RIGHT", "COUNT", 2],
  ["LRANGE", "l", 0, -1],
  ["LRANGE", "m", 0, -1],
  ...each(["-1", "x", "", "nan", "0x10", "0.1", "1e9"], (n) => [
    ["BLPOP", "l", n],
    ["RPUSH", "l", "again"],
    ["BLMOVE", "l", "l", "LEFT", "LEFT", n],
    ["BRPOPLPUSH", "l", "l", n],
    ["BLMPOP", n, 1, "l", "LEFT"],
    ["RPUSH", "l", "again"],
  ]),
  ...each(["inf", INT64_MAX], (n) => [
    { request: ["BLPOP", "l", n], differs: "7.0 overflows where 7.2 says so" },
  ]),
  ["DEL", "l"],
  ["MULTI"],
  ["BLPOP", "l", 0],
  ["BRPOP", "l", "x"],
  ["BLMOVE", "l", "m", "LEFT", "RIGHT", 0],
  ["BRPOPLPUSH", "l", "m", 0],
  ["BLMPOP", 0, 1, "l", "LEFT"],
  ["RPUSH", "l", 1],
  ["BLPOP", "l", 0],
  ["EXEC"],
];

/** Every command on a list of these limits, elements of all forms in it. */
function underLimits(fill: number, depth: number): Transcript {
  return [
    ["FLUSHALL"],
    ["CONFIG", "SET", "list-max-listpack-size", fill, "list-compress-depth", depth],
    ...each(values, (value) => [
      ["RPUSH", "l", value],
      ["LPUSH", "l", value, "x"],
      ["LPOS", "l", value],
      ["LINDEX", "l", -1],
      ["LINDEX", "l", 1],
      ["LINSERT", "l", "AFTER", value, `${value}`.slice(0, 70)],
    ]),
    ["LRANGE", "l", 0, -1],
    ["LRANGE", "l", 7, 100],
    ["LPOP", "l", 3],
    ["RPOP", "l", 3],
    ...each(values, (value) => [
      ["LSET", "l", 20, value],
      ["LSET", "l", -20, value],
      ["LINDEX", "l", 20],
      ["LREM", "l", -1, value],
      ["LMOVE", "l", "l", "RIGHT", "LEFT"],
      ["LMOVE", "l", "m", "LEFT", "RIGHT"],
    ]),
    ["LRANGE", "l", 0, -1],
    ["LRANGE", "m", 0, -1],
    ["LREM", "l", 0, "x"],
    ["LTRIM", "l", 5, -5],
    ["LRANGE", "l", 0, -1],
    ["COPY", "l", "copy"],
    ["RPUSH", "l", "other"],
    ["LRANGE", "copy", 0, -1],
    ["DEBUG", "RELOAD"],
    ["LRANGE", "l", 0, -1],
    ["DEBUG", "DIGEST"],
    ["LTRIM", "l", 1, 0],
    ["EXISTS", "l"],
  ];
}

const limits: Transcript = [
  ...underLimits(-2, 0),
  ...underLimits(-1, 1),
  ...underLimits(4, 1),
  ...underLimits(1, 2),
  ...underLimits(0, 0),
  ["CONFIG", "SET", "list-max-listpack-size", -2, "list-compress-depth", 0],
  ["RPUSH", "big", ...Array.from({ length: 5000 }, (_, i) => `element:${i}`)],
  ["OBJECT", "ENCODING", "big"],
  ["LINDEX", "big", 2500],
  ["LRANGE", "big", 2400, 2600],
  ["LPOS", "big", "element:4000"],
  ["LINSERT", "big", "BEFORE", "element:2500", "new"],
  ["LREM", "big", 0, "element:3000"],
  ["LTRIM", "big", 100, -100],
  ["LLEN", "big"],
  ["FLUSHALL"],
];

export const transcript: Transcript = [
  ...arity,
  ...missing,
  ...wrongType,
  ...ends,
  ...ranges,
  ...middle,
  ...positions,
  ...moves,
  ...blocking,
  ...limits,
];
