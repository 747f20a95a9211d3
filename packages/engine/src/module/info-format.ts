/** How INFO writes numbers: sizes for people, fractions with a fixed number of digits. */

const UNITS = ["B", "K", "M", "G", "T", "P"];

/** A size as people read it: 512B, 1.50M, 23.54G. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)}B`;
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(2)}${UNITS[unit]}`;
}

/** `part` of `whole` as "12.34%". */
export function percentOf(part: number, whole: number): string {
  return `${(whole > 0 ? (part / whole) * 100 : 0).toFixed(2)}%`;
}

/** Quotient of two sizes; 0 when there is nothing to divide by. */
export function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0;
}

/** Microseconds as seconds with six digits. */
export function cpuSeconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}
