/**
 * RDB files of every version that Redis has written, built by hand: each has a key in every form that its
 * time knew, so a file of version 9 has what versions 1 to 9 brought.
 *
 *      version  Redis  brought
 *      1        2.0    strings, lists, sets, sorted sets with scores as text, hashes, seconds to live
 *      2        2.4    zipmaps, ziplists (lists, sorted sets), intsets
 *      3        2.6    milliseconds to live
 *      4        2.6    ziplists (hashes)
 *      5, 6     2.6    a checksum at the end
 *      7        3.2    quicklists of ziplists, facts, sizes of tables
 *      8        4.0    sorted sets with scores as doubles, lengths of 64 bits
 *      9        5.0    streams, how long keys were idle, how frequent
 *      10       7.0    listpacks (hashes, sorted sets, lists), streams with offsets, functions
 *      11       7.2    listpacks (sets), streams with when consumers were active
 *      12       7.4    hashes of which fields expire, as a listpack and as a table
 */

/** One key, or what stands before one. */
interface Piece {
  /** The version that brought it. */
  readonly since: number;
  /** Bytes and texts, one character a byte. */
  readonly bytes: readonly (number | string)[];
  /** Requests, and the replies that both servers give when the file is loaded. */
  readonly says: readonly (readonly [request: readonly (string | number)[], reply: unknown])[];
}

/** When keys of these files expire: not soon. Seconds of old files end in 2038. */
const EXPIRY_SECONDS = 2_000_000_000;

function flat(parts: readonly (number | string)[]): number[] {
  return parts.flatMap((part) =>
    typeof part === "number" ? [part] : Array.from(part, (each) => each.charCodeAt(0)),
  );
}

const little = (value: number | bigint, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const double = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];
const wide = (value: number | bigint) => [0x81, ...little(value, 8).reverse()];

/** A string behind its length. */
function text(parts: string | readonly number[]): number[] {
  const bytes = typeof parts === "string" ? flat([parts]) : parts;
  if (bytes.length < 64) return [bytes.length, ...bytes];
  return [0x40 | (bytes.length >> 8), bytes.length & 255, ...bytes];
}

/** Short strings, and numbers from 0 to 127. */
function listpack(...elements: readonly (string | number)[]): number[] {
  const body = elements.flatMap((each) =>
    typeof each === "number" ? [each, 1] : [0x80 | each.length, ...flat([each]), each.length + 1],
  );
  return [...little(body.length + 7, 4), ...little(elements.length, 2), ...body, 0xff];
}

/** Short strings. */
function ziplist(...elements: readonly string[]): number[] {
  const body: number[] = [];
  let previous = 0;
  let tail = 10;
  for (const each of elements) {
    tail = 10 + body.length;
    body.push(previous, each.length, ...flat([each]));
    previous = each.length + 2;
  }
  return [
    ...little(body.length + 11, 4),
    ...little(tail, 4),
    ...little(elements.length, 2),
    ...body,
    0xff,
  ];
}

const id = (ms: number, sequence: number) => [
  ...little(ms, 8).reverse(),
  ...little(sequence, 8).reverse(),
];

/** A stream of two entries, with a group that has given one of them to a consumer. */
function stream(version: 1 | 2 | 3): number[] {
  const entries = [2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 0, 1, "w", 4] as const;
  const offsets = version === 1 ? [] : [5, 1, 0, 0, 2];
  const group = [...text("g"), 5, 1, ...(version === 1 ? [] : [1])];
  const pending = [1, ...id(5, 1), ...little(1000, 8), 3];
  const times = [...little(1000, 8), ...(version === 3 ? little(900, 8) : [])];
  const consumer = [1, ...text("c"), ...times, 1, ...id(5, 1)];
  return [
    ...[1, ...text(id(5, 1)), ...text(listpack(...entries))],
    ...[2, 5, 2, ...offsets],
    ...[1, ...group, ...pending, ...consumer],
  ];
}

const streamSays = (key: string) =>
  [
    [
      ["XRANGE", key, "-", "+"],
      [
        ["5-1", ["f", "v"]],
        ["5-2", ["f", "w"]],
      ],
    ],
    [
      ["XPENDING", key, "g"],
      [1, "5-1", "5-1", [["c", "1"]]],
    ],
  ] as const;

const LIBRARY =
  "#!lua name=l\nredis.register_function{function_name='f', callback=function() return 7 end, flags={'no-writes'}}";

const pieces: readonly Piece[] = [
  { since: 10, bytes: [0xf5, ...text(LIBRARY)], says: [[["FCALL_RO", "f", 0], 7]] },
  { since: 7, bytes: [0xfa, ...text("redis-ver"), ...text("3.2.0")], says: [] },
  { since: 1, bytes: [0xfe, 0], says: [] },
  { since: 7, bytes: [0xfb, 40, 2], says: [] },
  {
    since: 1,
    bytes: [0, ...text("raw"), ...text("te\0\xff")],
    says: [[["GET", "raw"], "te\0\xff"]],
  },
  { since: 1, bytes: [0, ...text(""), ...text("")], says: [[["GET", ""], ""]] },
  { since: 1, bytes: [0, ...text("int8"), 0xc0, 0xfb], says: [[["GET", "int8"], "-5"]] },
  { since: 1, bytes: [0, ...text("int16"), 0xc1, 0, 0x80], says: [[["GET", "int16"], "-32768"]] },
  {
    since: 1,
    bytes: [0, 0xc2, 1, 0, 0, 0x80, 0xc2, 0xff, 0xff, 0xff, 0x7f],
    says: [[["GET", "-2147483647"], "2147483647"]],
  },
  {
    since: 1,
    bytes: [0, ...text("lzf"), 0xc3, 5, 30, 0, "a", 0xe0, 20, 0],
    says: [[["GET", "lzf"], "a".repeat(30)]],
  },
  {
    since: 1,
    bytes: [1, ...text("list"), 3, ...text("a"), 0xc0, 7, ...text("a")],
    says: [
      [
        ["LRANGE", "list", 0, -1],
        ["a", "7", "a"],
      ],
    ],
  },
  {
    since: 1,
    bytes: [2, ...text("set"), 2, ...text("a"), ...text("b")],
    says: [
      [
        ["SMISMEMBER", "set", "a", "b", "c"],
        [1, 1, 0],
      ],
    ],
  },
  {
    since: 1,
    bytes: [
      3,
      ...text("zset"),
      3,
      ...text("a"),
      ...text("1.5"),
      ...text("b"),
      254,
      ...text("c"),
      255,
    ],
    says: [
      [
        ["ZRANGE", "zset", 0, -1, "WITHSCORES"],
        ["c", "-inf", "a", "1.5", "b", "inf"],
      ],
    ],
  },
  {
    since: 1,
    bytes: [4, ...text("hash"), 2, ...text("f"), ...text("v"), ...text("g"), 0xc0, 9],
    says: [
      [
        ["HMGET", "hash", "f", "g", "h"],
        ["v", "9", null],
      ],
    ],
  },
  {
    since: 1,
    bytes: [0xfd, ...little(EXPIRY_SECONDS, 4), 0, ...text("seconds"), ...text("v")],
    says: [[["PEXPIRETIME", "seconds"], EXPIRY_SECONDS * 1000]],
  },
  {
    since: 2,
    bytes: [9, ...text("zipmap"), ...text([1, ...text("f"), 2, 1, ...flat(["vw", 0]), 0xff])],
    says: [
      [
        ["HGETALL", "zipmap"],
        ["f", "vw"],
      ],
    ],
  },
  {
    since: 2,
    bytes: [10, ...text("ziplist"), ...text(ziplist("a", "b", "a"))],
    says: [
      [
        ["LRANGE", "ziplist", 0, -1],
        ["a", "b", "a"],
      ],
    ],
  },
  {
    since: 2,
    bytes: [11, ...text("intset"), ...text([2, 0, 0, 0, 2, 0, 0, 0, 0xfe, 0xff, 3, 0])],
    says: [
      [
        ["SMISMEMBER", "intset", -2, 3, 4],
        [1, 1, 0],
      ],
    ],
  },
  {
    since: 2,
    bytes: [12, ...text("zziplist"), ...text(ziplist("a", "1.5", "b", "2"))],
    says: [
      [
        ["ZRANGE", "zziplist", 0, -1, "WITHSCORES"],
        ["a", "1.5", "b", "2"],
      ],
    ],
  },
  {
    since: 3,
    bytes: [0xfc, ...little(EXPIRY_SECONDS * 1000 + 7, 8), 0, ...text("ms"), ...text("v")],
    says: [[["PEXPIRETIME", "ms"], EXPIRY_SECONDS * 1000 + 7]],
  },
  {
    since: 4,
    bytes: [13, ...text("hziplist"), ...text(ziplist("f", "v", "g", "w"))],
    says: [
      [
        ["HGETALL", "hziplist"],
        ["f", "v", "g", "w"],
      ],
    ],
  },
  {
    since: 7,
    bytes: [14, ...text("quicklist"), 2, ...text(ziplist("a", "b")), ...text(ziplist("c"))],
    says: [
      [
        ["LRANGE", "quicklist", 0, -1],
        ["a", "b", "c"],
      ],
    ],
  },
  {
    since: 8,
    bytes: [
      5,
      ...text("zset2"),
      2,
      ...text("a"),
      ...double(0.1),
      ...text("b"),
      ...double(-Infinity),
    ],
    says: [
      [
        ["ZRANGE", "zset2", 0, -1, "WITHSCORES"],
        ["b", "-inf", "a", "0.1"],
      ],
    ],
  },
  {
    since: 8,
    bytes: [0, ...wide(4), "wide", ...wide(1), "v"],
    says: [[["GET", "wide"], "v"]],
  },
  { since: 9, bytes: [15, ...text("stream1"), ...stream(1)], says: streamSays("stream1") },
  { since: 9, bytes: [0xf8, 60, 0, ...text("idle"), ...text("v")], says: [[["GET", "idle"], "v"]] },
  { since: 9, bytes: [0xf9, 60, 0, ...text("freq"), ...text("v")], says: [[["GET", "freq"], "v"]] },
  {
    since: 10,
    bytes: [16, ...text("hlistpack"), ...text(listpack("f", "v", "g", 7))],
    says: [
      [
        ["HGETALL", "hlistpack"],
        ["f", "v", "g", "7"],
      ],
    ],
  },
  {
    since: 10,
    bytes: [17, ...text("zlistpack"), ...text(listpack("a", "1.5", "b", 2))],
    says: [
      [
        ["ZRANGE", "zlistpack", 0, -1, "WITHSCORES"],
        ["a", "1.5", "b", "2"],
      ],
    ],
  },
  {
    since: 10,
    bytes: [18, ...text("quicklist2"), 2, 2, ...text(listpack("a", 7)), 1, ...text("plain")],
    says: [
      [
        ["LRANGE", "quicklist2", 0, -1],
        ["a", "7", "plain"],
      ],
    ],
  },
  { since: 10, bytes: [19, ...text("stream2"), ...stream(2)], says: streamSays("stream2") },
  {
    since: 11,
    bytes: [20, ...text("slistpack"), ...text(listpack("a", 7))],
    says: [
      [
        ["SMISMEMBER", "slistpack", "a", 7, 8],
        [1, 1, 0],
      ],
    ],
  },
  { since: 11, bytes: [21, ...text("stream3"), ...stream(3)], says: streamSays("stream3") },
  {
    since: 12,
    bytes: [
      ...[24, ...text("hmetadata"), ...little(EXPIRY_SECONDS * 1000, 8), 2],
      ...[6, ...text("f"), ...text("v"), 0, ...text("g"), ...text("w")],
    ],
    says: [
      [
        ["HPEXPIRETIME", "hmetadata", "FIELDS", 2, "f", "g"],
        [EXPIRY_SECONDS * 1000 + 5, -1],
      ],
    ],
  },
  {
    since: 12,
    bytes: [
      ...[25, ...text("hlistpackex"), ...little(EXPIRY_SECONDS * 1000, 8)],
      ...text(volatileListpack()),
    ],
    says: [
      [
        ["HPEXPIRETIME", "hlistpackex", "FIELDS", 2, "f", "g"],
        [EXPIRY_SECONDS * 1000, -1],
      ],
    ],
  },
  { since: 1, bytes: [0xfe, 15], says: [] },
  { since: 1, bytes: [0, ...text("elsewhere"), ...text("v")], says: [] },
];

/** Fields, values and moments: those of 64 bits, or 0 for none. */
function volatileListpack(): number[] {
  const moment = [0xf4, ...little(EXPIRY_SECONDS * 1000, 8), 9];
  const body = [...flat([0x81, "f", 2, 0x81, "v", 2]), ...moment];
  const rest = flat([0x81, "g", 2, 0x81, "w", 2, 0, 1]);
  const all = [...body, ...rest];
  return [...little(all.length + 7, 4), ...little(6, 2), ...all, 0xff];
}

/** CRC-64 as Redis computes it, bit by bit. */
function checksum(bytes: readonly number[]): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc;
}
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

/** The file of a version, and what is to be found in it. */
export function rdbFile(version: number): { bytes: Uint8Array; says: Piece["says"] } {
  const known = pieces.filter(({ since }) => since <= version);
  const body = flat([
    `REDIS${String(version).padStart(4, "0")}`,
    ...known.flatMap(({ bytes }) => bytes),
    0xff,
  ]);
  const end = version >= 5 ? little(checksum(body), 8) : [];
  return { bytes: Uint8Array.from([...body, ...end]), says: known.flatMap(({ says }) => says) };
}
