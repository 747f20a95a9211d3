/**
 * Geohashes: a place on earth as the score of a sorted set.
 *
 * Longitude and latitude are each cut into 2^26 equal cells, and the bits of the two cell numbers
 * alternate, those of the longitude first: 52 bits, which a score holds exactly. Places near each
 * other mostly have scores near each other, so a rectangle of cells is a range of scores.
 *
 *      longitude cell   1 0 1         latitude cell   1 1 0        (of three bits each)
 *      score            11 01 10
 *
 * With fewer bits (`step` for each of the two) the same numbers name larger cells. Latitudes end at
 * 85.05 degrees, where a square map of the earth ends.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
/** Bits of each coordinate in a score. */
export const STEP_MAX = 26;
/** Cells of each coordinate in a score. */
const CELLS = 2 ** STEP_MAX;

/** A place: where the functions below leave their results. */
export const place = { longitude: 0, latitude: 0 };

/** Number of the cell that a coordinate lies in, of 2^step between -max and max. */
export function cellOf(coordinate: number, max: number, step: number): number {
  // On the upper edge it is one more than there are cells, as in Redis.
  return Math.floor(((coordinate + max) / (max + max)) * 2 ** step);
}

/** Where a cell begins. */
export function edgeOf(cell: number, max: number, step: number): number {
  return -max + (cell / 2 ** step) * (max + max);
}

/** Spreads up to 16 bits, so that there is one of zero above each. */
function spread(bits: number): number {
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** Takes every second bit of 32. */
function gather(bits: number): number {
  bits &= 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

const HALF_BITS = 13;
const HALF_MASK = 2 ** HALF_BITS - 1;
const LOWER = 2 ** (2 * HALF_BITS);

/** The alternating bits of two cell numbers of up to 27 bits. */
export function interleaved(longitudeCell: number, latitudeCell: number): number {
  const lower = spread(latitudeCell & HALF_MASK) | (spread(longitudeCell & HALF_MASK) << 1);
  const upper = spread(latitudeCell >>> HALF_BITS) + spread(longitudeCell >>> HALF_BITS) * 2;
  return upper * LOWER + lower;
}

/** The score of a place. */
export function scoreOfPlace(longitude: number, latitude: number): number {
  return interleaved(
    cellOf(longitude, LONGITUDE_MAX, STEP_MAX),
    cellOf(latitude, LATITUDE_MAX, STEP_MAX),
  );
}

/** Puts the middle of the cell that a score names into `place`. */
export function decode(score: number): void {
  let longitudeCell: number;
  let latitudeCell: number;
  if (score >= 0 && score < 2 ** 52) {
    const upper = Math.floor(score / LOWER);
    const lower = Math.floor(score - upper * LOWER);
    latitudeCell = gather(lower) | (gather(upper) << HALF_BITS);
    longitudeCell = gather(lower >>> 1) | (gather(upper >>> 1) << HALF_BITS);
  } else {
    // No place has this score: a sorted set may have any, and Redis reads 64 bits out of it.
    const bits = bitsOf(score);
    const words = [Number(bits & 0xffffffffn), Number(bits >> 32n)] as const;
    latitudeCell = gather(words[0]) + gather(words[1]) * 65536;
    longitudeCell = gather(words[0] >>> 1) + gather(words[1] >>> 1) * 65536;
  }
  place.longitude = middleOf(longitudeCell, LONGITUDE_MAX);
  place.latitude = middleOf(latitudeCell, LATITUDE_MAX);
}

/** A score as an unsigned integer of 64 bits, as processors convert it. */
function bitsOf(score: number): bigint {
  if (!(Math.abs(score) < 2 ** 64)) return score > 0 ? 0n : 2n ** 63n;
  if (score < -(2 ** 63)) return 2n ** 63n;
  return BigInt.asUintN(64, BigInt(Math.trunc(score)));
}

function middleOf(cell: number, max: number): number {
  // As edgeOf(), without working out the power for every place that is measured.
  const from = -max + (cell / CELLS) * (max + max);
  const to = -max + ((cell + 1) / CELLS) * (max + max);
  const middle = (from + to) / 2;
  return Math.max(-max, Math.min(max, middle));
}

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/**
 * The place as the geohash that others write: 11 letters of five bits each, of cells whose latitudes
 * reach the poles. There are only 52 bits, so the last letter is always "0".
 */
export function letters(longitude: number, latitude: number): string {
  let bits = BigInt(
    interleaved(cellOf(longitude, LONGITUDE_MAX, STEP_MAX), cellOf(latitude, 90, STEP_MAX)),
  );
  bits >>= 2n;
  let text = "0";
  for (let i = 0; i < 10; i++, bits >>= 5n) text = `${ALPHABET[Number(bits & 31n)]}${text}`;
  return text;
}
