/** The hash group: both encodings, every option, every refusal, the edges of numbers. */
import type { Transcript } from "./transcript.ts";

const INT64_MAX = "9223372036854775807";
const INT64_MIN = "-9223372036854775808";
const noNumbers = ["", " ", "1 ", " 1", "+1", "01", "-0", "1.0", "0x10", "1e3", "abc", "1\0"];

function each(words: readonly (string | number)[], request: (word: string | number) => Transcript) {
  return words.flatMap((word) => request(word));
}

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(["HSET", "HMSET", "HSETNX", "HGET", "HMGET", "HEXISTS", "HSTRLEN", "HDEL"], (name) => [
    [name],
    [name, "k"],
    [name, "k", "a"],
    [name, "none", "a", "b", "c"],
    ["DEL", "none", "k"],
  ]),
  ...each(["HGETALL", "HKEYS", "HVALS", "HLEN"], (name) => [[name], [name, "k", "a"]]),
  ...each(["HINCRBY", "HINCRBYFLOAT"], (name) => [
    [name],
    [name, "k"],
    [name, "k", "f"],
    [name, "k", "f", 1, 2],
  ]),
  ["HRANDFIELD"],
  ["HSCAN"],
  ["HSCAN", "k"],
];

const missing: Transcript = [
  ["FLUSHALL"],
  ["HGET", "none", "f"],
  ["HMGET", "none", "f", "g"],
  ["HGETALL", "none"],
  ["HKEYS", "none"],
  ["HVALS", "none"],
  ["HLEN", "none"],
  ["HEXISTS", "none", "f"],
  ["HSTRLEN", "none", "f"],
  ["HDEL", "none", "f", "f"],
  ["HSCAN", "none", 0],
  ["HSCAN", "none", 0, "FOO"],
  ["HSCAN", "none", 0, "COUNT", 0],
  ["HSCAN", "none", "x"],
  ["HRANDFIELD", "none"],
  ["HRANDFIELD", "none", 5],
  ["HRANDFIELD", "none", -5, "WITHVALUES"],
  ["HRANDFIELD", "none", `-${INT64_MAX}`],
  ["EXISTS", "none"],
];

const wrongType: Transcript = [
  ["SET", "s", "string"],
  ["HSET", "s", "f", "v"],
  ["HSET", "s", "f", "v", "g"],
  ["HMSET", "s", "f", "v"],
  ["HSETNX", "s", "f", "v"],
  ["HGET", "s", "f"],
  ["HMGET", "s", "f"],
  ["HGETALL", "s"],
  ["HKEYS", "s"],
  ["HVALS", "s"],
  ["HLEN", "s"],
  ["HEXISTS", "s", "f"],
  ["HSTRLEN", "s", "f"],
  ["HDEL", "s", "f"],
  ["HINCRBY", "s", "f", 1],
  ["HINCRBY", "s", "f", "x"],
  ["HINCRBYFLOAT", "s", "f", 1],
  ["HINCRBYFLOAT", "s", "f", "x"],
  ["HINCRBYFLOAT", "s", "f", "inf"],
  ["HSCAN", "s", 0],
  ["HSCAN", "s", 0, "FOO"],
  ["HSCAN", "s", "x"],
  ["HRANDFIELD", "s"],
  ["HRANDFIELD", "s", 0],
  ["HRANDFIELD", "s", "x"],
];

const fields: Transcript = [
  ["FLUSHALL"],
  ["HSET", "h", "a", 1],
  ["HSET", "h", "a", 2],
  ["HSET", "h", "a", 3, "b", 4, "c", "", "", "empty"],
  ["HSET", "h", "twice", 1, "twice", 2],
  ["HGET", "h", "twice"],
  ["HGETALL", "h"],
  ["HKEYS", "h"],
  ["HVALS", "h"],
  ["HLEN", "h"],
  ["HMGET", "h", "a", "", "none", "c", "a"],
  ["HEXISTS", "h", ""],
  ["HEXISTS", "h", "none"],
  ["HSTRLEN", "h", "a"],
  ["HSTRLEN", "h", "c"],
  ["HSTRLEN", "h", ""],
  ["HSTRLEN", "h", "none"],
  ["HMSET", "h", "a", "x", "d", "y"],
  ["HSETNX", "h", "a", "no"],
  ["HSETNX", "h", "e", "yes"],
  ["HSETNX", "new", "e", "yes"],
  ["HGETALL", "h"],
  ["HDEL", "h", "a", "none", "a", "b"],
  ["HGETALL", "h"],
  ["HDEL", "h", "none"],
  ["HDEL", "h", "c", "", "twice", "d", "e", "gone"],
  ["EXISTS", "h"],
  ["HSET", "h", "\0\r\n\u00ff", "\u00ff\0"],
  ["HGETALL", "h"],
  ["OBJECT", "ENCODING", "h"],
];

/** Values that a listpack stores in different ways, and those that end it. */
const values = [
  ...[0, 127, 128, -1, 4095, 4096, -4096, -4097, 32767, 32768, 8388607, 8388608, 2147483647],
  ...["2147483648", "-2147483649", INT64_MAX, INT64_MIN, "9223372036854775808", "-0", "01", ""],
  ...["v".repeat(62), "v".repeat(63), "v".repeat(64)],
];

const encodings: Transcript = [
  ["FLUSHALL"],
  ...values.flatMap(
    (value): Transcript => [
      ["HSET", "h", value, value],
      ["HGET", "h", value],
      ["HSTRLEN", "h", value],
      ["HEXISTS", "h", `${value}x`],
    ],
  ),
  ["HGETALL", "h"],
  ["OBJECT", "ENCODING", "h"],
  ["HSET", "h", "long", "v".repeat(65)],
  ["OBJECT", "ENCODING", "h"],
  ["HLEN", "h"],
  ...values.flatMap(
    (value): Transcript => [
      ["HGET", "h", value],
      ["HSTRLEN", "h", value],
      ["HDEL", "h", value, value],
    ],
  ),
  ["HGETALL", "h"],
  ["HDEL", "h", "long"],
  ["EXISTS", "h"],
  ["HSET", "h", "f".repeat(65), "v"],
  ["OBJECT", "ENCODING", "h"],
  ["DEL", "h"],
  ["HSET", "big", ...Array.from({ length: 1024 }, (_, i) => (i % 2 === 0 ? `f${i}` : i))],
  ["OBJECT", "ENCODING", "big"],
  ["HSET", "big", "one more", 1],
  ["OBJECT", "ENCODING", "big"],
  ["HLEN", "big"],
  ["HMGET", "big", "f0", "f1022", "f1023", "one more"],
  ["HDEL", "big", "f0", "f2", "f3"],
  ["HLEN", "big"],
  ["HSET", "big", "f4", "x".repeat(3000), "f6", "x".repeat(20000)],
  ["HSTRLEN", "big", "f4"],
  ["HGET", "big", "f4"],
  ["HSET", "big", "f4", "short", "f6", "x".repeat(20001)],
  ["HMGET", "big", "f4", "f6"],
  ["DEL", "big"],
];

const counting: Transcript = [
  ["FLUSHALL"],
  ["HINCRBY", "n", "f", 1],
  ["HINCRBY", "n", "f", -3],
  ["HINCRBY", "n", "g", 0],
  ["HGETALL", "n"],
  ...each(
    [
      ...[0, -1, 1, 2147483648, -2147483649, "9007199254740991", "9007199254740992"],
      ...["9007199254740993", "-9007199254740991", "-9007199254740993"],
      ...[INT64_MAX, INT64_MIN, "9223372036854775806", "-9223372036854775807"],
    ],
    (n) => [
      ["HSET", "n", "f", n],
      ["HINCRBY", "n", "f", 1],
      ["HSET", "n", "f", n],
      ["HINCRBY", "n", "f", -1],
      ["HSET", "n", "f", n],
      ["HINCRBY", "n", "f", n],
      ["HSET", "n", "f", n],
      ["HINCRBY", "n", "f", INT64_MAX],
      ["HSET", "n", "f", n],
      ["HINCRBY", "n", "f", INT64_MIN],
      ["HINCRBY", "none", "f", n],
      ["DEL", "none"],
    ],
  ),
  ...each([...noNumbers, "9223372036854775808", "-9223372036854775809"], (n) => [
    ["HSET", "n", "f", n],
    ["HINCRBY", "n", "f", 1],
    ["HSET", "n", "f", 5],
    ["HINCRBY", "n", "f", n],
    ["HINCRBY", "none", "f", n],
    ["EXISTS", "none"],
  ]),
  ["HSET", "n", "long", "x".repeat(100)],
  ["HINCRBY", "n", "f", 37],
  ["HINCRBY", "n", "long", 37],
  ["HINCRBYFLOAT", "n", "f", "0.5"],
  ["HINCRBYFLOAT", "n", "long", "0.5"],
];

const floats = [
  ...["0", "1", "-1", "0.1", "-0.1", "3.14159265358979323846", "5.0e3", "1e-17", "5e-18", "4e-18"],
  ...["1e17", "1e19", "1e300", "1e4000", "9223372036854775807", "18446744073709551616", "0X1.8p1"],
  ...["-0", "+5", ".5", "5.", "1e-2", "200.00", "inf", "-inf", "Infinity", "nan", "1e5000"],
  ...["1e-5000", "1e4932", "1.18973149535723176502e4932", "1e", ".", "-", "--1", "1..2", "1e-4960"],
];

const floating: Transcript = [
  ["FLUSHALL"],
  ...each([...floats, ...noNumbers], (n) => [
    ["HINCRBYFLOAT", "new", "f", n],
    ["DEL", "new"],
    ["HSET", "h", "f", "10.5", "g", n],
    ["HINCRBYFLOAT", "h", "f", n],
    ["HINCRBYFLOAT", "h", "g", "0.25"],
    ["HINCRBYFLOAT", "h", "g", "-1e10"],
    ["HSET", "h", "g", n],
    ["HINCRBYFLOAT", "h", "g", n],
    ["HINCRBYFLOAT", "h", n, n],
    ["HMGET", "h", "f", "g", n],
    ["HDEL", "h", n],
  ]),
];

const scanning: Transcript = [
  ["FLUSHALL"],
  ["HSET", "h", "a", 1, "b", 2, "ab", 3, "", 4, "*", 5],
  ["HSCAN", "h", 0],
  ["HSCAN", "h", 5],
  ["HSCAN", "h", 0, "COUNT", 1],
  ["HSCAN", "h", 0, "COUNT", INT64_MAX],
  ["HSCAN", "h", 0, "MATCH", "a*"],
  ["HSCAN", "h", 0, "MATCH", "*"],
  ["HSCAN", "h", 0, "MATCH", "**"],
  ["HSCAN", "h", 0, "MATCH", ""],
  ["HSCAN", "h", 0, "MATCH", "[ab]", "count", 3],
  ["HSCAN", "h", 0, "match", "a", "match", "b"],
  ["HSCAN", "h", 0, "match", "*", "match", "b"],
  ["HSCAN", "h", 0, "match", "b", "match", "*"],
  ["HSCAN", "h", 0, "MATCH", "\\*"],
  ["HSCAN", "h", 0, "MATCH"],
  ["HSCAN", "h", 0, "COUNT"],
  ["HSCAN", "h", 0, "TYPE", "hash"],
  ["HSCAN", "h", 0, "FOO", "bar"],
  ["HSCAN", "h", 0, "COUNT", 0, "FOO"],
  ...each([0, -1, INT64_MIN, "9223372036854775808", ...noNumbers], (n) => [
    ["HSCAN", "h", 0, "COUNT", n],
  ]),
  ...each(
    [
      ...["", " ", " 0", "0 ", "-1", "+1", "--1", "+", "-", "a", "1a", "0x1", "1\0", "\0", "a\0"],
      ...["18446744073709551615", "18446744073709551616", "-18446744073709551615"],
      ...[
        "-18446744073709551616",
        "00000000000000000000000000",
        "4294967296",
        "99999999999999999999",
      ],
    ],
    (cursor) => [
      ["HSCAN", "h", cursor],
      ["HSCAN", "none", cursor],
    ],
  ),
];

const random: Transcript = [
  ["FLUSHALL"],
  ["HSET", "one", "f", "v"],
  ["HRANDFIELD", "one"],
  ["HRANDFIELD", "one", 0],
  ["HRANDFIELD", "one", 0, "WITHVALUES"],
  ["HRANDFIELD", "one", 1],
  ["HRANDFIELD", "one", 1, "withvalues"],
  ["HRANDFIELD", "one", 5],
  ["HRANDFIELD", "one", 5, "WITHVALUES"],
  ["HRANDFIELD", "one", INT64_MAX],
  ["HRANDFIELD", "one", -1],
  ["HRANDFIELD", "one", -3],
  ["HRANDFIELD", "one", -3, "WITHVALUES"],
  ["HSET", "few", "a", 1, "b", 2, "c", 3],
  ["HRANDFIELD", "few", 3],
  ["HRANDFIELD", "few", 4, "WITHVALUES"],
  ["HRANDFIELD", "few", "4611686018427387903", "WITHVALUES"],
  ["HRANDFIELD", "few", "4611686018427387904", "WITHVALUES"],
  ["HRANDFIELD", "few", "-4611686018427387904", "WITHVALUES"],
  ["HRANDFIELD", "few", INT64_MIN],
  ["HRANDFIELD", "few", INT64_MIN, "WITHVALUES"],
  ["HRANDFIELD", "few", INT64_MIN, "FOO"],
  ["HRANDFIELD", "few", INT64_MAX, "WITHVALUES"],
  ["HRANDFIELD", "few", 1, "FOO"],
  ["HRANDFIELD", "few", 1, "WITHVALUES", "FOO"],
  ["HRANDFIELD", "few", "x", "FOO"],
  ["HRANDFIELD", "none", 1, "FOO"],
  ...each(noNumbers, (n) => [["HRANDFIELD", "few", n]]),
];

export const transcript: Transcript = [
  ...arity,
  ...missing,
  ...wrongType,
  ...fields,
  ...encodings,
  ...counting,
  ...floating,
  ...scanning,
  ...random,
];
