import { Target } from "@kv/engine";
/**
 * What requests set off besides their replies: keyspace events, the commands that replicas get,
 * and what INFO counts. The real server tells a subscriber and a replica; ours is asked directly.
 *
 *     const server = await ServerProcess.start({ config: observableConfig });
 *     const theirs = await (await redisObserver(server)).run(requests);
 *     const ours = await engineObserver().run(requests);
 *     effectsAgree(theirs[0], ours[0]);
 *
 * Behind each request, or behind each transaction, the real server gets a PUBLISH that both the
 * subscriber and the replica hear of: that mark tells which request an event belongs to.
 */
import { latin1 } from "@kv/resp";
import { catchUp } from "./differential.ts";
import { Harness, onKeyspaceEvent } from "./harness.ts";
import type { ServerProcess } from "./server-process.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";
import { replyEnd, requestText, splitReplies, type WireClient } from "./wire-client.ts";

/** What one request set off; for a transaction, all of it stands with EXEC. */
export interface RequestEffects {
  /** Each `channel message`. */
  events: string[];
  /** Each `database: words`. */
  propagated: string[];
  /** Changes, hits and misses that were counted. */
  counts: string;
}

export interface Observer {
  run(requests: readonly TranscriptRequest[]): Promise<RequestEffects[]>;
  close(): void;
}

/** What keeps a real server from sending a replica anything but commands. */
export const observableConfig = {
  "notify-keyspace-events": "KEAmn",
  "repl-diskless-sync-delay": 0,
  "repl-ping-replica-period": 3600,
  "repl-timeout": 7200,
};

const MARK = "kv-mark";
/** The sections of INFO with the counters that are compared. */
const COUNT_REQUEST = ["INFO", "persistence", "stats"];
const MARK_REQUESTS = requestText(COUNT_REQUEST) + requestText(["PUBLISH", MARK, ""]);
const COUNTERS = ["rdb_changes_since_last_save", "keyspace_hits", "keyspace_misses"];

const nothing = (): RequestEffects => ({ events: [], propagated: [], counts: "" });

/** The strings of a flat array of bulk strings, as pushes and requests are. */
function wordsOf(message: string): string[] {
  const words: string[] = [];
  for (let at = message.indexOf("\r\n") + 2; at < message.length; ) {
    const end = replyEnd(message, at);
    if (end === -1) break;
    const from = message[at] === "$" ? message.indexOf("\r\n", at) + 2 : at + 1;
    words.push(message.slice(from, end - 2));
    at = end;
  }
  return words;
}

/** Messages of a subscriber or commands of a replica, cut into pieces at each mark. */
function atMarks<T>(items: readonly T[], isMark: (item: T) => boolean): T[][] {
  const parts: T[][] = [[]];
  for (const item of items) {
    if (isMark(item)) parts.push([]);
    else parts[parts.length - 1]?.push(item);
  }
  return parts;
}

/** Commands with the database they are for: what SELECT says belongs to those behind it. */
class Databases {
  private database = 0;

  label(commands: readonly string[][]): string[] {
    return commands.flatMap((words) => {
      if (`${words[0]}`.toLowerCase() === "select") {
        this.database = Number(words[1]);
        return [];
      }
      return [labelled(this.database, words)];
    });
  }
}

/** MULTI and EXEC belong to no database, and names may be written as one likes. */
function labelled(database: number, words: readonly string[]): string {
  const name = `${words[0]}`.toUpperCase();
  if (name === "MULTI" || name === "EXEC") return name;
  const all = name === "SET" ? withMomentAlone(words) : words;
  return `${database}: ${[name, ...all.slice(1)].map((word) => JSON.stringify(word)).join(" ")}`;
}

/** A SET that names its moment goes on as it came since Redis 7.2, in 7.0 without any other option. */
function withMomentAlone(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word, index) => index >= 3 && word.toUpperCase() === "PXAT");
  return at === -1 ? words : [...words.slice(0, 3), "PXAT", words[at + 1] as string];
}

/** Which requests have a mark behind them: none inside a transaction, where it would be queued. */
function markedFlags(requests: readonly TranscriptRequest[]): boolean[] {
  let isQueueing = false;
  return requests.map((words) => {
    const name = `${words[0]}`.toLowerCase();
    if (name === "multi") isQueueing = true;
    if (/^(exec|discard|reset)$/.test(name)) isQueueing = false;
    return !isQueueing;
  });
}

/** Tells by how much the counters of INFO have grown since it last looked. */
class Counters {
  private before: number[] = [];

  since(info: string): string {
    const now = COUNTERS.map((name) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]));
    const grown = COUNTERS.map((name, index) => {
      const growth = (now[index] ?? 0) - (this.before[index] ?? 0);
      return `${name} +${growth}`;
    });
    this.before = now;
    return grown.join(", ");
  }
}

class RedisObserver implements Observer {
  private readonly client: WireClient;
  private readonly subscriber: WireClient;
  private readonly replica: WireClient;
  private readonly databases = new Databases();
  private readonly counters = new Counters();

  constructor(client: WireClient, subscriber: WireClient, replica: WireClient) {
    this.client = client;
    this.subscriber = subscriber;
    this.replica = replica;
  }

  async run(requests: readonly TranscriptRequest[]): Promise<RequestEffects[]> {
    const marked = markedFlags(requests);
    const marks = marked.filter(Boolean).length;
    this.client.write(
      requests
        .map((words, index) => requestText(words) + (marked[index] ? MARK_REQUESTS : ""))
        .join(""),
    );
    const replies = splitReplies(await this.client.replies(requests.length + 2 * marks));
    const events = await this.untilMarks(this.subscriber, marks, (words) => words.includes(MARK));
    const commands = await this.untilMarks(this.replica, marks, (words) => words[1] === MARK);
    let at = 0;
    let part = 0;
    return requests.map((_, index) => {
      at++;
      if (!marked[index]) return nothing();
      const counts = this.counters.since(replies[at] ?? "");
      at += 2;
      return {
        events: (events[part] ?? []).map((words) => words.slice(-2).join(" ")),
        propagated: this.databases.label(commands[part++] ?? []),
        counts,
      };
    });
  }

  private async untilMarks(
    from: WireClient,
    marks: number,
    isMark: (words: string[]) => boolean,
  ): Promise<string[][][]> {
    const items: string[][] = [];
    let text = "";
    for (let seen = 0; seen < marks; ) {
      const more = await from.arrivals(10_000);
      if (more === "") throw new Error("a mark did not arrive");
      text += more;
      let at = 0;
      for (let end = replyEnd(text); end !== -1; at = end, end = replyEnd(text, at)) {
        const words = wordsOf(text.slice(at, end));
        items.push(words);
        if (isMark(words)) seen++;
      }
      text = text.slice(at);
    }
    return atMarks(items, isMark);
  }

  close(): void {
    this.client.close();
    this.subscriber.close();
    this.replica.close();
  }
}

/** Watches a redis-server that was started with `observableConfig`. */
export async function redisObserver(server: ServerProcess): Promise<Observer> {
  const client = await server.connect();
  const subscriber = await server.connect();
  await subscriber.request("PSUBSCRIBE", "__key*");
  await subscriber.request("SUBSCRIBE", MARK);
  const replica = await server.connect();
  replica.write("SYNC\r\n");
  await untilOnline(client, replica);
  return new RedisObserver(client, subscriber, replica);
}

/** The snapshot that precedes the commands is thrown away. */
async function untilOnline(client: WireClient, replica: WireClient): Promise<void> {
  for (;;) {
    const info = await client.request("INFO", "replication");
    if (info.includes("state=online")) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await replica.rest(100);
}

class EngineObserver implements Observer {
  private readonly kv = new Harness({ config: { "notify-keyspace-events": "KEAmn" } });
  private readonly events: string[] = [];
  private readonly propagated: string[] = [];
  private readonly counters = new Counters();

  constructor() {
    const { engine, self } = this.kv;
    self.isRaw = true;
    onKeyspaceEvent(engine, (channel, message) => this.events.push(`${channel} ${message}`));
    const { propagator } = engine;
    propagator.sinks.push({
      targets: Target.REPLICAS,
      append: (database, bytes, start, end) => {
        for (const command of splitReplies(latin1(bytes, start, end)))
          this.propagated.push(labelled(database, wordsOf(command)));
      },
    });
  }

  run(requests: readonly TranscriptRequest[]): Promise<RequestEffects[]> {
    const marked = markedFlags(requests);
    const effects: RequestEffects[] = [];
    for (const [index, words] of requests.entries()) {
      catchUp(this.kv);
      this.exchange(words);
      if (!marked[index]) {
        effects.push(nothing());
        continue;
      }
      effects.push({
        events: this.events.splice(0),
        propagated: this.propagated.splice(0),
        counts: this.counters.since(this.exchange(COUNT_REQUEST)),
      });
    }
    return Promise.resolve(effects);
  }

  private exchange(words: TranscriptRequest): string {
    const client = this.kv.self;
    client.takeRaw();
    client.sendBytes(requestText(words));
    return client.takeRaw();
  }

  close(): void {}
}

/** Watches an engine of ours without sockets. */
export function engineObserver(): Observer {
  return new EngineObserver();
}

const CLOCK_TOLERANCE_MS = 60_000;

/** Times are apart by what passes between two runs, and beyond 2^53 ours are rounded. */
function wordsAgree(theirs: string, ours: string): boolean {
  if (theirs === ours) return true;
  if (!/^"\d{13,}"$/.test(theirs) || !/^"\d{13,}"$/.test(ours)) return false;
  const left = Number(theirs.slice(1, -1));
  const right = Number(ours.slice(1, -1));
  return Math.abs(left - right) <= Math.max(CLOCK_TOLERANCE_MS, left / 2 ** 52);
}

function linesAgree(theirs: readonly string[], ours: readonly string[]): boolean {
  if (theirs.length !== ours.length) return false;
  return theirs.every((line, index) => {
    const left = line.split(" ");
    const right = (ours[index] ?? "").split(" ");
    return (
      left.length === right.length && left.every((word, at) => wordsAgree(word, right[at] ?? ""))
    );
  });
}

/** Whether a request set off the same here and there. */
export function effectsAgree(theirs: RequestEffects, ours: RequestEffects): boolean {
  return (
    theirs.counts === ours.counts &&
    linesAgree(theirs.events, ours.events) &&
    linesAgree(theirs.propagated, ours.propagated)
  );
}

/** Effects as one text, for reports. */
export function effectsText({ events, propagated, counts }: RequestEffects): string {
  const cut = (line: string) => (line.length > 200 ? `${line.slice(0, 200)}…` : line);
  return [counts, ...events, ...propagated].map(cut).join(" | ");
}
