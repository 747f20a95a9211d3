/**
 * The differential harness: the same requests to redis-server and to ours, the raw replies compared
 * request by request. Nobody types expected values; the real server is asked.
 *
 *     const reference = await redisPeer(server, 2);
 *     const mismatches = await runTranscript(transcript, reference, inProcessPeer(2));
 *     expect(reportOf(mismatches)).toBe("");
 *
 * After each write, and outside MULTI, both are also asked for the encoding, the remaining life and
 * the digest of the keys that the request named, and in the end for the digest of the data set:
 * what no reply shows would go unnoticed otherwise.
 */
import { CommandTable, dataCommands, FLAG_BITS } from "@kv/commands";
import { setsAsTheirs } from "./comparable.ts";
import { Harness, type TestClient } from "./harness.ts";
import { repliesAgree } from "./reply-comparison.ts";
import type { ServerProcess } from "./server-process.ts";
import type { LooseRequest, Transcript, TranscriptRequest } from "./transcripts/transcript.ts";
import { requestText, splitReplies, type WireClient } from "./wire-client.ts";

/** One of the two servers that are compared. */
export interface Peer {
  /** Sends a request; the raw replies to it. `count`: so many replies are expected. */
  exchange(words: TranscriptRequest, count?: number): Promise<string>;
  /** Sends many requests at once, each with exactly one reply; the raw replies. */
  exchangeAll(requests: readonly TranscriptRequest[]): Promise<string[]>;
  /** Whatever else comes: after a mismatch, so that the next comparison starts level. */
  settle(): Promise<string>;
  close(): void;
}

export interface Mismatch {
  index: number;
  /** What was asked: the request itself, or a check after it. */
  words: TranscriptRequest;
  theirs: string;
  ours: string;
  /** The requests just before, oldest first. */
  before: readonly TranscriptRequest[];
}

const CONTEXT_COUNT = 5;
/** A server that answers nothing (a blocked client, CLIENT REPLY OFF) is given so long to do so. */
const SILENCE_MS = 25;
const WRITTEN_KEYS_MAX = 4;

const table = new CommandTable(dataCommands);
const setsTheirWay = setsAsTheirs();

function isLoose(step: TranscriptRequest | LooseRequest): step is LooseRequest {
  return "request" in step;
}

const isSleep = (words: TranscriptRequest) => /^debug sleep$/i.test(`${words[0]} ${words[1]}`);

/** Brings an engine to the wall clock, unless what it slept has brought it further: it need not wait. */
export function catchUp({ host }: Harness): void {
  host.nowMs = Math.max(host.nowMs, Date.now());
}

/** Our engine without sockets, on the wall clock. */
export function inProcessPeer(resp: 2 | 3): Peer {
  // One protocol compares the encodings, the other tries ours.
  const config = resp === 2 ? setsTheirWay : {};
  const kv = new Harness({ resp, config });
  const client: TestClient = kv.self;
  client.isRaw = true;
  if (client.client !== null) client.client.protocol = resp;
  return {
    exchange(words) {
      catchUp(kv);
      client.takeRaw();
      client.sendBytes(requestText(words));
      const reply = client.takeRaw();
      if (reply !== "") return Promise.resolve(reply);
      // Who waits for time to pass is answered when it has; the other peer is given as long.
      kv.clock.advance(SILENCE_MS);
      return Promise.resolve(client.takeRaw());
    },
    exchangeAll(requests) {
      const replies: string[] = [];
      // As much as can be goes into one batch: what looks ahead over it is compared, too.
      for (let from = 0, at = 0; at < requests.length; at++) {
        const isLast = at + 1 === requests.length;
        if (!isLast && !isSleep(requests[at] ?? [])) continue;
        const batch = requests.slice(from, at + 1);
        catchUp(kv);
        client.takeRaw();
        client.sendBytes(batch.map(requestText).join(""));
        replies.push(...splitReplies(client.takeRaw()));
        from = at + 1;
      }
      return Promise.resolve(replies);
    },
    settle: () => Promise.resolve(client.takeRaw()),
    close() {},
  };
}

class WirePeer implements Peer {
  private readonly client: WireClient;

  constructor(client: WireClient) {
    this.client = client;
  }

  async exchange(words: TranscriptRequest, count = 1): Promise<string> {
    this.client.write(requestText(words));
    if (count === 0) return this.client.rest(SILENCE_MS);
    const first = await this.client.replies(1, 5000);
    return count === 1 ? first : first + (await this.client.replies(count - 1, 500));
  }

  async exchangeAll(requests: readonly TranscriptRequest[]): Promise<string[]> {
    this.client.write(requests.map(requestText).join(""));
    return splitReplies(await this.client.replies(requests.length));
  }

  settle(): Promise<string> {
    return this.client.rest(SILENCE_MS);
  }

  close(): void {
    this.client.close();
  }
}

/** A server that runs as a process, over TCP or its Unix socket. */
export async function processPeer(
  server: ServerProcess,
  resp: 2 | 3,
  over: "tcp" | "unix" = "tcp",
): Promise<Peer> {
  const client = await server.connect(over);
  if (resp === 3) await client.request("HELLO", 3);
  return new WirePeer(client);
}

/** A peer that learns from another how many replies to wait for, so silence costs little. */
export function guidedBy(model: Peer, peer: Peer): Peer {
  return {
    async exchange(words) {
      const expected = await model.exchange(words);
      return peer.exchange(words, splitReplies(expected).length);
    },
    exchangeAll: (requests) => peer.exchangeAll(requests),
    async settle() {
      await model.settle();
      return peer.settle();
    },
    close: () => peer.close(),
  };
}

/** Keys of a request that writes, as far as they stand at fixed places. */
function writtenKeys(words: TranscriptRequest): (string | number)[] {
  const row = table.byName.get(`${words[0]}`.toLowerCase());
  if (row === undefined || (row.bits & FLAG_BITS.write) === 0) return [];
  const keys = row.command.keys.flatMap((spec) => {
    if (spec.begin.type !== "index" || spec.find.type !== "range") return [];
    const { index } = spec.begin;
    const { last, step } = spec.find;
    const end = last < 0 ? words.length + last : index + last;
    const found: (string | number)[] = [];
    for (let at = index; at <= end; at += step) found.push(words[at] ?? "");
    return found;
  });
  return [...new Set(keys)].slice(0, WRITTEN_KEYS_MAX);
}

/** Runs a transcript against both; all mismatches, in order. */
export async function runTranscript(
  transcript: Transcript,
  reference: Peer,
  subject: Peer,
  setsMayBeListpacks = false,
): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  const before: TranscriptRequest[] = [];
  let isQueueing = false;

  const compare = async (index: number, words: TranscriptRequest, loose?: LooseRequest) => {
    let ours = await subject.exchange(words);
    let theirs = await reference.exchange(words, splitReplies(ours).length);
    if (repliesAgree(words, theirs, ours, { mask: loose?.mask, setsMayBeListpacks })) return ours;
    theirs += await reference.settle();
    ours += await subject.settle();
    if (loose?.differs === undefined)
      mismatches.push({ index, words, theirs, ours, before: before.slice(-CONTEXT_COUNT) });
    return ours;
  };

  for (const [index, step] of transcript.entries()) {
    const words = isLoose(step) ? step.request : step;
    const loose = isLoose(step) ? step : undefined;
    const ours = await compare(index, words, loose);
    before.push(words);
    const name = `${words[0]}`.toLowerCase();
    if (name === "multi" || ours === "+QUEUED\r\n") isQueueing = ours.startsWith("+");
    if (/^(exec|discard|reset)$/.test(name)) isQueueing = false;
    if (isQueueing || ours.startsWith("-")) continue;
    for (const key of writtenKeys(words)) {
      if (loose?.encodes === undefined) await compare(index, ["OBJECT", "ENCODING", key]);
      await compare(index, ["PTTL", key]);
      await compare(index, ["DEBUG", "DIGEST-VALUE", key]);
    }
  }
  await compare(transcript.length, ["DEBUG", "DIGEST"]);
  return mismatches;
}

const shown = (reply: string) =>
  reply === ""
    ? "(nothing)"
    : JSON.stringify(reply.length > 600 ? `${reply.slice(0, 600)}…` : reply);

const line = (words: TranscriptRequest) =>
  words.map((word) => JSON.stringify(`${word}`.slice(0, 100))).join(" ");

/** What a reader needs to find the cause; empty when there is no mismatch. */
export function reportOf(mismatches: readonly Mismatch[], max = 20): string {
  const parts = mismatches
    .slice(0, max)
    .map(({ index, words, theirs, ours, before }) =>
      [
        `request ${index}: ${line(words)}`,
        `   redis: ${shown(theirs)}`,
        `   ours:  ${shown(ours)}`,
        ...before.map((each) => `   after: ${line(each)}`),
      ].join("\n"),
    );
  if (mismatches.length > max) parts.push(`and ${mismatches.length - max} more`);
  return parts.join("\n\n");
}
