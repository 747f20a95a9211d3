/** The thread behind load-client.ts: runs the one job that it was started with. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { repeatTemplate, templates, writeNumber } from "./command-template.ts";
import type { Job, Latencies, LoadJob, ProbeJob, ProbeResult, WriteJob } from "./load-client.ts";

const port = parentPort!;

async function open(serverPort: number): Promise<Socket> {
  const socket = connect({ port: serverPort, host: "127.0.0.1", noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("connect", resolve);
  socket.once("error", reject);
  await promise;
  socket.off("error", reject);
  return socket;
}

/** Resolves when the main thread says stop. */
function stopped(): Promise<void> {
  return new Promise((resolve) => port.once("message", () => resolve()));
}

async function load(job: LoadJob): Promise<null> {
  let next = job.from;
  /** The next numbers to send: connections draw from one series until it ends. */
  const take = (): { from: number; to: number } => {
    const from = next;
    next = Math.min(job.to, next + job.batch);
    return { from, to: next };
  };
  await Promise.all(
    Array.from({ length: job.connections }, async () =>
      loadThrough(await open(job.port), job, take),
    ),
  );
  return null;
}

function loadThrough(
  socket: Socket,
  job: LoadJob,
  take: () => { from: number; to: number },
): Promise<void> {
  const template = templates[job.template];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // The batch is written again only when all its replies are here, so nobody reads it any more.
  const batch = repeatTemplate(template, job.batch);
  let awaited = "";
  let awaitedReplies = 0;
  const sendNext = (): void => {
    const { from, to } = take();
    if (from === to) {
      socket.end();
      resolve();
      return;
    }
    for (let number = from; number < to; number++) {
      writeNumber(template, batch, number - from, number);
    }
    if (template.reply === null) awaitedReplies = to - from;
    else awaited = template.reply.repeat(to - from);
    socket.write(batch.subarray(0, (to - from) * template.bytes.length));
  };
  const compare = (text: string): void => {
    if (!awaited.startsWith(text)) reject(new Error(`unexpected reply: ${text.slice(0, 200)}`));
    awaited = awaited.slice(text.length);
    if (awaited === "") sendNext();
  };
  const counted = replyCounter((replies) => {
    awaitedReplies -= replies;
    if (awaitedReplies === 0) sendNext();
  });
  const count = (text: string): void => {
    try {
      counted(text);
    } catch (error) {
      reject(error);
    }
  };
  socket.setEncoding("latin1").on("data", template.reply === null ? count : compare);
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the server closed the connection")));
  sendNext();
  return promise;
}

async function write(job: WriteJob): Promise<{ count: number }> {
  const template = templates[job.template];
  const socket = await open(job.port);
  socket.resume();
  const startMs = performance.now();
  const burstMax = 1000;
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * job.perSecond) - sent;
    const count = Math.min(due, burstMax);
    // A server that stands still gets no more; what is missed is made up for later.
    if (count <= 0 || socket.writableLength > 1 << 20) return;
    const batch = repeatTemplate(template, count);
    for (let index = 0; index < count; index++) {
      writeNumber(template, batch, index, Math.floor(Math.random() * job.keys));
    }
    socket.write(batch);
    sent += count;
  }, 1);
  await stopped();
  clearInterval(timer);
  socket.destroy();
  return { count: sent };
}

async function probe(job: ProbeJob): Promise<ProbeResult> {
  const socket = await open(job.port);
  const rawNs = createHistogram();
  const netNs = createHistogram();
  /** When each request was sent, and what had been waited until then; the oldest unanswered is at `answered`. */
  const sent: { atMs: number; waitedMs: number; ranMs: number }[] = [];
  let answered = 0;
  const get = "*2\r\n$3\r\nGET\r\n$16\r\n";
  const set = "*3\r\n$3\r\nSET\r\n$16\r\n";
  const key = () => `key:${`${Math.floor(Math.random() * job.keys)}`.padStart(12, "0")}\r\n`;

  /** Time that the server's main thread and this one spent in the queue for a processor. */
  const schedule = () => {
    const server = threadTimes(`/proc/${job.pid}/schedstat`);
    const own = threadTimes("/proc/thread-self/schedstat");
    return { waitedMs: server.waitedMs + own.waitedMs, ranMs: server.ranMs };
  };

  const count = replyCounter((replies) => {
    const nowMs = performance.now();
    // A quick answer has waited for nothing worth a look into /proc.
    const now = nowMs - sent[answered].atMs > 1 ? schedule() : undefined;
    for (let index = 0; index < replies; index++) {
      const { atMs, waitedMs, ranMs } = sent[answered++];
      const rawMs = nowMs - atMs;
      const netMs =
        now === undefined ? rawMs : Math.max(rawMs - (now.waitedMs - waitedMs), now.ranMs - ranMs);
      rawNs.record(Math.max(1, Math.round(rawMs * 1e6)));
      netNs.record(Math.max(1, Math.round(Math.min(netMs, rawMs) * 1e6)));
    }
  });
  socket.setEncoding("latin1").on("data", count);

  const timer = setInterval(() => {
    const request = { ...schedule(), atMs: performance.now() };
    sent.push(request);
    let text = get + key();
    if (job.writes) {
      sent.push(request);
      text += `${set}${key()}$16\r\nprobe-value-0000\r\n`;
    }
    socket.write(text, "latin1");
  }, job.intervalMs);
  await stopped();
  clearInterval(timer);
  // The last answers may still be on their way; a server that never gives them has stopped.
  const patientUntilMs = performance.now() + 10_000;
  while (answered < sent.length && performance.now() < patientUntilMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  socket.destroy();
  if (answered < sent.length) {
    throw new Error(`the probe sent ${sent.length} requests and got ${answered} answers`);
  }
  return { count: rawNs.count, raw: latencies(rawNs), net: latencies(netNs) };
}

/** Time that a thread has run, and that it was ready to run and had no processor. */
function threadTimes(path: string): { ranMs: number; waitedMs: number } {
  const [ranNs, waitedNs] = readFileSync(path, "latin1").split(" ");
  return { ranMs: Number(ranNs) / 1e6, waitedMs: Number(waitedNs) / 1e6 };
}

function latencies(histogram: RecordableHistogram): Latencies {
  const percentile = (percent: number) => histogram.percentile(percent) / 1e6;
  return {
    p50Ms: percentile(50),
    p99Ms: percentile(99),
    p999Ms: percentile(99.9),
    maxMs: histogram.max / 1e6,
  };
}

/** Counts replies that are one line or one value in a stream that may be cut anywhere. Values hold no newline. */
function replyCounter(onReplies: (count: number) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\r\n");
    rest = lines.pop()!;
    let replies = 0;
    for (const line of lines) {
      if (line.startsWith("-")) throw new Error(`unexpected reply: ${line}`);
      // The heading of a value is no reply of its own, unless there is no value.
      if (!line.startsWith("$") || line === "$-1") replies++;
    }
    onReplies(replies);
  };
}

function run(job: Job): Promise<unknown> {
  if (job.job === "load") return load(job);
  return job.job === "write" ? write(job) : probe(job);
}

port.postMessage(await run(workerData as Job));
port.close();
