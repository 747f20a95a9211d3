/** The geo group: thousands of places, every shape, order and form, the edges of the map, refusals. */
import { Chance } from "../chance.ts";
import type { Transcript, TranscriptRequest } from "./transcript.ts";

const names =
  "GEOADD GEOHASH GEOPOS GEODIST GEOSEARCH GEOSEARCHSTORE GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO";

function each<T>(values: readonly T[], requests: (value: T) => Transcript): Transcript {
  return values.flatMap((value) => requests(value));
}

const arity: Transcript = [
  ["FLUSHALL"],
  ...each(names.split(" "), (name) =>
    each([0, 1, 2, 3, 4, 5, 6, 7, 8], (count) => [
      [name, ...Array.from({ length: count }, (_, at) => `${at}`)],
    ]),
  ),
];

const wrongType: Transcript = [
  ["SET", "s", "text"],
  ["GEOADD", "s", 1, 1, "a"],
  ["GEOADD", "s", 1, "x", "a"],
  // What is halfway between two of six digits is the even one.
  ["GEOADD", "s", "1000.0078125", "-1000.0234375", "a"],
  ["GEOHASH", "s", "a"],
  ["GEOPOS", "s", "a"],
  ["GEODIST", "s", "a", "b"],
  ["GEODIST", "s", "a", "b", "x"],
  ["GEOSEARCH", "s", "FROMMEMBER", "a", "BYRADIUS", 1, "m"],
  ["GEOSEARCH", "s", "FOO", "a", "BYRADIUS", 1, "m"],
  ["GEOSEARCHSTORE", "to", "s", "FROMMEMBER", "a", "BYRADIUS", 1, "m"],
  ["GEORADIUS", "s", 1, 1, 1, "x"],
  ["GEORADIUSBYMEMBER", "s", "a", 1, "x"],
];

const sicily: TranscriptRequest[] = [
  ["GEOADD", "g", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"],
  ["GEOADD", "g", 13.583333, 37.316667, "edge1", 17.24151, 38.788135, "edge2"],
];

const adding: Transcript = [
  ["FLUSHALL"],
  ...sicily,
  ["GEOADD", "g", 13.361389, 38.115556, "Palermo"],
  ["GEOADD", "g", "CH", 14, 38, "Palermo", 1, 1, "new"],
  ["GEOADD", "g", "NX", 13.361389, 38.115556, "Palermo", 2, 2, "newer"],
  ["GEOADD", "g", "xx", "ch", 13.361389, 38.115556, "Palermo", 2, 2, "newest"],
  ["GEOADD", "g", "NX", "XX", 1, 1, "a"],
  ["GEOADD", "none", "XX", 1, 1, "a"],
  ["EXISTS", "none"],
  ["GEOADD", "g", 1, 1, "a", 1],
  ["GEOADD", "g", "CH", "CH", "CH"],
  ["GEOADD", "g", 1, 1, "a", 181, 1, "b"],
  ["GEOADD", "g", 1, 1, "a", 1, 85.06, "b"],
  ["GEOADD", "g", "-1e30", "-inf", "b"],
  ["GEOADD", "g", "nan", 1, "b"],
  ["GEOADD", "g", 1, "x", "b"],
  ["GEOADD", "g", "GT", 1, 1, "b"],
  ["GEOADD", "g", 180, 85.05112878, "corner", -180, -85.05112878, "other", 0, 0, "zero"],
  ["GEOADD", "g", "-0.0000001", "-0.0000001", "nearly"],
  ["ZRANGE", "g", 0, -1],
  ["GEOPOS", "g", "Palermo", "none", "corner", "other", "zero", "nearly"],
  ["GEOPOS", "g"],
  ["GEOPOS", "none", "a", "b"],
  ["GEOHASH", "g", "Palermo", "none", "corner", "other", "zero", "nearly"],
  ["GEOHASH", "none", "a"],
  ...each(
    ["", "m", "KM", "ft", "mi", "x"],
    (unit): Transcript => [
      ["GEODIST", "g", "Palermo", "Catania", ...(unit === "" ? [] : [unit])],
      ["GEODIST", "g", "corner", "other", ...(unit === "" ? [] : [unit])],
    ],
  ),
  ["GEODIST", "g", "zero", "zero"],
  ["GEODIST", "g", "zero", "none"],
  ["GEODIST", "g", "none", "zero"],
  ["GEODIST", "none", "a", "b", "km"],
  ["GEODIST", "g", "a", "b", "m", "m"],
  // Scores that no place has.
  [
    "ZADD",
    "odd",
    "-1",
    "a",
    "1.5",
    "b",
    "inf",
    "c",
    "-inf",
    "d",
    "1e18",
    "e",
    "4503599627370496",
    "f",
  ],
  ["GEOPOS", "odd", "a", "b", "e", "f"],
  ["GEOHASH", "odd", "a", "b", "e", "f"],
];

const refused: Transcript = [
  ["FLUSHALL"],
  ...sicily,
  ...each(
    [
      "FROMMEMBER none BYRADIUS 1 m",
      "FROMLONLAT x 1 BYRADIUS 1 m",
      "FROMLONLAT 181 1 BYRADIUS 1 m",
      "FROMLONLAT 15 37 BYRADIUS x m",
      "FROMLONLAT 15 37 BYRADIUS -1 m",
      "FROMLONLAT 15 37 BYRADIUS 1 x",
      "FROMLONLAT 15 37 BYBOX x 1 m",
      "FROMLONLAT 15 37 BYBOX 1 x m",
      "FROMLONLAT 15 37 BYBOX -1 1 m",
      "FROMLONLAT 15 37 BYBOX 1 1 x",
      "FROMLONLAT 15 37 BYBOX 1 1 km BYRADIUS 1 m",
      "FROMLONLAT 15 37 BYRADIUS 1 m BYBOX 1 1 m",
      "FROMLONLAT 15 37 FROMMEMBER Palermo BYBOX 1 1 m",
      "FROMMEMBER Palermo FROMLONLAT 15 37 BYBOX 1 1 m",
      "FROMLONLAT 15 37 ASC ASC ASC",
      "BYRADIUS 1 m ASC ASC ASC",
      "FROMLONLAT 15 37 BYRADIUS 200 km ANY",
      "FROMLONLAT 15 37 BYRADIUS 200 km COUNT 0",
      "FROMLONLAT 15 37 BYRADIUS 200 km COUNT -1",
      "FROMLONLAT 15 37 BYRADIUS 200 km COUNT x",
      "FROMLONLAT 15 37 BYRADIUS 200 km COUNT",
      "FROMLONLAT 15 37 BYRADIUS 200 km STORE to",
      "FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST",
      "FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
      "FROMLONLAT 15 37 BYRADIUS 200 km FOO",
      "FROMLONLAT 15 37 BYRADIUS 1 m BYRADIUS 200 km FROMLONLAT 14 37",
      "FROMMEMBER Catania FROMMEMBER Palermo BYBOX 1 1 m BYBOX 400 400 km",
    ],
    (words): Transcript =>
      each(["g", "none"], (key) => [
        ["GEOSEARCH", key, ...words.split(" ")],
        ["geosearchstore", "to", key, ...words.split(" ")],
      ]),
  ),
  ...each(
    ["x 37 1 m", "15 37 x m", "15 37 -1 m", "15 37 1 x", "15 37 200 km FROMMEMBER Palermo"].concat(
      ["15 37 200 km STORE to WITHDIST", "15 37 200 km STORE", "15 37 200 km ANY", "181 1 1 m"],
      ["15 37 200 km STORE to STOREDIST to2", "15 37 200 km STOREDIST to STORE to2 COUNT 1"],
    ),
    (words): Transcript =>
      each(["g", "none"], (key) => [
        ["GEORADIUS", key, ...words.split(" ")],
        ["GEORADIUS_RO", key, ...words.split(" ")],
        ["ZRANGE", "to", 0, -1],
        ["ZRANGE", "to2", 0, -1],
      ]),
  ),
  ["GEORADIUSBYMEMBER", "none", "x", "x", "x"],
  ["GEORADIUSBYMEMBER", "none", "x", "x", "x", "FOO"],
  ["GEORADIUSBYMEMBER", "none", "x", 1, "m", "STORE", "to"],
  ["GEORADIUSBYMEMBER", "g", "x", 1, "m"],
  ["GEORADIUSBYMEMBER", "g", "Palermo", -1, "m"],
  ["GEORADIUSBYMEMBER_RO", "g", "Palermo", 200, "km", "STORE", "to"],
  [
    "COMMAND",
    "GETKEYSANDFLAGS",
    "GEORADIUS",
    "g",
    15,
    37,
    200,
    "km",
    "STORE",
    "d",
    "STOREDIST",
    "e",
  ],
  ["COMMAND", "GETKEYSANDFLAGS", "GEORADIUS", "g", 15, 37, 200, "km", "COUNT", 1],
];

const storing: Transcript = [
  ["FLUSHALL"],
  ...sicily,
  ["SET", "to", "text", "PX", 100_000],
  ["GEOSEARCHSTORE", "to", "g", "FROMLONLAT", 15, 37, "BYBOX", 400, 400, "km"],
  ["ZRANGE", "to", 0, -1],
  ["TTL", "to"],
  [
    "GEOSEARCHSTORE",
    "to",
    "g",
    "FROMLONLAT",
    15,
    37,
    "BYRADIUS",
    200,
    "km",
    "STOREDIST",
    "COUNT",
    1,
  ],
  ["ZRANGE", "to", 0, -1],
  ["GEORADIUS", "g", 15, 37, 200, "km", "STOREDIST", "to", "DESC", "COUNT", 2],
  ["ZRANGE", "to", 0, -1],
  ["GEORADIUSBYMEMBER", "g", "Palermo", 200, "km", "STORE", "g", "COUNT", 2],
  ["ZRANGE", "g", 0, -1],
  ["GEOSEARCHSTORE", "to", "g", "FROMLONLAT", 0, 0, "BYRADIUS", 1, "m"],
  ["EXISTS", "to"],
  ["GEOSEARCHSTORE", "g", "none", "FROMLONLAT", 0, 0, "BYRADIUS", 1, "m"],
  ["EXISTS", "g"],
];

/** Places everywhere, near each other, and at the edges; from one seed. */
function random(seed: number, spread: number, count: number): Transcript {
  const chance = new Chance(seed);
  const between = (low: number, high: number) =>
    low + ((high - low) * chance.below(1_000_000_007)) / 1_000_000_007;
  const middle = [between(-170, 170), between(-80, 80)] as const;
  const longitude = () => clamp(middle[0] + between(-180, 180) * spread, 180).toFixed(9);
  const latitude = () => clamp(middle[1] + between(-85, 85) * spread, 85.05).toFixed(9);
  const requests: TranscriptRequest[] = [["DEL", "r"]];
  for (let from = 0; from < count; from += 50) {
    const words = Array.from({ length: 50 }, (_, at) => [longitude(), latitude(), `m${from + at}`]);
    requests.push(["GEOADD", "r", ...words.flat()]);
  }
  const members = Array.from({ length: count }, (_, at) => `m${at}`);
  requests.push(["GEOPOS", "r", ...members], ["GEOHASH", "r", ...members]);
  for (let i = 0; i < 100; i++)
    requests.push([
      "GEODIST",
      "r",
      chance.of(members),
      chance.of(members),
      chance.of(["m", "km", "mi"]),
    ]);
  for (let i = 0; i < 120; i++) {
    const from = chance.percent(50)
      ? ["FROMMEMBER", chance.of(members)]
      : ["FROMLONLAT", longitude(), latitude()];
    const reach = () => (between(0, 1) ** 3 * 20_000 * spread + 0.001).toFixed(4);
    const unit = chance.of(["km", "mi"]);
    const by = chance.percent(60) ? ["BYRADIUS", reach(), unit] : ["BYBOX", reach(), reach(), unit];
    const options = chance.of([
      [],
      [],
      ["ASC"],
      ["DESC", "WITHDIST"],
      ["WITHDIST", "WITHCOORD", "WITHHASH"],
      ["COUNT", "5"],
      ["COUNT", "30", "DESC", "WITHDIST"],
      ["COUNT", "7", "ANY"],
      ["COUNT", "7", "ANY", "ASC"],
    ]);
    requests.push(["GEOSEARCH", "r", ...from, ...by, ...options]);
  }
  return requests;
}

function clamp(x: number, max: number): number {
  return Math.max(-max, Math.min(max, x));
}

export const transcript: Transcript = [
  ...arity,
  ...wrongType,
  ...adding,
  ...refused,
  ...storing,
  ...random(1, 1, 1000),
  ...random(2, 0.1, 500),
  ...random(3, 0.001, 500),
  ["CONFIG", "SET", "zset-max-listpack-entries", 1000],
  ...random(4, 0.01, 200),
  ...random(5, 0.5, 200),
  ["CONFIG", "SET", "zset-max-listpack-entries", 128],
];
