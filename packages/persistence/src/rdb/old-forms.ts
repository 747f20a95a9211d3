/**
 * For tests: ziplists and zipmaps, which no Redis since 7.0 writes any more, built as it did.
 */
import { bytesOfText } from "../keyspace-contents.ts";

/** A number in so many bytes, low ones first. */
export const littleEndian = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 255);
const codes = (text: string) => [...bytesOfText(text)];

/** An element's encoding and data, in the smallest form, as Redis chose it. */
function ziplistData(text: string): number[] {
  if (/^(0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) {
    const number = Number(text);
    if (number >= 0 && number <= 12) return [0xf1 + number];
    if (number >= -128 && number < 128) return [0xfe, number & 255];
    if (number >= -32768 && number < 32768) return [0xc0, ...littleEndian(number >>> 0, 2)];
    if (number >= -8388608 && number < 8388608) return [0xf0, ...littleEndian(number >>> 0, 3)];
    if (number === (number | 0)) return [0xd0, ...littleEndian(number >>> 0, 4)];
    const bits = BigInt.asUintN(64, BigInt(text));
    return [
      0xe0,
      ...littleEndian(Number(bits & 0xffffffffn), 4),
      ...littleEndian(Number(bits >> 32n), 4),
    ];
  }
  const { length } = text;
  if (length < 64) return [length, ...codes(text)];
  if (length < 16384) return [0x40 | (length >> 8), length & 255, ...codes(text)];
  return [0x80, ...littleEndian(length, 4).reverse(), ...codes(text)];
}

export function ziplistOf(elements: string[]): Uint8Array {
  const body: number[] = [];
  let previous = 0;
  let tail = 10;
  for (const element of elements) {
    tail = 10 + body.length;
    const head = previous < 254 ? [previous] : [254, ...littleEndian(previous, 4)];
    const bytes = [...head, ...ziplistData(element)];
    body.push(...bytes);
    previous = bytes.length;
  }
  const count = Math.min(elements.length, 65535);
  return Uint8Array.from([
    ...littleEndian(body.length + 11, 4),
    ...littleEndian(tail, 4),
    ...littleEndian(count, 2),
    ...body,
    255,
  ]);
}

export function zipmapOf(pairs: [string, string][], free = 0): Uint8Array {
  const length = (text: string) =>
    text.length < 254 ? [text.length] : [254, ...littleEndian(text.length, 4)];
  const body = pairs.flatMap(([field, value]) => [
    ...length(field),
    ...codes(field),
    ...length(value),
    free,
    ...codes(value),
    ...new Array(free).fill(0),
  ]);
  return Uint8Array.from([Math.min(pairs.length, 254), ...body, 255]);
}
