/**
 * Text to bytes and back.
 *
 * Bytes from clients are not text: UTF-8 would destroy what is not valid. Where they have to pass
 * through a string they are latin1, one character for one byte, which loses nothing. UTF-8 is
 * for text of our own and for clients that ask for it.
 */

/**
 * Longest text that bytes are made into. JavaScript's strings end 24 characters short of the longest
 * argument; some room is left for what is put around a name.
 */
export const TEXT_BYTES_MAX = 2 ** 29 - 1024;

/** Characters per call of String.fromCharCode: its arguments lie on the stack. */
const CHUNK = 4096;

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** bytes[start, end) with one character for each byte; at most TEXT_BYTES_MAX of them. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end - start <= 32) {
    let text = "";
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
    return text;
  }
  const parts: string[] = [];
  for (let i = start; i < end; i += CHUNK) {
    const part = bytes.subarray(i, Math.min(i + CHUNK, end));
    parts.push(String.fromCharCode.apply(null, part as unknown as number[]));
  }
  return parts.join("");
}

/** bytes[start, end) read as UTF-8; what is not valid becomes U+FFFD. */
export function utf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return utf8Decoder.decode(bytes.subarray(start, end));
}

/** The bytes of latin1 text; of a character beyond U+00FF the low byte. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeLatin1(bytes, 0, text);
  return bytes;
}

/** The bytes of text in UTF-8. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(bytes, 0, text);
  return bytes;
}

/** Writes one byte for each character; returns the position after them. */
export function writeLatin1(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** How many bytes writeUtf8 writes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isPair(text, i, unit)) {
      // Four bytes for two units.
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** Writes text as UTF-8 (U+FFFD for half a surrogate pair); returns the position after it. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  let out = at;
  for (let i = 0; i < text.length; i++) {
    let unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[out++] = unit;
    } else if (unit < 0x800) {
      bytes[out++] = 0xc0 | (unit >> 6);
      bytes[out++] = 0x80 | (unit & 0x3f);
    } else if (isPair(text, i, unit)) {
      const point = 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
      bytes[out++] = 0xf0 | (point >> 18);
      bytes[out++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[out++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[out++] = 0x80 | (point & 0x3f);
    } else {
      if (unit >= 0xd800 && unit <= 0xdfff) unit = 0xfffd;
      bytes[out++] = 0xe0 | (unit >> 12);
      bytes[out++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[out++] = 0x80 | (unit & 0x3f);
    }
  }
  return out;
}

function isPair(text: string, at: number, unit: number): boolean {
  if (unit < 0xd800 || unit > 0xdbff || at + 1 >= text.length) return false;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}
