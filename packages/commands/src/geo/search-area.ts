/**
 * The nine boxes: which ranges of scores a circle or a rectangle may reach into.
 *
 * The cell of the middle is taken so large that it and its eight neighbours cover the shape, and
 * neighbours that the shape does not reach are left out. The order in which they are searched is the
 * order of results that nobody sorts, so it is that of Redis:
 *
 *      6 1 5
 *      4 0 3        0 first, then 1 to 8
 *      8 2 7
 */
import { degreesOf, EARTH_RADIUS_METERS, radiansOf } from "./distance.ts";
import { cellOf, edgeOf, interleaved, LATITUDE_MAX, LONGITUDE_MAX, STEP_MAX } from "./geohash.ts";

/** Half the earth's girth on the map that the cells are cut from, in metres. */
const MAP_MAX_METERS = 20037726.37;

/** Sums may differ in their last digits: some metres of the earth are more than that. */
const MARGIN_DEGREES = 1e-4;

/** What is searched: all places within a radius, or within a rectangle, of a middle. */
export class Shape {
  longitude = 0;
  latitude = 0;
  isBox = false;
  /** In units of `unitMeters`, as all of them. */
  radius = 0;
  width = 0;
  height = 0;
  unitMeters = 1;
}

const EAST = [0, 0, 0, 1, -1, 1, -1, 1, -1];
const NORTH = [0, 1, -1, 0, 0, 1, 1, -1, -1];

/** The boxes of a shape: ranges of scores, in the order of the search. */
export class SearchArea {
  /** How many boxes there are. */
  count = 0;
  /** The first score of each. */
  readonly from = new Float64Array(9);
  /** The first score behind each. */
  readonly to = new Float64Array(9);

  private west = 0;
  private south = 0;
  private east = 0;
  private north = 0;
  /** Degrees of longitude from the middle within which all places of the shape lie. */
  private asideMax = 0;
  private middle = 0;

  /** Works out the boxes of a shape. */
  cover(shape: Shape): void {
    this.bound(shape);
    let step = stepFor(reachOf(shape), shape.latitude);
    if (step > 1 && !this.reachesRound(shape, step)) step--;
    this.list(shape, step);
  }

  /**
   * False for a place that is certainly outside: a glance at its coordinates, so that not every
   * place in the boxes has to be measured. Longitudes tell nothing where the shape reaches a pole or
   * the line where they begin anew. What is on the edge is measured.
   */
  mayContain(longitude: number, latitude: number): boolean {
    if (latitude < this.south - MARGIN_DEGREES || latitude > this.north + MARGIN_DEGREES)
      return false;
    return Math.abs(longitude - this.middle) <= this.asideMax;
  }

  /** The shape's outermost coordinates. */
  private bound(shape: Shape): void {
    const { longitude, latitude, isBox, unitMeters } = shape;
    const height = unitMeters * (isBox ? shape.height / 2 : shape.radius);
    const width = unitMeters * (isBox ? shape.width / 2 : shape.radius);
    const up = degreesOf(height / EARTH_RADIUS_METERS);
    // Degrees are longest at the edge that is nearer to the pole.
    const edge = latitude < 0 ? latitude - up : latitude + up;
    const aside = degreesOf(width / EARTH_RADIUS_METERS / Math.cos(radiansOf(edge)));
    this.west = longitude - aside;
    this.east = longitude + aside;
    this.south = latitude - up;
    this.north = latitude + up;
    // A rectangle is as wide as a great circle from its middle to its side, which bends: at the edge it
    // reaches a little farther than `aside`, by which Redis chooses the boxes.
    const half = Math.min(width / EARTH_RADIUS_METERS / 2, Math.PI / 2);
    const sine = Math.sin(half) / Math.cos(radiansOf(edge));
    const bent = isBox ? 2 * degreesOf(Math.asin(sine)) : aside;
    const hasSides =
      Math.abs(edge) < 89 &&
      longitude - bent >= -LONGITUDE_MAX &&
      longitude + bent <= LONGITUDE_MAX;
    this.middle = longitude;
    this.asideMax = hasSides ? bent + MARGIN_DEGREES : 2 * LONGITUDE_MAX;
  }

  /** Whether cells of this size, with their neighbours, reach as far as the shape does. */
  private reachesRound(shape: Shape, step: number): boolean {
    const mask = 2 ** step - 1;
    const x = cellOf(shape.longitude, LONGITUDE_MAX, step);
    const y = cellOf(shape.latitude, LATITUDE_MAX, step);
    return !(
      edgeOf(((y + 1) & mask) + 1, LATITUDE_MAX, step) < this.north ||
      edgeOf((y - 1) & mask, LATITUDE_MAX, step) > this.south ||
      edgeOf(((x + 1) & mask) + 1, LONGITUDE_MAX, step) < this.east ||
      edgeOf((x - 1) & mask, LONGITUDE_MAX, step) > this.west
    );
  }

  private list(shape: Shape, step: number): void {
    const mask = 2 ** step - 1;
    const x = cellOf(shape.longitude, LONGITUDE_MAX, step);
    const y = cellOf(shape.latitude, LATITUDE_MAX, step);
    const mayLeaveOut = step >= 2;
    const noSouth = mayLeaveOut && edgeOf(y, LATITUDE_MAX, step) < this.south;
    const noNorth = mayLeaveOut && edgeOf(y + 1, LATITUDE_MAX, step) > this.north;
    const noWest = mayLeaveOut && edgeOf(x, LONGITUDE_MAX, step) < this.west;
    const noEast = mayLeaveOut && edgeOf(x + 1, LONGITUDE_MAX, step) > this.east;
    const scale = 2 ** (2 * (STEP_MAX - step));
    this.count = 0;
    for (let i = 0; i < 9; i++) {
      const east = EAST[i] as number;
      const north = NORTH[i] as number;
      if ((noSouth && north < 0) || (noNorth && north > 0)) continue;
      if ((noWest && east < 0) || (noEast && east > 0)) continue;
      const cell = interleaved(
        east === 0 ? x : (x + east) & mask,
        north === 0 ? y : (y + north) & mask,
      );
      const from = cell * scale;
      // Of the largest cells there are so few that neighbours are the same; but only the one before
      // is looked at, and never the middle, as in Redis.
      if (this.count > 1 && this.from[this.count - 1] === from) continue;
      this.from[this.count] = from;
      this.to[this.count] = (cell + 1) * scale;
      this.count++;
    }
  }
}

/** Metres from the middle of a shape to its farthest point. */
function reachOf({ isBox, radius, width, height, unitMeters }: Shape): number {
  return (
    (isBox ? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) : radius) *
    unitMeters
  );
}

/** Bits of each coordinate of cells that are about as large as a circle: fewer near the poles. */
function stepFor(meters: number, latitude: number): number {
  if (meters === 0) return STEP_MAX;
  let step = 1;
  for (let reach = meters; reach < MAP_MAX_METERS; reach *= 2) step++;
  step -= 2;
  if (Math.abs(latitude) > 66) step--;
  if (Math.abs(latitude) > 80) step--;
  return Math.max(1, Math.min(STEP_MAX, step));
}
