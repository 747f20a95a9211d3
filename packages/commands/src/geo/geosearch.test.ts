import { type Harness, harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";
import { distance } from "./distance.ts";

function sicily(): Harness {
  const kv = harness();
  kv.send("GEOADD", "g", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania");
  return kv;
}

describe("GEOADD", () => {
  test("adds places as scores, and goes on as the ZADD that it is", () => {
    const kv = sicily();
    expect(kv.send("ZSCORE", "g", "Palermo")).toBe("3479099956230698");
    expect(kv.send("GEOADD", "g", "CH", 13, 38, "Palermo", 1, 1, "new")).toBe(2);
    expect(kv.send("GEOADD", "g", "NX", 1, 1, "Palermo")).toBe(0);
    expect(kv.send("GEOADD", "none", "XX", 1, 1, "a")).toBe(0);
    expect(kv.events).toEqual(["zadd g", "zadd g"]);
    expect(kv.propagated).toHaveLength(2);
    expect(kv.propagated[1]?.slice(0, 3)).toEqual(["zadd", "g", "CH"]);
    kv.check();
  });

  test("refuses a place off the map, and adds none then", () => {
    const kv = sicily();
    expect(kv.send("GEOADD", "g", 1, 1, "a", 1, 86, "b")).toEqual(
      kv.error("ERR invalid longitude,latitude pair 1.000000,86.000000"),
    );
    // Halfway between two numbers of six digits it is the even one that is told, as printf() has it.
    expect(kv.send("GEOADD", "g", 1000.0078125, -1000.0234375, "a")).toEqual(
      kv.error("ERR invalid longitude,latitude pair 1000.007812,-1000.023438"),
    );
    expect(kv.send("GEOADD", "g", 1, "x", "a")).toBe(errors.notAFloat);
    expect(kv.send("GEOADD", "g", "NX", "XX", 1, 1, "a")).toBe(errors.syntax);
    expect(kv.send("ZCARD", "g")).toBe(2);
  });
});

describe("GEOSEARCH", () => {
  test("finds what lies in a circle or a rectangle", () => {
    const kv = sicily();
    const circle = ["GEOSEARCH", "g", "FROMLONLAT", 15, 37, "BYRADIUS", 200, "km"];
    expect(kv.send(...circle, "ASC")).toEqual(["Catania", "Palermo"]);
    expect(kv.send(...circle, "DESC", "WITHDIST")).toEqual([
      ["Palermo", "190.4424"],
      ["Catania", "56.4413"],
    ]);
    expect(kv.send(...circle, "COUNT", 1, "WITHCOORD")).toEqual([
      ["Catania", ["15.08726745843887329", "37.50266842333162032"]],
    ]);
    const box = ["GEOSEARCH", "g", "FROMMEMBER", "Palermo", "BYBOX", 10, 10, "km", "WITHHASH"];
    expect(kv.send(...box)).toEqual([["Palermo", 3479099956230698]]);
  });

  test("GEOSEARCHSTORE makes a sorted set of it, also of the one that it searches", () => {
    const kv = sicily();
    kv.send("SET", "to", "text", "PX", 1000);
    const circle = ["FROMLONLAT", 15, 37, "BYRADIUS", 200, "km"];
    expect(kv.send("GEOSEARCHSTORE", "to", "g", ...circle, "STOREDIST")).toBe(2);
    expect(kv.send("ZRANGE", "to", 0, -1)).toEqual(["Catania", "Palermo"]);
    expect(kv.send("PTTL", "to")).toBe(-1);
    expect(kv.send("GEOSEARCHSTORE", "g", "g", ...circle, "COUNT", 1)).toBe(1);
    expect(kv.send("ZRANGE", "g", 0, -1)).toEqual(["Catania"]);
    expect(kv.send("GEORADIUS", "g", 0, 0, 1, "m", "STORE", "g")).toBe(0);
    expect(kv.send("EXISTS", "g")).toBe(0);
    expect(kv.events.slice(3)).toEqual(["geosearchstore to", "geosearchstore g", "del g"]);
    kv.check();
  });

  test("finds what measuring every place finds, nearest first", () => {
    const kv = harness({ config: { "zset-max-listpack-entries": 20 } });
    const near = fc.double({ min: -1, max: 1, noNaN: true });
    const scale = fc.constantFrom(0.001, 0.1, 5, 80);
    const places = fc.array(fc.tuple(near, near), { minLength: 1, maxLength: 60 });
    const middle = fc.tuple(
      fc.constantFrom(-170, -1, 0, 99.5, 179),
      fc.constantFrom(-70, -1, 0, 45, 66, 79),
    );
    fc.assert(
      fc.property(
        places,
        middle,
        scale,
        near,
        fc.nat(20),
        (offsets, [x, y], degrees, part, count) => {
          kv.send("DEL", "g");
          const clamped = (value: number, max: number) => Math.max(-max, Math.min(max, value));
          const places = offsets.map(([east, north], at) => [
            // On the 180th meridian itself searches from the other side end, as in Redis.
            clamped(x + east * degrees, 179.99).toFixed(10),
            clamped(y + north * degrees, 85.05).toFixed(10),
            `m${at}`,
          ]);
          kv.send("GEOADD", "g", ...places.flat());
          const names = offsets.map((_, at) => `m${at}`);
          const coordinates = kv.send("GEOPOS", "g", ...names) as string[][];
          // Not round the globe: the boxes of the largest circles do not reach all of it, as in Redis.
          const radius = Math.abs(part) * degrees * 30_000;
          const measured = coordinates
            .map(([longitude, latitude], at) => ({
              name: `m${at}`,
              meters: distance(x, y, Number(longitude), Number(latitude)),
            }))
            .filter(({ meters }) => meters <= radius)
            .sort((a, b) => a.meters - b.meters);
          const search = [
            "GEOSEARCH",
            "g",
            "FROMLONLAT",
            x,
            y,
            "BYRADIUS",
            radius,
            "m",
            "WITHDIST",
          ];
          const found = kv.send(...search, "ASC") as string[][];
          expect(found.map(([, meters]) => meters)).toEqual(
            measured.map(({ meters }) => meters.toFixed(4)),
          );
          expect(found.map(([name]) => name).sort()).toEqual(
            measured.map(({ name }) => name).sort(),
          );
          if (count > 0) expect(kv.send(...search, "COUNT", count)).toEqual(found.slice(0, count));
          const any = kv.send("GEOSEARCH", "g", ...search.slice(2, 8), "COUNT", 3, "ANY");
          expect(any).toHaveLength(Math.min(3, measured.length));
        },
      ),
      { numRuns: 30 },
    );
  });
});
