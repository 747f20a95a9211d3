/** The bitmap group: bits and integers in strings of every encoding, ranges, widths, overflows. */
import type { Transcript, TranscriptRequest } from "./transcript.ts";

const INT64_MAX = "9223372036854775807";
const INT64_MIN = "-9223372036854775808";
const noOffsets = [
  "-1",
  "x",
  "",
  "1.5",
  "01",
  " 1",
  "4294967296",
  INT64_MAX,
  "9223372036854775808",
];

function each<T>(values: readonly T[], requests: (value: T) => Transcript): Transcript {
  return values.flatMap((value) => requests(value));
}

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(
    ["SETBIT", "GETBIT", "BITCOUNT", "BITPOS", "BITOP", "BITFIELD", "BITFIELD_RO"],
    (name) => [
      [name],
      [name, "k"],
      [name, "k", 1],
      [name, "k", 1, 1, 1],
      [name, "k", 1, 1, 1, 1],
      ["DEL", "k"],
    ],
  ),
];

const wrongType: Transcript = [
  ["HSET", "h", "f", "v"],
  ["SETBIT", "h", 1, 1],
  ["SETBIT", "h", "x", 1],
  ["SETBIT", "h", 1, 2],
  ["GETBIT", "h", 1],
  ["GETBIT", "h", "x"],
  ["BITCOUNT", "h"],
  ["BITCOUNT", "h", "x", "y"],
  ["BITCOUNT", "h", 0],
  ["BITPOS", "h", 1],
  ["BITPOS", "h", 2],
  ["BITPOS", "h", "x"],
  ["BITPOS", "h", 1, "x"],
  ["BITOP", "AND", "to", "none", "h"],
  ["BITOP", "FOO", "to", "h"],
  ["BITOP", "NOT", "to", "h", "h"],
  ["BITOP", "NOT", "h", "none"],
  ["EXISTS", "h"],
  ["HSET", "h", "f", "v"],
  ["BITFIELD", "h"],
  ["BITFIELD", "h", "GET", "u8", 0],
  ["BITFIELD", "h", "SET", "u8", 0, 1],
  ["BITFIELD", "h", "SET", "u8", 0, "x"],
  ["BITFIELD_RO", "h", "GET", "u8", 0],
  ["BITFIELD_RO", "h", "SET", "u8", 0, 1],
  ["BITOP", "OR", "h", "h"],
];

const single: Transcript = [
  ["FLUSHALL"],
  ...each(noOffsets, (offset) => [
    ["SETBIT", "k", offset, 1],
    ["GETBIT", "k", offset],
  ]),
  ...each(["2", "-1", "x", "", "01", "4294967297"], (bit) => [["SETBIT", "k", 1, bit]]),
  ["SETBIT", "k", 7, 0],
  ["OBJECT", "ENCODING", "k"],
  ["SETBIT", "k", 7, 1],
  ["SETBIT", "k", 7, 1],
  ["SETBIT", "k", 100, 1],
  ["GET", "k"],
  ["GETBIT", "k", 100],
  ["GETBIT", "k", 101],
  ["GETBIT", "k", 104],
  ["GETBIT", "k", 4294967295],
  ["GETBIT", "none", 4294967295],
  ["SETBIT", "k", 100, 0],
  ["GET", "k"],
  ...each(["12", "-9000000000000000000", "text", "t".repeat(100), "t".repeat(600), ""], (text) => [
    ["SET", "s", text, "PX", 100_000],
    ["GETBIT", "s", 3],
    ["SETBIT", "s", 3, 1],
    ["OBJECT", "ENCODING", "s"],
    ["SETBIT", "s", 3, 0],
    ["GET", "s"],
    ["SET", "s", text],
    // As it was, but raw.
    ["SETBIT", "s", 3, 1],
    ["SETBIT", "s", 5000, 1],
    ["STRLEN", "s"],
    ["BITCOUNT", "s"],
    ["GET", "s"],
  ]),
];

const ranges = [0, 1, 9, 17, 100, -1, -7, -9, -100];
const texts = ["", "\xff", "\x0f\xf0\x01", "12345", "\0\0\0\x80\0"];
const long = `${"\xff".repeat(40)}\x7f${"\0".repeat(39)}`;

const counted: Transcript = [
  ["FLUSHALL"],
  ["BITCOUNT", "none"],
  ["BITCOUNT", "none", "x"],
  ["BITCOUNT", "none", "x", "y", "z"],
  ["BITPOS", "none", 0],
  ["BITPOS", "none", 1],
  ["BITPOS", "none", 1, "x"],
  ["BITPOS", "none", 0, 5, 6, "FOO"],
  ["SET", "k", "text"],
  ["BITCOUNT", "k", 0],
  ["BITCOUNT", "k", "x", "y", "FOO"],
  ["BITCOUNT", "k", 0, "y", "FOO"],
  ["BITCOUNT", "k", 0, 1, "FOO"],
  ["BITCOUNT", "k", 0, 1, "BIT", "BIT"],
  ["BITCOUNT", "k", INT64_MIN, INT64_MAX],
  ["BITCOUNT", "k", INT64_MIN, INT64_MAX, "BIT"],
  ["BITCOUNT", "k", INT64_MAX, INT64_MIN, "byte"],
  ["BITPOS", "k", 1, INT64_MIN, INT64_MAX],
  ["BITPOS", "k", 1, INT64_MIN, INT64_MAX, "BIT"],
  ["BITPOS", "k", 0, INT64_MAX, INT64_MIN, "byte"],
  ["BITPOS", "k", 1, "x", "y", "FOO"],
  ["BITPOS", "k", 1, 0, "y", "FOO"],
  ["BITPOS", "k", 1, 0, "y", "BIT"],
  ["BITPOS", "k", 1, 0, 1, "BIT", "BIT"],
  ["BITPOS", "k", 1, "x", "y", "BIT", "BIT"],
  ["BITPOS", "k", "2"],
  ["BITPOS", "k", "x"],
  ...each([...texts, long, "\xff".repeat(700), "\0".repeat(700)], (text) => [
    ["SET", "k", text],
    ["BITCOUNT", "k"],
    ["BITPOS", "k", 0],
    ["BITPOS", "k", 1],
    ...each(ranges, (first) => [
      ["BITPOS", "k", 0, first],
      ["BITPOS", "k", 1, first],
      ...each(ranges, (last) =>
        each(["BYTE", "BIT"], (unit) => [
          ["BITCOUNT", "k", first, last, unit],
          ["BITPOS", "k", 0, first, last, unit],
          ["BITPOS", "k", 1, first, last, unit],
        ]),
      ),
    ]),
  ]),
];

const sources = [
  ["a"],
  ["a", "b"],
  ["b", "a", "none"],
  ["a", "int", "long"],
  ["long", "b", "long2"],
];

const combined: Transcript = [
  ["FLUSHALL"],
  ["SET", "a", "\x0f\xf0text"],
  ["SET", "b", "\xff\0bin"],
  ["SET", "int", 1234567],
  ["SET", "empty", ""],
  ["SETRANGE", "long", 690, "abcdefghijk"],
  ["SETBIT", "long2", 5555, 1],
  ["BITOP", "NOT", "long3", "long"],
  ...each(["AND", "or", "Xor"], (operation) =>
    each(sources, (names) => [
      ["BITOP", operation, "to", ...names],
      ["GET", "to"],
      ["OBJECT", "ENCODING", "to"],
      ["BITOP", operation, "a2", "long3", ...names],
      ["GET", "a2"],
    ]),
  ),
  ...each(["a", "b", "int", "empty", "none", "long"], (name): TranscriptRequest[] => [
    ["SET", "to", "before", "PX", 100_000],
    ["BITOP", "NOT", "to", name],
    ["GET", "to"],
    ["TTL", "to"],
  ]),
  ["BITOP", "NOT", "a", "a"],
  ["BITOP", "AND", "b", "a", "b"],
  ["GET", "b"],
  ["BITOP", "XOR", "b", "b", "b"],
  ["GET", "b"],
  ["BITOP", "AND", "b", "none"],
  ["EXISTS", "b"],
  ["BITOP", "AND", "b", "none", "empty"],
  ["BITOP", "NOT", "to", "a", "b"],
  ["BITOP", "NAND", "to", "a", "b"],
];

const types = ["u0", "u1", "u63", "u64", "i0", "i1", "i64", "i65", "u", "i", "", "x8", "U8", "I8"];
const otherTypes = ["u08", "u-1", "u8 ", "u8x", "u100", "i064", "8", "u+8", "i4294967304"];
const fieldOffsets = ["#", "#-1", "#x", "#01", "##1", "-1", "x", "", "#9223372036854775807"];

const refused: Transcript = [
  ["FLUSHALL"],
  ["SET", "k", "some text"],
  ...each([...types, ...otherTypes], (type) => [
    ["BITFIELD", "k", "GET", type, 0],
    ["BITFIELD_RO", "k", "GET", type, 0],
  ]),
  ...each([...fieldOffsets, ...noOffsets], (offset) => [
    ["BITFIELD", "k", "GET", "u8", offset],
    ["BITFIELD", "k", "SET", "u8", offset, 1],
  ]),
  // Redis multiplies in 64 bits.
  ["BITFIELD", "k", "GET", "u8", "#2305843009213693953"],
  ["BITFIELD", "k", "GET", "u8", "#536870912"],
  ["BITFIELD", "k", "SET", "u8", 0, "x"],
  ["BITFIELD", "k", "SET", "u8", 0, "9223372036854775808"],
  ["BITFIELD", "k", "INCRBY", "u8", 0, "1.5"],
  ["BITFIELD", "k", "SET", "u8", 0],
  ["BITFIELD", "k", "GET", "u8"],
  ["BITFIELD", "k", "GET"],
  ["BITFIELD", "k", "FOO", "u8", 0],
  ["BITFIELD", "k", "OVERFLOW"],
  ["BITFIELD", "k", "OVERFLOW", "FOO"],
  ["BITFIELD", "k", "OVERFLOW", "sat"],
  ["BITFIELD", "k", "GET", "u8", 0, "OVERFLOW"],
  ["BITFIELD", "k", "SET", "u8", 0, 1, "GET", "u8", "x"],
  ["BITFIELD_RO", "k", "SET", "u8", 0, 1],
  ["BITFIELD_RO", "k", "OVERFLOW", "SAT", "GET", "u8", 0],
  ["BITFIELD_RO", "k", "GET", "u8", 0, "INCRBY", "u8", 0, 1],
  ["BITFIELD_RO", "k", "INCRBY", "u8", 0, "x"],
  ["BITFIELD", "k"],
  ["BITFIELD", "none"],
  ["BITFIELD", "none", "GET", "u8", 100, "GET", "i64", "#3"],
  ["EXISTS", "none"],
  ["GET", "k"],
  ...each(
    ["GET u8 0", "SET u8 0 1", "OVERFLOW SAT", "GET u8 0 GET", "FOO", "GET GET GET"],
    (words) => [["COMMAND", "GETKEYSANDFLAGS", "BITFIELD", "k", ...words.split(" ")]],
  ),
];

const widths = ["u1", "u5", "u8", "u31", "u32", "u33", "u54", "u63"];
const signedWidths = ["i1", "i8", "i31", "i32", "i33", "i54", "i63", "i64"];
const values = ["0", "1", "-1", "127", "128", "-128", "-129", "255", "2147483647", "2147483648"];
const moreValues = [
  "-2147483649",
  "4294967295",
  "4294967296",
  "9007199254740993",
  INT64_MAX,
  INT64_MIN,
];

const fields: Transcript = [
  ["FLUSHALL"],
  ...each(["WRAP", "SAT", "FAIL"], (overflow) =>
    each([...widths, ...signedWidths], (type) => [
      ["SET", "k", "\x12\x34\x56\x78\x9a\xbc\xde\xf0\xff\xee\xdd\xcc"],
      ...each([...values, ...moreValues], (value): TranscriptRequest[] => [
        ["BITFIELD", "k", "OVERFLOW", overflow, "SET", type, 3, value, "GET", type, 3],
        ["BITFIELD", "k", "OVERFLOW", overflow, "INCRBY", type, 3, value, "GET", type, "#1"],
      ]),
      ["GET", "k"],
    ]),
  ),
  ["BITFIELD", "k", "SET", "u8", 0, 255, "overflow", "fail", "INCRBY", "u8", 0, 1, "GET", "u8", 0],
  ["BITFIELD", "k", "INCRBY", "u8", 0, 1, "OVERFLOW", "SAT", "INCRBY", "i8", 0, -500],
  ["DEL", "k"],
  // The string grows though nothing is written.
  ["BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u4", 100, 16],
  ["STRLEN", "k"],
  ["BITFIELD", "k", "INCRBY", "u4", 200, 0, "GET", "i64", 150],
  ["STRLEN", "k"],
  ["SET", "k", 12],
  ["BITFIELD", "k", "GET", "u16", 0, "SET", "u8", 0, 49],
  ["OBJECT", "ENCODING", "k"],
  ["GET", "k"],
];

export const transcript: Transcript = [
  ...arity,
  ...wrongType,
  ...single,
  ...counted,
  ...combined,
  ...refused,
  ...fields,
];
