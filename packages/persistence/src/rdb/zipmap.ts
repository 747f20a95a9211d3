/**
 * Zipmap: small hashes of Redis 2.0 to 2.4, which only very old files still contain. Validated and
 * read, never written.
 *
 *      count u8 | length field | length free value [free bytes] | ... | FF
 *
 * A length is one byte below 254, or FE and 4 bytes, low byte first. `free` counts unused bytes
 * behind the value. A count of 254 or more says "count them". Example, {a: "1"}:
 *
 *      01 | 01 61 | 01 00 31 | FF
 */

const END = 0xff;
const LONG = 0xfe;

/** Walks over the pairs of the zipmap bytes[start, end), checking as it goes. */
export class ZipmapWalk {
  /** The pair that next() came to: positions in the bytes given. */
  fieldStart = 0;
  fieldEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly start: number;
  private readonly last: number;
  private at: number;
  private count = 0;
  private broken = false;

  constructor(bytes: Uint8Array, view: DataView, start: number, end: number) {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.last = end - 1;
    this.at = start + 1;
    if (end - start < 2 || bytes[end - 1] !== END) this.broken = true;
  }

  /** True with the next pair; false at the end or at something malformed. */
  next(): boolean {
    if (this.broken || this.at >= this.last) return false;
    this.broken = true; // Until the pair has turned out to be whole.
    const field = this.length();
    if (field === -1 || this.at + field >= this.last) return false;
    this.fieldStart = this.at;
    this.at += field;
    this.fieldEnd = this.at;
    const value = this.length();
    if (value === -1 || this.at >= this.last) return false;
    const free = this.bytes[this.at++];
    if (this.at + value + free > this.last) return false;
    this.valueStart = this.at;
    this.valueEnd = this.at + value;
    this.at += value + free;
    this.count++;
    this.broken = false;
    return true;
  }

  /**
   * After next() returned false: true when the whole zipmap was what it claimed to be. One without
   * pairs is none: a hash that had no field any more was no key.
   */
  isWhole(): boolean {
    if (this.broken || this.at !== this.last || this.count === 0) return false;
    const claimed = this.bytes[this.start];
    return claimed >= LONG || claimed === this.count;
  }

  private length(): number {
    const first = this.bytes[this.at];
    if (first < LONG) {
      this.at++;
      return first;
    }
    if (first !== LONG || this.at + 5 > this.last) return -1;
    const length = this.view.getUint32(this.at + 1, true);
    this.at += 5;
    return length;
  }
}
