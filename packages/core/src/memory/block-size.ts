/**
 * Block sizes: from the bytes that are asked for to the block that holds them. Whatever computes
 * a size of the arena's memory does it here, in numbers that are exact far beyond 32 bits.
 *
 *   up to 16 KiB   one of 72 classes: every 8 bytes to 128, then eight steps to each doubling;
 *   beyond         whole pages of 4 KiB, up to BLOCK_BYTES_MAX. More than that is no block.
 */

/** A page in bytes, and in units of 8 bytes as a shift. */
export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 9;
/** Largest block that shares its pages with others of its class. */
export const SMALL_BYTES_MAX = 16384;
export const SEGMENT_BYTES_MAX = 2 ** 30;
/** Largest block: a segment, less the page that the first segment never uses. */
export const BLOCK_BYTES_MAX = SEGMENT_BYTES_MAX - PAGE_BYTES;

const SMALL_UNITS_MAX = SMALL_BYTES_MAX >>> 3;
const CLASS_UNITS: number[] = [];
for (let units = 1; units <= 16; units++) CLASS_UNITS.push(units);
for (let base = 16; base < SMALL_UNITS_MAX; base *= 2)
  for (let step = 1; step <= 8; step++) CLASS_UNITS.push(base + (base / 8) * step);

export const CLASS_COUNT = CLASS_UNITS.length;
/** Class of a block of so many units. */
export const CLASS_OF = new Uint8Array(SMALL_UNITS_MAX + 1);
for (let units = 1, sizeClass = 0; units <= SMALL_UNITS_MAX; units++) {
  if (units > (CLASS_UNITS[sizeClass] as number)) sizeClass++;
  CLASS_OF[units] = sizeClass;
}
/** Units of a block of each class. */
export const CLASS_SIZE = Int32Array.from(CLASS_UNITS);
/** Units of the largest block whose spans are of 32 KiB, whatever rest that leaves. */
const PLAIN_SPAN_UNITS_MAX = 256;
/**
 * Pages of a span of each class: 32 KiB up to 2 KiB a block, where the rest is little. Beyond, as many
 * as make a power of two of blocks without one: 9 to 16 for the eight steps of each doubling.
 */
export const CLASS_PAGES = Int32Array.from(CLASS_UNITS, (units, sizeClass) =>
  units <= PLAIN_SPAN_UNITS_MAX ? 8 : 9 + ((sizeClass - 16) % 8),
);
/** Blocks that such a span holds: never a single one. */
export const CLASS_BLOCKS = Int32Array.from(CLASS_UNITS, (units, sizeClass) =>
  Math.floor(((CLASS_PAGES[sizeClass] as number) << PAGE_SHIFT) / units),
);

/** Bytes that a block asked for with `bytes` has. */
export function roundedBytes(bytes: number): number {
  // The comparison comes first: a shift would take a number beyond 32 bits for a small one.
  if (!(bytes <= SMALL_BYTES_MAX)) return pagesFor(bytes) * PAGE_BYTES;
  return (CLASS_SIZE[CLASS_OF[(bytes + 7) >>> 3] as number] as number) << 3;
}

/** Whole pages that hold so many bytes. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}
