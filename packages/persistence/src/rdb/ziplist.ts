/**
 * Ziplist: the flat list of Redis 2.x to 6.x, which only old files still contain. It is validated
 * to the last byte and its elements are handed on; nothing here is ever written.
 *
 *      total bytes u32 | tail offset u32 | count u16 | element | element | ... | FF
 *
 * An element is the length of the one before it (1 byte below 254, or FE and 4 bytes), its
 * encoding, its data. Encodings:
 *
 *      00nnnnnn                    string of up to 63 bytes
 *      01nnnnnn nnnnnnnn           string of 14 bits of length, high ones first
 *      10...... 4 bytes            string of 32 bits of length, high ones first
 *      C0, D0, E0                  integer of 2, 4, 8 bytes, low byte first
 *      F0, FE                      integer of 3 bytes, of 1 byte
 *      F1 to FD                    integer 0 to 12
 *
 * Example, "f" then "5": 0F 00 00 00 | 0D 00 00 00 | 02 00 | 00 01 66 | 03 F6 | FF, where the
 * second element begins with the 3 bytes that the first one takes and F6 is the integer 5.
 */
import type { ListpackValue } from "@kv/core";

const HEADER_BYTES = 10;
const END = 0xff;
const LONG_PREVIOUS = 0xfe;
const COUNT_UNKNOWN = 0xffff;

/** Walks over the elements of the ziplist bytes[start, end), checking as it goes. */
export class ZiplistWalk {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly start: number;
  private readonly last: number;
  private at: number;
  private previousBytes = 0;
  private lastElementAt: number;
  private count = 0;
  private readonly headIsWhole: boolean;

  constructor(bytes: Uint8Array, view: DataView, start: number, end: number) {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.last = end - 1;
    this.at = start + HEADER_BYTES;
    this.lastElementAt = this.at;
    this.headIsWhole =
      end - start > HEADER_BYTES &&
      view.getUint32(start, true) === end - start &&
      bytes[end - 1] === END;
  }

  /** True with the next element in `out`; false at the end or at something malformed. */
  next(out: ListpackValue): boolean {
    if (!this.headIsWhole || this.at >= this.last) return false;
    const { bytes, view, last } = this;
    const begin = this.at;
    let at = begin;
    let previous = bytes[at];
    if (previous === END) return false;
    if (previous === LONG_PREVIOUS) {
      if (at + 5 > last) return false;
      previous = view.getUint32(at + 1, true);
      at += 5;
    } else {
      at += 1;
    }
    if (previous !== this.previousBytes || at >= last) return false;
    const encoding = bytes[at];
    const isString = encoding < 0xc0;
    const after = isString ? this.string(encoding, at, out) : this.integer(encoding, at, out);
    if (after === -1) return false;
    this.previousBytes = after - begin;
    this.lastElementAt = begin;
    this.at = after;
    this.count++;
    return true;
  }

  /** Reads the string whose encoding stands at `at`; the position behind it, or -1. */
  private string(encoding: number, at: number, out: ListpackValue): number {
    const { bytes, view, last } = this;
    const head = encoding < 0x40 ? 1 : encoding < 0x80 ? 2 : 5;
    if (at + head > last) return -1;
    let length = encoding & 63;
    if (head === 2) length = (length << 8) | bytes[at + 1];
    else if (head === 5) length = view.getUint32(at + 1, false);
    const from = at + head;
    if (from + length > last) return -1;
    out.setString(bytes, view, from, from + length);
    return from + length;
  }

  /** As string(), for an integer. */
  private integer(encoding: number, at: number, out: ListpackValue): number {
    const { view, last } = this;
    const size = integerBytes(encoding);
    const from = at + 1;
    if (size === -1 || from + size > last) return -1;
    let lo = (encoding & 15) - 1; // Stored in the encoding itself.
    if (size === 1) lo = view.getInt8(from);
    else if (size === 2) lo = view.getInt16(from, true);
    else if (size === 3) lo = view.getUint16(from, true) | (view.getInt8(from + 2) << 16);
    else if (size >= 4) lo = view.getInt32(from, true);
    out.setInteger(size === 8 ? view.getInt32(from + 4, true) : lo >> 31, lo);
    return from + size;
  }

  /** After next() returned false: true when the whole ziplist was what it claimed to be. */
  isWhole(): boolean {
    if (!this.headIsWhole || this.at !== this.last) return false;
    const { view, start } = this;
    const claimed = view.getUint16(start + 8, true);
    if (claimed !== COUNT_UNKNOWN && claimed !== this.count) return false;
    // An empty list's tail is where its first element would be.
    return view.getUint32(start + 4, true) === this.lastElementAt - start;
  }
}

/** Bytes of an integer's data, or -1 for an encoding that does not exist. */
function integerBytes(encoding: number): number {
  if (encoding === 0xc0) return 2;
  if (encoding === 0xd0) return 4;
  if (encoding === 0xe0) return 8;
  if (encoding === 0xf0) return 3;
  if (encoding === 0xfe) return 1;
  return encoding > 0xf0 && encoding < 0xfe ? 0 : -1;
}
