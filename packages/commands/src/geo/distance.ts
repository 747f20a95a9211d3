/** Distances on the sphere that Redis takes the earth for, by the haversine formula. */

export const EARTH_RADIUS_METERS = 6372797.560856;
const RADIANS = Math.PI / 180;

export function radiansOf(degrees: number): number {
  return degrees * RADIANS;
}

export function degreesOf(radians: number): number {
  return radians / RADIANS;
}

/** Metres from one latitude to another, straight north. */
export function latitudeDistance(one: number, other: number): number {
  return EARTH_RADIUS_METERS * Math.abs(radiansOf(other) - radiansOf(one));
}

/** Metres between two places. */
export function distance(
  longitude1: number,
  latitude1: number,
  longitude2: number,
  latitude2: number,
): number {
  const v = Math.sin((radiansOf(longitude2) - radiansOf(longitude1)) / 2);
  if (v === 0) return latitudeDistance(latitude1, latitude2);
  const from = radiansOf(latitude1);
  const to = radiansOf(latitude2);
  const u = Math.sin((to - from) / 2);
  const a = u * u + Math.cos(from) * Math.cos(to) * v * v;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(a));
}
