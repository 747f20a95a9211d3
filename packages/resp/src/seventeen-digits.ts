/**
 * A double with seventeen significant digits, as C's "%.17g" prints it: without zeros at the end, with
 * an exponent of at least two digits when that is below -4 or above 16, and halves rounded to even.
 */

const DIGITS = 17;
/** As many digits as JavaScript gives of a double: far more than decide a tie. */
const EXACT_DIGITS = 100;

/** Between these there is no exponent, neither here nor where JavaScript prints seventeen digits. */
const PLAIN_MIN = 1e-4;
const PLAIN_MAX = 1e17;
/** With more binary digits than this behind the point, such a number has more than nineteen digits. */
const TIE_FRACTION_DIGITS_MAX = 22;

/** The text of a double: see the head of this file. */
export function seventeenDigits(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const size = Math.abs(x);
  if (size >= PLAIN_MIN && size < PLAIN_MAX && isFarFromTie(x)) return plain(x);
  const sign = x < 0 ? "-" : "";
  const [mantissa, power] = rounded(Math.abs(x)).split("e") as [string, string];
  const exponent = Number(power);
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  if (exponent < -4 || exponent >= DIGITS) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const ending = `${Math.abs(exponent)}`.padStart(2, "0");
    return `${sign}${digits[0]}${tail}e${exponent < 0 ? "-" : "+"}${ending}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return rest === "" ? sign + whole : `${sign}${whole}.${rest}`;
}

/** True when the double surely is no half: nearly all are not. */
function isFarFromTie(x: number): boolean {
  const digits = binaryFractionDigits(x);
  return digits <= 0 || digits > TIE_FRACTION_DIGITS_MAX;
}

/** The text of a double that has no exponent and is no half. */
function plain(x: number): string {
  const text = x.toPrecision(DIGITS);
  let end = text.length;
  if (!text.includes(".")) return text;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) end--;
  return text.slice(0, end);
}
const ZERO = 48;
const POINT = 46;

/** `d.ddde+x` with seventeen digits. JavaScript rounds halves up. */
function rounded(x: number): string {
  const up = x.toExponential(DIGITS - 1);
  if (!mayBeTie(x, up)) return up;
  const exact = x.toExponential(EXACT_DIGITS);
  const mark = exact.indexOf("e");
  const isTie = /^50*$/.test(exact.slice(DIGITS + 1, mark));
  const lastDigit = Number(exact[DIGITS]);
  return isTie && lastDigit % 2 === 0 ? exact.slice(0, DIGITS + 1) + exact.slice(mark) : up;
}

/**
 * A half is a number of eighteen digits. With n binary digits behind the point, a double has as many
 * decimal ones there, the last of them not zero. `up`: that number rounded.
 */
function mayBeTie(x: number, up: string): boolean {
  const fractionDigits = binaryFractionDigits(x);
  if (fractionDigits <= 0) return false;
  const digits = Number(up.slice(up.indexOf("e") + 1)) + 1 + fractionDigits;
  // Rounding may have made it one digit longer.
  return digits === DIGITS + 1 || digits === DIGITS + 2;
}

const bits = new DataView(new ArrayBuffer(8));

/** How many binary digits stand behind the point; none of a whole number. */
function binaryFractionDigits(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  const exponent = Math.max(1, (high >>> 20) & 0x7ff);
  // The leading one of the mantissa is above its 52 bits, and does not matter where all of them are zero.
  const mantissaHigh = (high & 0xfffff) | 0x100000;
  const zeros = low !== 0 ? trailingZeros(low) : 32 + trailingZeros(mantissaHigh);
  return 1075 - exponent - zeros;
}

const trailingZeros = (word: number) => 31 - Math.clz32(word & -word);
