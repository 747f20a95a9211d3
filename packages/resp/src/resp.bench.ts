/**
 * What one request and one reply cost in CPU time.
 *
 *   node src/resp.bench.ts           a short run that only shows that the benchmark works
 *   node src/resp.bench.ts --large   numbers to compare with those of another revision
 *
 * Each row is the least of several rounds: other programs can only make a round slower.
 */

import { ArgVector } from "./arg-vector.ts";
import { parseInteger } from "./number-codec.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { defaultRequestLimits, ReadStatus } from "./request-limits.ts";
import { RequestReader } from "./request-parser.ts";
import { encodeRequest, type RequestArgument } from "./request-writer.ts";

const large = process.argv.includes("--large");
const rounds = large ? 9 : 2;
const repetitions = large ? 4000 : 20;

/** Runs `work`, which does `count` things, and prints nanoseconds of CPU for one of them. */
function measure(name: string, count: number, work: () => void): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < repetitions; i++) work();
    const used = process.cpuUsage(before);
    best = Math.min(best, ((used.user + used.system) * 1000) / (repetitions * count));
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(1).padStart(8)} ns`);
}

function pipeline(count: number, request: (i: number) => RequestArgument[]): Uint8Array {
  const parts = Array.from({ length: count }, (_, i) => encodeRequest(request(i)));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const key = (i: number) => `key:${`${(i * 7919) % 1e6}`.padStart(12, "0")}`;
const value = (size: number) => "x".repeat(size);
let sink = 0;

function measureReader(name: string, count: number, bytes: Uint8Array, step = bytes.length): void {
  const reader = new RequestReader(defaultRequestLimits());
  const batch = new ArgVector();
  const view = new DataView(bytes.buffer);
  let seen = 0;
  const work = () => {
    seen = 0;
    for (let at = 0; at < bytes.length; at += step) {
      batch.clear();
      let status = reader.read(bytes, view, at, Math.min(at + step, bytes.length), batch);
      seen += batch.commandCount;
      while (status === ReadStatus.MORE) {
        batch.clear();
        status = reader.more(batch);
        seen += batch.commandCount;
      }
    }
    sink += batch.ends[0];
  };
  measure(name, count, work);
  if (seen !== count) throw new Error(`${name}: ${seen} requests instead of ${count}`);
}

const get = pipeline(64, (i) => ["GET", key(i)]);
measureReader(
  "read PING, 64 in a batch",
  64,
  pipeline(64, () => ["PING"]),
);
measureReader("read GET, 64 in a batch", 64, get);
measureReader(
  "read GET, alone",
  1,
  pipeline(1, (i) => ["GET", key(i)]),
);
measureReader(
  "read SET of 3 bytes, 64 in a batch",
  64,
  pipeline(64, (i) => ["SET", key(i), "xxx"]),
);
measureReader(
  "read SET of 200 bytes, 64 in a batch",
  64,
  pipeline(64, (i) => ["SET", key(i), value(200)]),
);
measureReader(
  "read MSET of 10, 16 in a batch",
  16,
  pipeline(16, (i) => ["MSET", ...Array.from({ length: 20 }, (_, k) => key(i + k))]),
);
measureReader("read GET, 64 cut into pieces of 100 bytes", 64, get, 100);
measureReader(
  "read GET, 1200 in a batch (64 KiB, MORE)",
  1200,
  pipeline(1200, (i) => ["GET", key(i)]),
);
measureReader(
  "read SET of 1 MiB in pieces of 64 KiB",
  1,
  pipeline(1, (i) => ["SET", key(i), value(1 << 20)]),
  65536,
);

const source = new Uint8Array(1 << 20).fill(120);
const sourceView = new DataView(source.buffer);
const reply = new ReplyWriter();
const hundred = Array.from({ length: 100 }, (_, i) => i);

function measureWriter(name: string, write: (i: number) => void): void {
  measure(name, 100, () => {
    reply.reset();
    for (const i of hundred) write(i);
    sink += reply.length;
  });
}

measureWriter("reply +OK", () => reply.ok());
measureWriter("reply null", () => reply.null());
measureWriter("reply integer of 1 digit", (i) => reply.integer(i % 10));
measureWriter("reply integer of 6 digits", (i) => reply.integer(123400 + i));
measureWriter("reply integer of 13 digits", (i) => reply.integer(1700000000000 + i));
for (const size of [3, 16, 64, 256, 4096]) {
  measureWriter(`reply bulk of ${size} bytes`, (i) => reply.bulk(source, i * 64, i * 64 + size));
  measureWriter(`reply bulk of ${size} bytes, with view`, (i) =>
    reply.bulkFrom(source, sourceView, i * 64, i * 64 + size),
  );
}
measureWriter("reply double", (i) => reply.double(i + 0.25));

const digits = new Uint8Array([49, 50, 51, 52, 53, 54]);
measure("parse integer of 6 digits", 100, () => {
  for (const i of hundred) sink += parseInteger(digits, 0, 6) + i;
});
if (sink === 0) throw new Error("nothing was done");
