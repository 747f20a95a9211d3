/**
 * Numbers as bytes: integers and doubles the way Redis reads and prints them.
 *
 * JavaScript's own conversions are too generous (`Number("")` is 0, `Number(" 12 ")` is 12) and
 * need a string first. These work on a range of bytes, accept exactly what a Redis command
 * accepts and answer NaN or null for the rest, so no input can throw.
 *
 *   parseInteger, parseInt64   canonical decimals only: no plus sign, no leading zero, no "-0"
 *   parseDouble                C's strtod with nothing before or after it; NaN means "refused"
 *   formatDouble               the shortest digits that read back as the same double
 *
 * Integers are written two digits at a time from a table, about twice as fast as one by one.
 */

const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const ZERO = 48;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** The two characters of 0 to 99, side by side. */
const PAIRS = new Uint8Array(200);
for (let n = 0; n < 100; n++) {
  PAIRS[n * 2] = ZERO + Math.floor(n / 10);
  PAIRS[n * 2 + 1] = ZERO + (n % 10);
}

/**
 * The integer in `bytes[start, end)`; NaN when the bytes are not the canonical form of one, or
 * when it is beyond 2^53 - 1 and would lose its last digits. parseInt64 reads those.
 */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at >= end) return Number.NaN;
  const negative = bytes[at] === MINUS;
  if (negative) at++;
  const length = end - at;
  if (length === 0 || length > 16) return Number.NaN;
  let value = bytes[at++] - ZERO;
  if (value === 0) return length === 1 && !negative ? 0 : Number.NaN;
  if (value < 0 || value > 9) return Number.NaN;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  // Sixteen digits may have been rounded, but never back into the safe range.
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -value : value;
}

/** The signed 64-bit integer in `bytes[start, end)`, or null when it is not canonical or too big. */
export function parseInt64(bytes: Uint8Array, start: number, end: number): bigint | null {
  const small = parseInteger(bytes, start, end);
  if (!Number.isNaN(small)) return BigInt(small);
  let at = start;
  const negative = at < end && bytes[at] === MINUS;
  if (negative) at++;
  const length = end - at;
  // Anything shorter was settled above, and nineteen digits are all an int64 has.
  if (length < 16 || length > 19 || bytes[at] === ZERO) return null;
  let high = 0;
  let low = 0;
  for (let i = 0; i < length; i++) {
    const digit = bytes[at + i] - ZERO;
    if (digit < 0 || digit > 9) return null;
    if (length - i > 9) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  const magnitude = BigInt(high) * 1000000000n + BigInt(low);
  const value = negative ? -magnitude : magnitude;
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/** How many bytes writeInteger needs for `n`. */
export function integerLength(n: number): number {
  let length = 1;
  let rest = n;
  if (rest < 0) {
    length = 2;
    rest = -rest;
  }
  while (rest >= 10000) {
    rest = Math.floor(rest / 10000);
    length += 4;
  }
  return length + (rest >= 10 ? 1 : 0) + (rest >= 100 ? 1 : 0) + (rest >= 1000 ? 1 : 0);
}

/** Writes the decimal digits of the safe integer `n` at `at`; returns the position after them. */
export function writeInteger(bytes: Uint8Array, at: number, n: number): number {
  let rest = n;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  if (rest < 10) {
    bytes[at] = ZERO + rest;
    return at + 1;
  }
  if (rest < 100) {
    const pair = rest * 2;
    bytes[at] = PAIRS[pair];
    bytes[at + 1] = PAIRS[pair + 1];
    return at + 2;
  }
  if (rest < 0x40000000) return writeSmall(bytes, at, rest | 0);
  // Split so that each part is a small integer: division of doubles is slow and the loop below
  // relies on 32-bit arithmetic.
  const high = Math.floor(rest / 100000000);
  const after = writeInteger(bytes, at, high);
  let low = (rest - high * 100000000) | 0;
  for (let i = after + 6; i >= after; i -= 2) {
    const pair = (low % 100) * 2;
    low = (low / 100) | 0;
    bytes[i] = PAIRS[pair];
    bytes[i + 1] = PAIRS[pair + 1];
  }
  return after + 8;
}

/** integerLength() of a number from 100 to 2^31, without a division. */
function smallLength(n: number): number {
  if (n < 10000) return n < 1000 ? 3 : 4;
  if (n < 1000000) return n < 100000 ? 5 : 6;
  if (n < 100000000) return n < 10000000 ? 7 : 8;
  return n < 1000000000 ? 9 : 10;
}

function writeSmall(bytes: Uint8Array, at: number, n: number): number {
  const length = smallLength(n);
  const after = at + length;
  let rest = n;
  let i = after;
  while (rest >= 100) {
    const pair = (rest % 100) * 2;
    rest = (rest / 100) | 0;
    i -= 2;
    bytes[i] = PAIRS[pair];
    bytes[i + 1] = PAIRS[pair + 1];
  }
  if (rest >= 10) {
    bytes[at] = PAIRS[rest * 2];
    bytes[at + 1] = PAIRS[rest * 2 + 1];
  } else {
    bytes[at] = ZERO + rest;
  }
  return after;
}

/** Writes a signed 64-bit integer at `at`; returns the position after it. At most 20 bytes. */
export function writeInt64(bytes: Uint8Array, at: number, n: bigint): number {
  if (n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER)) {
    return writeInteger(bytes, at, Number(n));
  }
  const text = n.toString();
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
];

/**
 * The double in `bytes[start, end)` as a Redis command reads a score or an increment. NaN stands
 * for every refusal: no number, bytes left over, "nan" itself, and values that overflow or vanish
 * (1e400, 1e-400): those are infinite or 0 instead where `clamps`. Infinities by name and hexadecimal
 * floats are numbers to strtod, so they pass.
 */
export function parseDouble(bytes: Uint8Array, start: number, end: number, clamps = false): number {
  let at = start;
  if (at >= end) return Number.NaN;
  const negative = bytes[at] === MINUS;
  if (negative || bytes[at] === PLUS) at++;
  if (at >= end) return Number.NaN;
  const first = bytes[at] | 32;
  if (first === 105) return parseInfinity(bytes, at, end, negative);
  if (bytes[at] === ZERO && end - at > 2 && (bytes[at + 1] | 32) === 120) {
    return parseHexadecimal(bytes, at + 2, end, negative, clamps);
  }

  let mantissa = 0;
  let digits = 0;
  let significant = 0;
  let fraction = 0;
  let pointSeen = false;
  for (; at < end; at++) {
    const c = bytes[at];
    if (c === POINT && !pointSeen) {
      pointSeen = true;
      continue;
    }
    const digit = c - ZERO;
    if (digit < 0 || digit > 9) break;
    digits++;
    if (pointSeen) fraction++;
    if (significant > 0 || digit > 0) significant++;
    if (significant <= 16) mantissa = mantissa * 10 + digit;
  }
  if (digits === 0) return Number.NaN;
  // Above that, what was added to may have been rounded.
  const isExact = significant <= 16 && mantissa <= Number.MAX_SAFE_INTEGER;
  if (at === end && isExact && fraction <= 22) {
    // Both operands are exact, so one division rounds once: the result is the nearest double.
    const value = mantissa / EXACT_POWERS[fraction];
    return negative ? -value : value;
  }
  if (at < end && !isExponent(bytes, at, end)) return Number.NaN;

  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  const value = Number(text);
  if (clamps) return value;
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (value === 0 && significant > 0) return Number.NaN;
  return value;
}

function isExponent(bytes: Uint8Array, start: number, end: number): boolean {
  if ((bytes[start] | 32) !== 101) return false;
  let at = start + 1;
  if (at < end && (bytes[at] === MINUS || bytes[at] === PLUS)) at++;
  if (at >= end) return false;
  for (; at < end; at++) if (bytes[at] < ZERO || bytes[at] > 57) return false;
  return true;
}

function parseInfinity(bytes: Uint8Array, at: number, end: number, negative: boolean): number {
  const name = end - at === 3 ? "inf" : "infinity";
  if (end - at !== name.length) return Number.NaN;
  for (let i = 0; i < name.length; i++) {
    if ((bytes[at + i] | 32) !== name.charCodeAt(i)) return Number.NaN;
  }
  return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The part of a hexadecimal float after its 0x: digits, perhaps a point, perhaps p and a power. */
function parseHexadecimal(
  bytes: Uint8Array,
  from: number,
  end: number,
  negative: boolean,
  clamps: boolean,
): number {
  let at = from;
  let mantissa = 0n;
  let exponent = 0;
  let digits = 0;
  let kept = 0;
  let pointSeen = false;
  for (; at < end; at++) {
    const c = bytes[at];
    if (c === POINT && !pointSeen) {
      pointSeen = true;
      continue;
    }
    const digit = hexDigit(c);
    if (digit < 0) break;
    digits++;
    if (pointSeen) exponent -= 4;
    if (kept === 0 && digit === 0) continue;
    // Past 32 digits only "was there anything at all" can matter to the rounding.
    if (kept < 32) mantissa = mantissa * 16n + BigInt(digit);
    else {
      exponent += 4;
      if (digit > 0) mantissa |= 1n;
    }
    kept++;
  }
  if (digits === 0) return Number.NaN;
  if (at < end) {
    if ((bytes[at] | 32) !== 112) return Number.NaN;
    at++;
    const down = bytes[at] === MINUS;
    if (at < end && (down || bytes[at] === PLUS)) at++;
    if (at >= end) return Number.NaN;
    let power = 0;
    for (; at < end; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) return Number.NaN;
      if (power < 1e6) power = power * 10 + digit;
    }
    exponent += down ? -power : power;
  }
  const value = scaleByPowerOfTwo(mantissa, exponent);
  const isOutside = value === Number.POSITIVE_INFINITY || (value === 0 && mantissa !== 0n);
  if (isOutside && !clamps) return Number.NaN;
  return negative ? -value : value;
}

/** `mantissa * 2^exponent`, rounded once, to the nearest double. */
function scaleByPowerOfTwo(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > 1024) return Number.POSITIVE_INFINITY;
  if (bits + exponent < -1074) return 0;
  // Below 2^-1022 a double has fewer than 53 bits: cut to those before the multiplication,
  // keeping one bit for "something was cut off", or the value would be rounded twice.
  const spare = Math.max(bits - 53, -1074 - exponent);
  if (spare <= 0) return Number(mantissa) * 2 ** exponent;
  const shift = BigInt(spare);
  let kept = mantissa >> shift;
  const rest = mantissa - (kept << shift);
  const half = 1n << (shift - 1n);
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept += 1n;
  const power = exponent + spare;
  return power > 971 ? Number(kept) * 2 ** 971 * 2 ** (power - 971) : Number(kept) * 2 ** power;
}

function hexDigit(c: number): number {
  if (c >= ZERO && c <= 57) return c - ZERO;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Longest text of formatDouble(): a sign, 17 digits, 7 zeros. */
export const DOUBLE_BYTES = 25;
/** Whole numbers up to this print all their digits: half of what an int64 can hold. */
const WHOLE_MAX = 2 ** 62;

/**
 * A double as Redis 7.2 prints one: whole numbers up to 2^62 digit by digit, otherwise the
 * shortest digits that read back the same. When those digits go far beyond the point, or zeros
 * would have to pad them, the form is d.ddde+x; the thresholds are the ones clients have come to
 * see, 12345.678901234 prints as 1.2345678901234e+4.
 */
export function formatDouble(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (x === Number.POSITIVE_INFINITY) return "inf";
  if (x === Number.NEGATIVE_INFINITY) return "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const size = Math.abs(x);
  if (size <= WHOLE_MAX && Math.floor(x) === x)
    return size <= Number.MAX_SAFE_INTEGER ? String(x) : String(BigInt(x));

  // Neither far beyond the point nor with many digits behind it: JavaScript's form is the same.
  if (size >= 1e-3 && size < 1e15) {
    const text = String(x);
    if (size < 1e4 || text.length - text.indexOf(".") <= 7) return text;
  }
  const sign = x < 0 ? "-" : "";
  const shortest = Math.abs(x).toExponential();
  const mark = shortest.indexOf("e");
  const power = Number(shortest.slice(mark + 1));
  const digits = shortest[0] + shortest.slice(2, mark);
  const count = digits.length;
  const scale = power - count + 1; // The value is digits * 10^scale.
  const distance = Math.abs(power);

  if (scale >= 0 && distance < count + 7) return sign + digits + "0".repeat(scale);
  if (scale < 0 && (scale > -7 || distance < 4)) {
    const whole = count + scale; // Digits before the point.
    if (whole <= 0) return `${sign}0.${"0".repeat(-whole)}${digits}`;
    return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  const tail = count > 1 ? `.${digits.slice(1)}` : "";
  return `${sign}${digits[0]}${tail}e${power < 0 ? "-" : "+"}${distance}`;
}
