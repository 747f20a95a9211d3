import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distance, latitudeDistance } from "./distance.ts";
import {
  cellOf,
  decode,
  edgeOf,
  interleaved,
  LATITUDE_MAX,
  LONGITUDE_MAX,
  letters,
  place,
  STEP_MAX,
  scoreOfPlace,
} from "./geohash.ts";

const longitudes = fc.double({ min: -LONGITUDE_MAX, max: LONGITUDE_MAX, noNaN: true });
const latitudes = fc.double({ min: -LATITUDE_MAX, max: LATITUDE_MAX, noNaN: true });

/** Bits of two numbers in turn, one after the other, as text. */
function alternating(longitudeCell: number, latitudeCell: number): number {
  const bitsOf = (cell: number) => cell.toString(2).padStart(27, "0");
  const [first, second] = [bitsOf(longitudeCell), bitsOf(latitudeCell)];
  const bits = [...first].map((bit, at) => bit + second[at]).join("");
  return Number.parseInt(bits, 2);
}

describe("geohashes", () => {
  test("alternate the bits of both cells", () => {
    expect(interleaved(0b101, 0b110)).toBe(0b110110);
    const cell = fc.nat(2 ** STEP_MAX - 1);
    fc.assert(
      fc.property(cell, cell, (x, y) => {
        expect(interleaved(x, y)).toBe(alternating(x, y));
      }),
    );
    expect(interleaved(0, 2 ** STEP_MAX)).toBe(2 ** 52);
  });

  test("lead back to the middle of the cell", () => {
    fc.assert(
      fc.property(longitudes, latitudes, (longitude, latitude) => {
        decode(scoreOfPlace(longitude, latitude));
        expect(Math.abs(place.longitude - longitude)).toBeLessThan(360 / 2 ** STEP_MAX);
        expect(Math.abs(place.latitude - latitude)).toBeLessThan(171 / 2 ** STEP_MAX);
        const again = { ...place };
        decode(scoreOfPlace(place.longitude, place.latitude));
        expect(place).toEqual(again);
      }),
      { numRuns: 1000 },
    );
  });

  test("a place lies between the edges of its cell, however large that is", () => {
    fc.assert(
      fc.property(longitudes, fc.integer({ min: 1, max: STEP_MAX }), (longitude, step) => {
        const cell = cellOf(longitude, LONGITUDE_MAX, step);
        expect(edgeOf(cell, LONGITUDE_MAX, step)).toBeLessThanOrEqual(longitude);
        expect(edgeOf(cell + 1, LONGITUDE_MAX, step)).toBeGreaterThanOrEqual(longitude);
      }),
    );
  });

  test("any score is some place", () => {
    for (const score of [-1, 1.5, 2 ** 52, 2 ** 63, 1e300, -1e300, Infinity, -Infinity]) {
      decode(score);
      expect(Math.abs(place.longitude)).toBeLessThanOrEqual(LONGITUDE_MAX);
      expect(Math.abs(place.latitude)).toBeLessThanOrEqual(LATITUDE_MAX);
    }
  });

  test("as letters they are those of everybody else", () => {
    expect(letters(13.361389338970184, 38.1155563954963)).toBe("sqc8b49rny0");
    expect(letters(-0.0000001, 51.4769)).toMatch(/^gcpuzg/);
  });
});

describe("distances", () => {
  test("are the same both ways, and none to itself", () => {
    fc.assert(
      fc.property(longitudes, latitudes, longitudes, latitudes, (x1, y1, x2, y2) => {
        const there = distance(x1, y1, x2, y2);
        expect(Math.abs(there - distance(x2, y2, x1, y1))).toBeLessThan(0.001);
        expect(distance(x1, y1, x1, y1)).toBe(0);
        // No way is shorter than that straight north.
        expect(there).toBeGreaterThan(latitudeDistance(y1, y2) * 0.999999 - 0.001);
      }),
    );
    expect(distance(13.361389, 38.115556, 15.087269, 37.502669)).toBeCloseTo(166274.15, 0);
  });
});
