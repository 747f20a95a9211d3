/**
 * Odd requests: every command with names, counts, lengths and numbers that nobody sends in earnest,
 * near 2^24, 2^29, 2^31, 2^32, 2^53 and 2^63, where a runtime's strings, tables, buffers and integers end.
 *
 * They are made from the argument grammar of the command table, so a new command is tried by being
 * declared. A request is described and not built: its bytes come out piece by piece (chunksOf), so
 * that one of gigabytes takes no memory here.
 */
import type { Argument, CommandRow } from "@kv/commands";
import { latin1Bytes } from "@kv/resp";
import type { Chance } from "./chance.ts";

/** A word as it is, one character a byte; or so many times the same byte. */
export type OddWord = string | { readonly length: number; readonly fill: string };

/** Words that come one behind the other, all of them so often. */
export interface OddRun {
  readonly words: readonly OddWord[];
  readonly count: number;
}

export type OddRequest = readonly OddRun[];

/** How far a request may go. */
export interface OddLimits {
  /** Longest word, in bytes. */
  readonly lengthMax: number;
  /** Most words of a request. */
  readonly countMax: number;
}

/** Commands that are left out, each with its reason. */
export const notTried: ReadonlyMap<string, string> = new Map([
  ["shutdown", "ends the server, as it should"],
  ["debug", "crashes, stops or delays the server where it is asked to"],
  ["client|pause", "holds the clients that look whether the server answers"],
  ["client|kill", "closes the clients that look whether the server answers"],
  ["acl|setuser", "may shut out the clients that look whether the server answers"],
  ["acl|load", "may shut out the clients that look whether the server answers"],
  ["config|set", "is tried directive by directive"],
  ["config|rewrite", "writes a file of the operator's"],
]);

const lengths = [
  0,
  1,
  63,
  64,
  65,
  1024,
  2 ** 16,
  2 ** 20,
  2 ** 24 + 1,
  2 ** 29 - 1,
  2 ** 29,
  2 ** 29 + 1,
];
const counts = [1, 2, 33, 513, 5000, 2 ** 16 + 1, 2 ** 20, 2 ** 24 - 1, 2 ** 24 + 1];
const edges = [
  2n ** 16n,
  2n ** 24n,
  2n ** 29n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n,
];
const numbers = [
  ...edges.flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge, 1n - edge]).map(String),
  ...["0", "-1", "1", "7", "4293918759", "1e400", "-1e400", "nan", "inf", "0x10", "", " 1", "1.5"],
];
const texts = [
  "",
  "*",
  "k*",
  "__proto__",
  "constructor",
  "\0",
  "\xff\xfe",
  "a\r\nb",
  "%s%n",
  "'\"\\",
  "id",
];
/** Keys that tests give a value before; half of the time a request is about one of them. */
const oddKeys: readonly string[] = ["text", "number", "long", "small-hash", "large-hash", "none"];

export class OddRequestMaker {
  private readonly chance: Chance;
  private readonly lengths: readonly number[];
  private readonly counts: readonly number[];

  constructor(chance: Chance, { lengthMax, countMax }: OddLimits) {
    this.chance = chance;
    this.lengths = lengths.filter((length) => length <= lengthMax);
    this.counts = counts.filter((count) => count <= countMax);
  }

  /** A request for the command. One of ten has a word too many or too few. */
  make(row: CommandRow): OddRequest {
    const { chance } = this;
    const runs: OddRun[] = [{ words: row.fullName.split("|"), count: 1 }];
    for (const argument of row.command.args ?? []) this.append(argument, runs);
    if (chance.percent(5)) runs.push({ words: [this.word()], count: chance.of(this.counts) });
    if (chance.percent(5) && runs.length > 1) runs.pop();
    return runs;
  }

  /** A value for whatever takes one: a directive, an argument. */
  word(): OddWord {
    const { chance } = this;
    if (chance.percent(40)) return chance.of(numbers);
    if (chance.percent(30)) return chance.of(texts);
    return this.long();
  }

  private long(): OddWord {
    const { chance } = this;
    // The longest are as rare as they are slow.
    const most = chance.percent(90) ? Math.min(this.lengths.length, 8) : this.lengths.length;
    return {
      length: this.lengths[chance.below(most)] as number,
      fill: chance.of(["x", "\0", "9", "\xff"]),
    };
  }

  private append(argument: Argument, runs: OddRun[]): void {
    const { chance } = this;
    if (argument.optional === true && chance.percent(50)) return;
    const isMany = argument.multiple === true;
    const most = chance.percent(90) ? Math.min(this.counts.length, 5) : this.counts.length;
    const count = isMany ? (this.counts[chance.below(most)] as number) : 1;
    if (argument.token !== undefined && argument.type !== "pure-token")
      runs.push({ words: [argument.token], count: 1 });
    const words: OddWord[] = [];
    this.fill(argument, words);
    if (words.length > 0) runs.push({ words, count });
  }

  private fill(argument: Argument, words: OddWord[]): void {
    const { chance } = this;
    switch (argument.type) {
      case "pure-token":
        words.push(argument.token ?? "");
        break;
      case "oneof":
        this.inner(chance.of(argument.args ?? []), words);
        break;
      case "block":
        for (const each of argument.args ?? []) this.inner(each, words);
        break;
      case "key":
        words.push(chance.percent(60) ? chance.of(oddKeys) : this.word());
        break;
      case "integer":
      case "double":
      case "unix-time":
        words.push(chance.percent(85) ? chance.of(numbers) : this.word());
        break;
      default:
        words.push(this.word());
    }
  }

  private inner(argument: Argument | undefined, words: OddWord[]): void {
    if (argument === undefined) return;
    if (argument.token !== undefined && argument.type !== "pure-token") words.push(argument.token);
    this.fill(argument, words);
  }
}

function lengthOf(word: OddWord): number {
  return word.length;
}

/** Bytes of the words of a request. */
export function sizeOf(request: OddRequest): number {
  let sum = 0;
  for (const { words, count } of request)
    for (const word of words) sum += count * (lengthOf(word) + `$${lengthOf(word)}\r\n\r\n`.length);
  return sum;
}

/** What a failure says of a request. */
export function describeRequest(request: OddRequest): string {
  const text = (word: OddWord) =>
    typeof word === "string" ? JSON.stringify(word) : `${JSON.stringify(word.fill)}*${word.length}`;
  return request
    .map(({ words, count }) => words.map(text).join(" ") + (count === 1 ? "" : ` (times ${count})`))
    .join(" ");
}

const PIECE_BYTES = 65_536;

/** The request as RESP, in pieces of about 64 KiB. */
export function* chunksOf(request: OddRequest): Generator<Uint8Array> {
  const total = request.reduce((sum, { words, count }) => sum + words.length * count, 0);
  let waiting = `*${total}\r\n`;
  for (const { words, count } of request) {
    for (let done = 0; done < count; done++) {
      for (const word of words) {
        waiting += `$${lengthOf(word)}\r\n`;
        if (typeof word === "string") waiting += word;
        else if (word.length <= PIECE_BYTES) waiting += word.fill.repeat(word.length);
        else {
          yield latin1Bytes(waiting);
          waiting = "";
          const piece = new Uint8Array(PIECE_BYTES).fill(word.fill.charCodeAt(0));
          for (let left = word.length; left > 0; left -= PIECE_BYTES)
            yield left < PIECE_BYTES ? piece.subarray(0, left) : piece;
        }
        waiting += "\r\n";
      }
      if (waiting.length >= PIECE_BYTES) {
        yield latin1Bytes(waiting);
        waiting = "";
      }
    }
  }
  if (waiting !== "") yield latin1Bytes(waiting);
}
