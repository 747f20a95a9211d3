/**
 * What one reply costs the client's side, beside redis-parser 3, which ioredis and node-redis 3 read
 * replies with.
 *
 *   node src/reply-parser.bench.ts              a short run that only shows that the benchmark works
 *   node src/reply-parser.bench.ts --large      both in this process, by turns
 *   node src/reply-parser.bench.ts --isolated   a process for each row of each parser
 *
 * A word after that picks the rows whose names contain it. redis-parser keeps the chunks it is given
 * and answers with views of them when it is asked for bytes; beside our default, which copies, stands
 * what we take with `keepChunks`, which does the same.
 *
 * The engine fits a parser to what it has read so far. In one process both have read every row before
 * the first is measured, as a client has that is used for more than one thing; in a process of its own
 * a parser only ever sees one kind of reply.
 *
 * A figure is CPU time of the whole process, collection of garbage included, and the least of many
 * rounds: other programs can only make a round slower.
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import RedisParser from "redis-parser";
import { ReplyParser } from "./reply-parser.ts";

/** How long to measure. */
export interface BenchmarkSize {
  /** Rounds of each parser on each row. */
  rounds: number;
  /** CPU time of one round, about. */
  roundUs: number;
}

/** Nanoseconds a reply. */
export interface BenchmarkRow {
  name: string;
  oursNs: number;
  /** Ours, with `keepChunks`. */
  keptNs: number;
  theirsNs: number;
}

const SMALL: BenchmarkSize = { rounds: 1, roundUs: 100 };
const LARGE: BenchmarkSize = { rounds: 40, roundUs: 8_000 };

/** Replies as a socket would bring them. */
interface Row {
  name: string;
  chunks: Buffer[];
  replies: number;
  /** Strings stay bytes. */
  bytes: boolean;
}

interface Contender {
  /** Reads a row's chunks once and returns how many replies there were. */
  read: () => number;
  bestNs: number;
}

function row(name: string, reply: string, count: number, chunkBytes = 0, bytes = false): Row {
  const all = Buffer.from(reply.repeat(count), "latin1");
  const step = chunkBytes === 0 ? all.length : chunkBytes;
  const chunks: Buffer[] = [];
  // Copied, so that each chunk is a buffer of its own, as from a socket.
  for (let at = 0; at < all.length; at += step) {
    chunks.push(Buffer.from(all.subarray(at, at + step)));
  }
  return { name, chunks, replies: count, bytes };
}

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const array = (count: number, part: (i: number) => string) =>
  `*${count}\r\n${Array.from({ length: count }, (_, i) => part(i)).join("")}`;

const BULK_16 = bulk("0123456789abcdef");
const TEN = array(10, (i) => bulk(`0123456789abcde${i}`));
const NESTED = array(3, (i) => array(3, (k) => array(2, (n) => bulk(`member:${i}${k}${n}`))));
const MIB = bulk("0123456789abcdef".repeat(65_536));

function rows(): Row[] {
  return [
    row("bulk of 16 bytes", BULK_16, 1000),
    row("bulk of 16 bytes, one a chunk", BULK_16, 1),
    row("bulk of 3 bytes", bulk("abc"), 1000),
    row("bulk of 100 bytes", bulk("0123456789".repeat(10)), 500),
    row("bulk of 16 bytes, UTF-8", bulk("na\xc3\xafve caf\xc3\xa9 123"), 1000),
    row("integer of 1 digit", ":1\r\n", 1000),
    row("integer of 7 digits", ":1234567\r\n", 1000),
    row("integer of 13 digits", ":1700000000000\r\n", 1000),
    row("integer below zero", ":-1\r\n", 1000),
    row("integer, one a chunk", ":1\r\n", 1),
    row("OK", "+OK\r\n", 1000),
    row("OK, one a chunk", "+OK\r\n", 1),
    row("null", "$-1\r\n", 1000),
    row("error", "-ERR unknown command 'nope'\r\n", 200),
    row("array of 10", TEN, 100),
    row("array of 10, one a chunk", TEN, 1),
    row(
      "array of 10 integers",
      array(10, (i) => `:${i}\r\n`),
      100,
    ),
    row("nested array, 3 x 3 x 2", NESTED, 50),
    row(
      "array of 10,000",
      array(10_000, () => BULK_16),
      1,
    ),
    row(
      "array of 10,000 in 64 KiB chunks",
      array(10_000, () => BULK_16),
      1,
      65_536,
    ),
    row("1000 bulks, cut every 1000 bytes", BULK_16, 1000, 1000),
    row("array of 10, cut in the middle", TEN, 1, TEN.length >> 1),
    row("1 MiB in 16 KiB chunks", MIB, 1, 16_384),
    row("1 MiB in 64 KiB chunks", MIB, 1, 65_536),
    row("1 MiB in 16 KiB chunks, UTF-8", bulk("0123456789abcd\xc3\xa9".repeat(65_536)), 1, 16_384),
    row("1 MiB in 16 KiB chunks, bytes", MIB, 1, 16_384, true),
    row("bulk of 16 bytes, bytes", BULK_16, 1000, 0, true),
    row("bulk of 1000 bytes, bytes", bulk("0123456789".repeat(100)), 60, 0, true),
  ];
}

let sink: unknown;

function ours({ chunks, bytes }: Row, keepChunks: boolean): Contender {
  const parser = new ReplyParser({ strings: bytes ? "bytes" : "utf8", keepChunks });
  const read = () => {
    let replies = 0;
    for (const chunk of chunks) {
      parser.feed(chunk);
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        sink = reply;
        replies++;
      }
    }
    return replies;
  };
  return { read, bestNs: Number.POSITIVE_INFINITY };
}

function theirs({ chunks, bytes }: Row): Contender {
  let replies = 0;
  const hear = (reply: unknown) => {
    sink = reply;
    replies++;
  };
  const parser = new RedisParser({ returnReply: hear, returnError: hear, returnBuffers: bytes });
  const read = () => {
    replies = 0;
    for (const chunk of chunks) parser.execute(chunk);
    return replies;
  };
  return { read, bestNs: Number.POSITIVE_INFINITY };
}

const CONTENDERS: Record<string, (row: Row) => Contender> = {
  ours: (row) => ours(row, false),
  kept: (row) => ours(row, true),
  theirs,
};

function usedUs(times: number, work: () => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

function warmUp(contender: Contender, row: Row, size: BenchmarkSize): void {
  if (contender.read() !== row.replies) throw new Error(`${row.name}: not ${row.replies} replies`);
  for (let spent = 0; spent < size.roundUs * 2; ) spent += usedUs(20, contender.read);
}

function measure(contenders: Contender[], row: Row, size: BenchmarkSize): void {
  let passes = 1;
  // Doubled until a round is long enough for the clock.
  while (usedUs(passes, contenders[0].read) < size.roundUs) passes *= 2;
  for (let round = 0; round < size.rounds; round++) {
    for (const contender of contenders) {
      const ns = (usedUs(passes, contender.read) * 1000) / (passes * row.replies);
      contender.bestNs = Math.min(contender.bestNs, ns);
    }
  }
  if (sink === undefined) throw new Error("nothing was read");
}

/** Measures rows whose names contain `part` in this process, the parsers by turns. */
export function runReplyParserBenchmark(size: BenchmarkSize, part = ""): BenchmarkRow[] {
  const stages = rows()
    .filter(({ name }) => name.includes(part))
    .map((row) => ({ row, contenders: Object.values(CONTENDERS).map((make) => make(row)) }));
  for (const { row, contenders } of stages) {
    for (const contender of contenders) warmUp(contender, row, size);
  }
  return stages.map(({ row, contenders }) => {
    measure(contenders, row, size);
    const [oursNs, keptNs, theirsNs] = contenders.map(({ bestNs }) => bestNs);
    return { name: row.name, oursNs, keptNs, theirsNs };
  });
}

/** One row of one parser, in this process. */
function runAlone(name: string, parser: string, size: BenchmarkSize): number {
  const row = rows().find((each) => each.name === name)!;
  const contender = CONTENDERS[parser](row);
  warmUp(contender, row, size);
  measure([contender], row, size);
  return contender.bestNs;
}

/** One row of each parser in processes of their own, by turns, for other programs come and go. */
function runIsolated(name: string): BenchmarkRow {
  const script = fileURLToPath(import.meta.url);
  const best = Object.keys(CONTENDERS).map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < 3; turn++) {
    for (const [i, parser] of Object.keys(CONTENDERS).entries()) {
      const child = spawnSync(process.execPath, [script, "--alone", name, parser]);
      if (child.status !== 0) throw new Error(`${child.stderr}`);
      best[i] = Math.min(best[i], Number(`${child.stdout}`));
    }
  }
  const [oursNs, keptNs, theirsNs] = best;
  return { name, oursNs, keptNs, theirsNs };
}

function print({ name, oursNs, keptNs, theirsNs }: BenchmarkRow): void {
  const ratio = (ns: number) => (ns / theirsNs).toFixed(2).padStart(6);
  const [ours, kept, theirs] = [oursNs, keptNs, theirsNs].map((ns) => ns.toFixed(1).padStart(11));
  console.log(`${name.padEnd(34)}${ours}${ratio(oursNs)}${kept}${ratio(keptNs)}${theirs}`);
}

function main(mode = "", part = "", parser = ""): void {
  if (mode === "--alone") {
    console.log(runAlone(part, parser, LARGE));
    return;
  }
  console.log(`${"nanoseconds a reply".padEnd(34)}       ours ratio keepChunks ratio redis-parser`);
  if (mode !== "--isolated") {
    for (const row of runReplyParserBenchmark(mode === "--large" ? LARGE : SMALL, part)) print(row);
    return;
  }
  for (const { name } of rows()) if (name.includes(part)) print(runIsolated(name));
}

if (import.meta.main) main(...process.argv.slice(2));
