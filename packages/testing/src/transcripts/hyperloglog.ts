/**
 * The HyperLogLog group: sketches sparse and dense, the strings that they are byte for byte, counts
 * that are noted in them, and strings that are none.
 */
import type { Transcript } from "./transcript.ts";

const HEADER = "HYLL\x01\0\0\0";
const EMPTY = `${HEADER}${"\0".repeat(8)}`;

function each<T>(values: readonly T[], requests: (value: T) => Transcript): Transcript {
  return values.flatMap((value) => requests(value));
}

/** Words that nobody has used, so many from a number on. */
function words(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `element:${from + at}`);
}

const show: Transcript = [
  ["GET", "h"],
  ["PFDEBUG", "ENCODING", "h"],
  ["PFCOUNT", "h"],
  ["GET", "h"],
  ["PFCOUNT", "h"],
];

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(["PFADD", "PFCOUNT", "PFMERGE", "PFDEBUG", "PFSELFTEST"], (name) => [
    [name],
    [name, "k"],
    [name, "k", "a"],
    [name, "k", "a", "b"],
  ]),
  ["DEL", "k"],
];

const growing: Transcript = [
  ["CONFIG", "SET", "hll-sparse-max-bytes", 3000],
  ["PFCOUNT", "none"],
  ["PFCOUNT", "none", "none"],
  ["PFADD", "h"],
  ...show,
  ["PFADD", "h"],
  ["PFADD", "h", ""],
  ["PFADD", "h", "", "a", "a", "b"],
  ...show,
  ["PFADD", "h", "a"],
  ["PFADD", "h", "x".repeat(7), "x".repeat(8), "x".repeat(9), "\xff\0\r\n", "x".repeat(1000)],
  ...show,
  ["PFDEBUG", "DECODE", "h"],
  // Into the hundreds, where runs are split and joined, and on until it is dense.
  ...each(
    [1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600, 5000],
    (count): Transcript => [
      ["PFADD", "h", ...words(count * 10, count)],
      ["GET", "h"],
      ["PFCOUNT", "h"],
      ["PFDEBUG", "ENCODING", "h"],
      ["STRLEN", "h"],
    ],
  ),
  ["PFDEBUG", "GETREG", "h"],
  ["OBJECT", "ENCODING", "h"],
  ["PFADD", "h", ...words(5, 10)],
  ...show,
];

const limits: Transcript = each(
  [0, 15, 20, 100, 1000, 16000],
  (limit): Transcript => [
    ["CONFIG", "SET", "hll-sparse-max-bytes", limit],
    ["DEL", "h"],
    ["PFADD", "h", "a"],
    ...show,
    ...each([3, 30, 300], (count): Transcript => [["PFADD", "h", ...words(0, count)], ...show]),
    ["PFMERGE", "h2", "h"],
    ["GET", "h2"],
    ["DEL", "h2"],
  ],
);

const merging: Transcript = [
  ["CONFIG", "SET", "hll-sparse-max-bytes", 3000],
  ["FLUSHALL"],
  ["PFMERGE", "h"],
  ...show,
  ["PFADD", "a", ...words(0, 30)],
  ["PFADD", "b", ...words(20, 300)],
  ["PFADD", "c", ...words(200, 4000)],
  ["PFCOUNT", "a", "b"],
  ["PFCOUNT", "a", "none", "c"],
  ["PFCOUNT", "c", "c"],
  ["PFMERGE", "h", "a", "b", "none"],
  ...show,
  ["PFMERGE", "h", "a"],
  ...show,
  ["PFMERGE", "a", "c"],
  ["GET", "a"],
  ["PFMERGE", "h", "c"],
  ...show,
  ["PFMERGE", "h", "none"],
  ...show,
  ["SET", "s", "text"],
  ["PFMERGE", "h", "s"],
  ["PFMERGE", "s", "h"],
  ["PFMERGE", "new", "h", "s"],
  ["EXISTS", "new"],
  ["PFCOUNT", "h", "s"],
  ["PFMERGE", "new", "b"],
  ["PEXPIRE", "new", 100_000],
  ["PFMERGE", "new", "c"],
  ["PFADD", "b", "one more"],
  ["GET", "new"],
  ["PFDEBUG", "TODENSE", "b"],
  ["GET", "b"],
  ["PFDEBUG", "TODENSE", "b"],
  ["PFDEBUG", "DECODE", "b"],
  ["PFDEBUG", "FOO", "b"],
  ["PFDEBUG", "FOO", "none"],
  ["PFDEBUG", "GETREG", "s"],
  ["PFADD", "b2", "x"],
  ["PFDEBUG", "getreg", "b2"],
  ["PFDEBUG", "encoding", "b2"],
];

const strangers = [
  "",
  "HYLL",
  "HYLL\x01\0\0\0\0\0\0\0\0\0\0",
  "HYLX\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff",
  "HYLL\x02\0\0\0\0\0\0\0\0\0\0\0\x7f\xff",
  "HYLL\0\0\0\0\0\0\0\0\0\0\0\0\x7f\xff",
  `HYLL\0\0\0\0${"\0".repeat(8 + 12287)}`,
  `HYLL\0\0\0\0${"\0".repeat(8 + 12289)}`,
];

/** Headers of sketches with too few registers, too many, or none; the count is void. */
const broken = [
  "",
  "\x7f",
  "\x7f\xfe",
  "\x3f",
  "\x7f\xff\0",
  "\x7f\xff\x7f\xff",
  "\x7f\xfe\x80\0",
  "\x7f\xff\x80",
  "\x7f\xf0\xff\xff\xff\xff\xff",
  "\xff".repeat(5000),
];

const hostile: Transcript = [
  ["FLUSHALL"],
  ...each(
    strangers,
    (text): Transcript => [
      ["SET", "s", text],
      ["PFADD", "s", "a"],
      ["PFCOUNT", "s"],
      ["PFCOUNT", "none", "s"],
      ["PFMERGE", "m", "s"],
      ["PFMERGE", "s", "none"],
      ["PFDEBUG", "ENCODING", "s"],
    ],
  ),
  ...each(
    broken,
    (runs): Transcript => [
      ["SET", "s", `${HEADER}${"\0".repeat(7)}\x80${runs}`],
      ["PFCOUNT", "s"],
      ["PFCOUNT", "s", "none"],
      ["PFMERGE", "m", "s"],
      ["PFDEBUG", "TODENSE", "s"],
      ["PFDEBUG", "GETREG", "s"],
      ["GET", "s"],
    ],
  ),
  // A count that is noted is believed, also of what holds no registers.
  ["SET", "s", `${HEADER}\x01\x02\x03\0\0\0\0\0`],
  ["PFCOUNT", "s"],
  ["SET", "s", `${HEADER}${"\xff".repeat(7)}\x7f`],
  ["PFCOUNT", "s"],
  // Registers higher than any hash makes them.
  ["SET", "s", `HYLL\0\0\0\0${"\0".repeat(7)}\x80${"\xff".repeat(12288)}`],
  ["PFCOUNT", "s"],
  ["PFCOUNT", "s", "none"],
  ["PFADD", "s", "a", "b", "c"],
  ["SET", "s", `${EMPTY}\x7f\xff`],
  ["OBJECT", "ENCODING", "s"],
  ["PFCOUNT", "s"],
  ["OBJECT", "ENCODING", "s"],
  ["HSET", "hash", "f", "v"],
  ["PFADD", "hash", "a"],
  ["PFCOUNT", "hash"],
  ["PFMERGE", "m", "hash"],
  ["PFMERGE", "hash", "m"],
  ["PFDEBUG", "GETREG", "hash"],
];

export const transcript: Transcript = [...arity, ...growing, ...limits, ...merging, ...hostile];
