import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distance, latitudeDistance } from "./distance.ts";
import { SearchArea, Shape } from "./search-area.ts";

describe("The area of a search", () => {
  const part = fc.double({ min: -1, max: 1, noNaN: true });
  const middle = fc.tuple(
    fc.constantFrom(-179, -60, 0, 10, 120, 179.9),
    fc.constantFrom(-84, -50, -1, 0, 10, 50, 75),
  );
  const meters = fc.constantFrom(
    1,
    1000,
    50_000,
    500_000,
    1_000_000,
    3_000_000,
    20_000_000,
    30_000_000,
  );

  function shapeAt([longitude, latitude]: [number, number]): Shape {
    const shape = new Shape();
    shape.longitude = longitude;
    shape.latitude = latitude;
    return shape;
  }

  test("may contain whatever is measured to lie in a rectangle, up to its corners", () => {
    const area = new SearchArea();
    fc.assert(
      fc.property(middle, meters, meters, part, part, (place, width, height, east, north) => {
        const shape = shapeAt(place);
        Object.assign(shape, { isBox: true, width: 2 * width, height: 2 * height });
        area.cover(shape);
        // Near the upper or lower side, as far aside as there is anything, and a little less.
        const up = ((height / 6372797.560856) * 180) / Math.PI;
        const latitude = Math.max(
          -85.05,
          Math.min(85.05, place[1] + Math.sign(north) * up * 0.9999),
        );
        const half = Math.min(width / 6372797.560856, Math.PI) / 2;
        const reach = Math.sin(half) / Math.cos((latitude * Math.PI) / 180);
        const aside = Math.abs(reach) < 1 ? (2 * Math.asin(reach) * 180) / Math.PI : 180;
        const longitude = place[0] + Math.sign(east) * aside * (1 - Math.abs(east) * 0.0001);
        if (Math.abs(longitude) > 180) return;
        const isIn =
          latitudeDistance(place[1], latitude) <= height &&
          distance(longitude, latitude, place[0], latitude) <= width;
        if (isIn) expect(area.mayContain(longitude, latitude)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("may contain whatever is measured to lie in a circle", () => {
    const area = new SearchArea();
    fc.assert(
      fc.property(middle, meters, part, part, (place, radius, east, north) => {
        const shape = shapeAt(place);
        shape.radius = radius;
        area.cover(shape);
        const degrees = (radius / 111_000) * 1.2;
        const latitude = Math.max(-85.05, Math.min(85.05, place[1] + north * degrees));
        const wide = degrees / Math.max(0.02, Math.cos((latitude * Math.PI) / 180));
        const longitude = Math.max(-180, Math.min(180, place[0] + east * wide));
        if (distance(place[0], place[1], longitude, latitude) <= radius)
          expect(area.mayContain(longitude, latitude)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
