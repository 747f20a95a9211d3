/**
 * LZF in JavaScript: for what is too long for bulk.ts, and for where there is no WebAssembly. Both make the
 * same of the same bytes. The form is told in lzf.ts.
 */

const HASH_BITS = 13;
const OFFSET_MAX = 1 << 13;
const COPY_MAX = 264;
const LITERAL_MAX = 32;
/** Bytes that are compressed at a time, and decompressed. */
const WORD = 4;
const LONG = 8;

/**
 * Where the three bytes with this hash were last seen, plus `epoch`: positions of earlier inputs
 * are below the present epoch, so the table need not be cleared for each string.
 */
const seen = new Int32Array(1 << HASH_BITS);
let epoch = 1;

/**
 * As compress() of lzf.ts. Bytes are read, compared and copied four at a time, which is what makes it
 * quick: hence the views.
 */
export function compressPlainly(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  at: number,
  limit: number,
): number {
  if (epoch > 0x7fffffff - (end - start) - 1) {
    seen.fill(0);
    epoch = 1;
  }
  const base = epoch - start;
  epoch += end - start;
  const lastWord = end - WORD;
  let out = at;
  let literal = start; // Bytes from here to `i` wait to be written as literals.
  let i = start;
  while (i <= lastWord) {
    const word = source.getInt32(i, true);
    // Three bytes make a repetition; the fourth is shifted out of the hash, and of the comparison.
    const hash = Math.imul(word << 8, 0x9e3779b1) >>> (32 - HASH_BITS);
    const from = (seen[hash] as number) - base;
    seen[hash] = i + base;
    if (from < start || i - from > OFFSET_MAX || (source.getInt32(from, true) ^ word) << 8 !== 0) {
      i++;
      continue;
    }
    const longest = Math.min(end - i, COPY_MAX);
    let length = 3;
    let difference = 0;
    while (length <= longest - WORD) {
      difference = source.getInt32(from + length, true) ^ source.getInt32(i + length, true);
      if (difference !== 0) break;
      length += WORD;
    }
    if (difference !== 0) {
      length += (31 - Math.clz32(difference & -difference)) >> 3; // Equal bytes of the word.
    } else {
      while (length < longest && source.getUint8(from + length) === source.getUint8(i + length))
        length++;
    }
    if (literal < i) out = writeLiterals(source, literal, i, lastWord, target, out, limit);
    if (out === -1 || out + 3 > limit) return -1;
    const offset = i - from - 1;
    if (length < 9) {
      target.setUint8(out++, ((length - 2) << 5) | (offset >> 8));
    } else {
      target.setUint8(out++, (7 << 5) | (offset >> 8));
      target.setUint8(out++, length - 9);
    }
    target.setUint8(out++, offset);
    i += length;
    literal = i;
  }
  return writeLiterals(source, literal, end, lastWord, target, out, limit);
}

/** `lastWord` is the last position in the source at which four bytes may be read. */
function writeLiterals(
  source: DataView,
  start: number,
  end: number,
  lastWord: number,
  target: DataView,
  at: number,
  limit: number,
): number {
  while (start < end) {
    const length = Math.min(end - start, LITERAL_MAX);
    if (at + 1 + length > limit) return -1;
    target.setUint8(at++, length - 1);
    if (start + length - 1 <= lastWord && at + length + WORD - 1 <= limit) {
      // What is copied beyond the end is overwritten by what comes next.
      for (let i = 0; i < length; i += WORD)
        target.setInt32(at + i, source.getInt32(start + i, true), true);
    } else {
      for (let i = 0; i < length; i++) target.setUint8(at + i, source.getUint8(start + i));
    }
    at += length;
    start += length;
  }
  return at;
}

/** As decompress() of lzf.ts. */
export function decompressPlainly(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  length: number,
): boolean {
  let at = start;
  let out = 0;
  while (at < end) {
    const control = source.getUint8(at++);
    if (control < LITERAL_MAX) {
      const count = control + 1;
      if (at + count > end || out + count > length) return false;
      // Words may go beyond what is copied, where the next instruction writes, and no further.
      if (at + count + LONG - 1 <= end && out + count + LONG - 1 <= length) {
        for (let i = 0; i < count; i += LONG)
          target.setBigInt64(out + i, source.getBigInt64(at + i, true), true);
      } else {
        for (let i = 0; i < count; i++) target.setUint8(out + i, source.getUint8(at + i));
      }
      out += count;
      at += count;
      continue;
    }
    let count = control >> 5;
    if (count === 7) {
      if (at === end) return false;
      count += source.getUint8(at++);
    }
    count += 2;
    if (at === end) return false;
    const from = out - (((control & 31) << 8) | source.getUint8(at++)) - 1;
    if (from < 0 || out + count > length) return false;
    if (from + LONG <= out && out + count + LONG - 1 <= length) {
      for (let i = 0; i < count; i += LONG)
        target.setBigInt64(out + i, target.getBigInt64(from + i, true), true);
    } else {
      for (let i = 0; i < count; i++) target.setUint8(out + i, target.getUint8(from + i));
    }
    out += count;
  }
  return out === length;
}
