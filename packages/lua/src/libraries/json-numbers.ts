/**
 * Numbers as cjson prints and reads them: `%.14g`, and what C's `strtod` takes.
 */

/** `%.<precision>g` of a finite number. */
export function formatG(value: number, precision: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const text = value.toExponential(precision - 1);
  const at = text.indexOf("e");
  const exponent = Number(text.slice(at + 1));
  let digits = rounded(value, text.slice(0, at), precision, exponent);
  if (exponent < -4 || exponent >= precision) {
    digits = withoutZeros(digits);
    const size = Math.abs(exponent);
    return `${digits}e${exponent < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
  }
  // The digits without their point, which goes elsewhere.
  const sign = digits.startsWith("-") ? "-" : "";
  const plain = digits.replace("-", "").replace(".", "");
  if (exponent < 0) return `${sign}${withoutZeros(`0.${"0".repeat(-exponent - 1)}${plain}`)}`;
  return `${sign}${withoutZeros(`${plain.slice(0, exponent + 1)}.${plain.slice(exponent + 1)}`)}`;
}

/**
 * JavaScript rounds what lies exactly between two texts away from zero, C to an even digit. Such a
 * number has one digit more, a five, and nothing behind it.
 */
function rounded(value: number, digits: string, precision: number, exponent: number): string {
  const next = digits.charCodeAt(digits.length - 1) - 0x30;
  if ((next & 1) === 0) return digits;
  const exact = value.toExponential(Math.min(100, precision + 20));
  const tail = exact.slice(exact.indexOf(".") + precision, exact.indexOf("e"));
  if (!/^50*$/.test(tail)) return digits;
  // The neighbour below ends in an even digit.
  const lower = exact.slice(0, exact.indexOf(".") + precision);
  return Number(exact.slice(exact.indexOf("e") + 1)) === exponent
    ? precision === 1
      ? lower.replace(".", "")
      : lower
    : digits;
}

function withoutZeros(digits: string): string {
  if (!digits.includes(".")) return digits;
  return digits.replace(/0+$/, "").replace(/\.$/, "");
}

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x61 + 10 : -1;
}

function letters(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    if ((bytes[at + i] | 0x20) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** Reads numbers as `strtod` does: `value` is what was read, `end` where the number ends. */
export class NumberReader {
  value = 0;
  end = 0;

  /** Reads the number that starts at `start`; when there is none, `end` is `start`. */
  read(bytes: Uint8Array, start: number): void {
    let at = start;
    const minus = bytes[at] === 0x2d;
    if (minus || bytes[at] === 0x2b) at++;
    const first = at;
    if (bytes[at] === 0x30 && (bytes[at + 1] | 0x20) === 0x78 && this.readHex(bytes, at + 2)) {
      if (minus) this.value = -this.value;
      return;
    }
    if (letters(bytes, at, "inf")) {
      this.end = at + (letters(bytes, at + 3, "inity") ? 8 : 3);
      this.value = minus ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      return;
    }
    if (letters(bytes, at, "nan")) {
      this.end = at + 3;
      this.value = Number.NaN;
      return;
    }
    while (isDigit(bytes[at])) at++;
    let digits = at - first;
    if (bytes[at] === 0x2e) {
      const point = at++;
      while (isDigit(bytes[at])) at++;
      digits += at - point - 1;
    }
    if (digits === 0) {
      this.end = start;
      return;
    }
    if ((bytes[at] | 0x20) === 0x65) {
      let power = at + 1;
      if (bytes[power] === 0x2b || bytes[power] === 0x2d) power++;
      if (isDigit(bytes[power])) {
        while (isDigit(bytes[power])) power++;
        at = power;
      }
    }
    let text = "";
    for (let i = start; i < at; i++) text += String.fromCharCode(bytes[i]);
    this.value = Number(text);
    this.end = at;
  }

  private readHex(bytes: Uint8Array, from: number): boolean {
    let at = from;
    let value = 0;
    let digits = 0;
    for (; hexDigit(bytes[at]) >= 0; at++, digits++) value = value * 16 + hexDigit(bytes[at]);
    if (bytes[at] === 0x2e) {
      let unit = 1 / 16;
      for (at++; hexDigit(bytes[at]) >= 0; at++, digits++, unit /= 16) {
        value += hexDigit(bytes[at]) * unit;
      }
    }
    if (digits === 0) return false;
    if ((bytes[at] | 0x20) === 0x70) {
      let power = at + 1;
      const minus = bytes[power] === 0x2d;
      if (minus || bytes[power] === 0x2b) power++;
      if (isDigit(bytes[power])) {
        let exponent = 0;
        for (; isDigit(bytes[power]); power++) {
          exponent = Math.min(exponent * 10 + bytes[power] - 0x30, 10_000);
        }
        value *= 2 ** (minus ? -exponent : exponent);
        at = power;
      }
    }
    this.value = value;
    this.end = at;
    return true;
  }
}
