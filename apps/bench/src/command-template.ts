/**
 * A command whose arguments differ only in twelve-digit numbers, encoded once and patched in
 * place: writing five million commands must cost the client less than running them costs the
 * server, or the client is what gets measured.
 */

const DIGITS = 12;
const PLACE = "############";

export interface CommandTemplate {
  /** The encoded command. */
  bytes: Uint8Array;
  /** Where the number goes. */
  numberAt: readonly number[];
  /** What the server answers each time, byte for byte; null: it differs, but is no error. */
  reply: string | null;
}

/** `#` in a word stands for the twelve digits of the command's number. */
export function commandTemplate(words: readonly string[], reply: string | null): CommandTemplate {
  const bulks = words
    .map((word) => word.replaceAll("#", PLACE))
    .map((word) => `$${word.length}\r\n${word}\r\n`);
  const text = `*${words.length}\r\n${bulks.join("")}`;
  const numberAt: number[] = [];
  for (let at = text.indexOf(PLACE); at >= 0; at = text.indexOf(PLACE, at + DIGITS)) {
    numberAt.push(at);
  }
  return { bytes: Buffer.from(text, "latin1"), numberAt, reply };
}

/** `count` copies of the command in a row, to be patched by `writeNumber` before each sending. */
export function repeatTemplate(template: CommandTemplate, count: number): Uint8Array {
  const size = template.bytes.length;
  const batch = new Uint8Array(size * count);
  for (let index = 0; index < count; index++) batch.set(template.bytes, index * size);
  return batch;
}

/** Puts `number` into the command at `index` of a batch. */
export function writeNumber(
  template: CommandTemplate,
  batch: Uint8Array,
  index: number,
  number: number,
): void {
  const base = index * template.bytes.length;
  for (const at of template.numberAt) {
    let rest = number;
    for (let digit = base + at + DIGITS - 1; digit >= base + at; digit--) {
      const quotient = Math.floor(rest / 10);
      batch[digit] = 48 + rest - quotient * 10;
      rest = quotient;
    }
  }
}

export const templates = {
  /** As redis-benchmark's: 16-byte key, 3-byte value. */
  shortString: commandTemplate(["SET", "key:#", "xxx"], "+OK\r\n"),
  /** 16-byte key, 16-byte value that is no integer. */
  string: commandTemplate(["SET", "key:#", "val:#"], "+OK\r\n"),
  /** Texts of several lengths. */
  text100: commandTemplate(["SET", "key:#", "t".repeat(100)], "+OK\r\n"),
  text200: commandTemplate(["SET", "key:#", "t".repeat(200)], "+OK\r\n"),
  text300: commandTemplate(["SET", "key:#", "t".repeat(300)], "+OK\r\n"),
  text500: commandTemplate(["SET", "key:#", "t".repeat(500)], "+OK\r\n"),
  hash: commandTemplate(
    ["HSET", "key:#", ...["name", "mail", "city", "role", "team"].flatMap((f) => [f, "v#"])],
    ":5\r\n",
  ),
  list: commandTemplate(
    ["RPUSH", "key:#", ...["a", "b", "c", "d", "e"].map((p) => `${p}#`)],
    ":5\r\n",
  ),
  set: commandTemplate(
    ["SADD", "key:#", ...["a", "b", "c", "d", "e"].map((p) => `${p}#`)],
    ":5\r\n",
  ),
  sortedSet: commandTemplate(
    ["ZADD", "key:#", ...["a", "b", "c", "d", "e"].flatMap((p, score) => [`${score}`, `${p}#`])],
    ":5\r\n",
  ),
  intset: commandTemplate(["SADD", "key:#", "1#", "2#", "3#", "4#", "5#"], ":5\r\n"),
  stream: commandTemplate(["XADD", "key:#", "*", "name", "v#"], null),
  // Below, numbers are elements of one collection. A digit before them makes them plain integers.
  largeHash: commandTemplate(["HSET", "large", "f:#", "v:#"], null),
  largeList: commandTemplate(["RPUSH", "large", "e:#"], null),
  largeSet: commandTemplate(["SADD", "large", "m:#"], null),
  largeIntset: commandTemplate(["SADD", "large", "1#"], null),
  largeSortedSet: commandTemplate(["ZADD", "large", "1#", "m:#"], null),
  largeStream: commandTemplate(["XADD", "large", "1#-0", "name", "v:#"], null),
  /** As largeStream, where many write at once. */
  streamEntry: commandTemplate(["XADD", "large", "*", "name", "v:#"], null),
};

export type TemplateName = keyof typeof templates;
