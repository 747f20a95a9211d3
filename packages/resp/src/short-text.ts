/**
 * Strings of a few bytes, made without leaving JavaScript: the way into a decoder of the platform
 * and back costs more than the whole string, several times as much for three bytes.
 *
 * String.fromCharCode is only fast where the number of its arguments is written out.
 */

/** Beyond this a decoder is as fast. */
export const SHORT_TEXT_MAX = 16;

const { fromCharCode } = String;

/**
 * bytes[at, at + count), of which there are at most SHORT_TEXT_MAX, one character for each; undefined
 * when one of them is not below `limit`, 128 or 256. With 128 that is UTF-8 as well; with 256 it is
 * latin1, and never undefined.
 */
export function shortText(
  bytes: Uint8Array,
  at: number,
  count: number,
  limit: number,
): string | undefined {
  if (count <= 0) return "";
  const a = bytes[at];
  if (count === 1) return a < limit ? fromCharCode(a) : undefined;
  const b = bytes[at + 1];
  let all = a | b;
  if (count === 2) return all < limit ? fromCharCode(a, b) : undefined;
  const c = bytes[at + 2];
  all |= c;
  if (count === 3) return all < limit ? fromCharCode(a, b, c) : undefined;
  const d = bytes[at + 3];
  all |= d;
  if (count === 4) return all < limit ? fromCharCode(a, b, c, d) : undefined;
  if (all >= limit) return undefined;
  const e = bytes[at + 4];
  all |= e;
  if (count === 5) return all < limit ? fromCharCode(a, b, c, d, e) : undefined;
  const f = bytes[at + 5];
  all |= f;
  if (count === 6) return all < limit ? fromCharCode(a, b, c, d, e, f) : undefined;
  const g = bytes[at + 6];
  all |= g;
  if (count === 7) return all < limit ? fromCharCode(a, b, c, d, e, f, g) : undefined;
  const h = bytes[at + 7];
  all |= h;
  if (count === 8) return all < limit ? fromCharCode(a, b, c, d, e, f, g, h) : undefined;
  if (all >= limit) return undefined;
  const i = bytes[at + 8];
  all |= i;
  if (count === 9) return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i) : undefined;
  const j = bytes[at + 9];
  all |= j;
  if (count === 10) return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j) : undefined;
  const k = bytes[at + 10];
  all |= k;
  if (count === 11) return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k) : undefined;
  const l = bytes[at + 11];
  all |= l;
  if (count === 12)
    return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l) : undefined;
  const m = bytes[at + 12];
  all |= m;
  if (count === 13)
    return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m) : undefined;
  const n = bytes[at + 13];
  all |= n;
  if (count === 14)
    return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n) : undefined;
  const o = bytes[at + 14];
  all |= o;
  if (count === 15)
    return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o) : undefined;
  const p = bytes[at + 15];
  all |= p;
  return all < limit ? fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) : undefined;
}
