/**
 * NumberOrder: putting elements in the order of their numbers without comparing them.
 *
 * The 64 bits of a double, turned a little, are in the order of the numbers:
 *
 *      -1.0   BF F0 00 00 | 00 00 00 00   negative: all bits are turned     40 0F FF FF | FF FF FF FF
 *       1.0   3F F0 00 00 | 00 00 00 00   else the sign alone               BF F0 00 00 | 00 00 00 00
 *
 * They are taken as six digits, of 11, 11 and 10 bits a word. From the lowest on the elements are
 * dealt out by each digit, and stay in their order where it is the same. A digit in which all agree is
 * passed over: whole numbers of up to six places have nothing in the lower word. However the numbers are
 * chosen, this takes the same time.
 */

/** Lowest bit and bits of each digit of a word. */
const SHIFTS = [0, 11, 22] as const;
const DIGIT_MASK = 2047;
const DIGITS = 6;

/**
 * Puts `order`, indexes of `numbers`, in the order of these; equal ones stay as they are. None is NaN. `spare`
 * is as much room: true when the result is there.
 */
export function orderByNumber(
  numbers: Float64Array,
  isDescending: boolean,
  order: Int32Array,
  spare: Int32Array,
): boolean {
  const { length } = numbers;
  // Zeros of either sign are equal.
  for (let i = 0; i < length; i++) if (numbers[i] === 0) numbers[i] = 0;
  const words = new Int32Array(numbers.buffer, numbers.byteOffset, 2 * length);
  const turn = isDescending ? -1 : 0;
  const counts = new Int32Array(DIGITS * (DIGIT_MASK + 1));
  countDigits(words, turn, counts);
  let from = order;
  let to = spare;
  for (let digit = 0; digit < DIGITS; digit++) {
    const at = digit * (DIGIT_MASK + 1);
    if (!toPlaces(counts, at, length)) continue;
    const shift = SHIFTS[digit % 3] as number;
    if (digit < 3) dealByLower(words, turn, shift, counts, at, from, to);
    else dealByUpper(words, turn, shift, counts, at, from, to);
    const dealt = to;
    to = from;
    from = dealt;
  }
  return from === spare;
}

/** Says how often each digit has each value. */
function countDigits(words: Int32Array, turn: number, counts: Int32Array): void {
  for (let i = 0; i < words.length; i += 2) {
    const upper = words[i + 1] as number;
    const sign = upper >> 31;
    const low = (words[i] as number) ^ sign ^ turn;
    const high = upper ^ (sign | -0x80000000) ^ turn;
    count(counts, low & DIGIT_MASK);
    count(counts, 2048 + ((low >>> 11) & DIGIT_MASK));
    count(counts, 4096 + (low >>> 22));
    count(counts, 6144 + (high & DIGIT_MASK));
    count(counts, 8192 + ((high >>> 11) & DIGIT_MASK));
    count(counts, 10240 + (high >>> 22));
  }
}

function count(counts: Int32Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

/** Makes of the counts of a digit where each of its values begins. False: all have the same. */
function toPlaces(counts: Int32Array, at: number, length: number): boolean {
  let place = 0;
  for (let i = at; i <= at + DIGIT_MASK; i++) {
    const here = counts[i] as number;
    if (here === length) return false;
    counts[i] = place;
    place += here;
  }
  return true;
}

function dealByLower(
  words: Int32Array,
  turn: number,
  shift: number,
  places: Int32Array,
  at: number,
  from: Int32Array,
  to: Int32Array,
): void {
  for (let i = 0; i < from.length; i++) {
    const element = from[i] as number;
    const sign = (words[2 * element + 1] as number) >> 31;
    const low = (words[2 * element] as number) ^ sign ^ turn;
    const digit = at + ((low >>> shift) & DIGIT_MASK);
    const place = places[digit] as number;
    to[place] = element;
    places[digit] = place + 1;
  }
}

function dealByUpper(
  words: Int32Array,
  turn: number,
  shift: number,
  places: Int32Array,
  at: number,
  from: Int32Array,
  to: Int32Array,
): void {
  for (let i = 0; i < from.length; i++) {
    const element = from[i] as number;
    const upper = words[2 * element + 1] as number;
    const high = upper ^ ((upper >> 31) | -0x80000000) ^ turn;
    const digit = at + ((high >>> shift) & DIGIT_MASK);
    const place = places[digit] as number;
    to[place] = element;
    places[digit] = place + 1;
  }
}
