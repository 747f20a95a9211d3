/**
 * Programs that are built on scripts, as their users install them: queues, rate limits, locks, sessions.
 * The same scenario runs against both servers, and must come to the same end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { hasRedisServer } from "@kv/testing";
import BeeQueue from "bee-queue";
import Bull from "bull";
import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { RedisStore } from "connect-redis";
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { createClient } from "redis";
import Redlock from "redlock";
import { describe } from "vitest";
import { testOnBoth } from "./both-servers.ts";
import { pause, until } from "./client-script.ts";

function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function bullmqQueue(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const done: string[] = [];
  const queue = new Queue("work", { connection });
  const work = async (job: { name: string; data: { n: number }; attemptsMade: number }) => {
    if (job.name === "fails twice" && job.attemptsMade < 2) throw new Error("not yet");
    done.push(job.name);
    return job.data.n * 2;
  };
  const worker = new Worker("work", work, { connection, concurrency: 20, drainDelay: 1 });
  const events = new QueueEvents("work", { connection });
  const flows = new FlowProducer({ connection });
  await events.waitUntilReady();
  for (let n = 0; n < 100; n++) await queue.add("plain", { n });
  const ranked = Array.from({ length: 50 }, (_, n) => ({
    name: "ranked",
    data: { n },
    opts: { priority: n % 5 },
  }));
  await queue.addBulk(ranked);
  await queue.add("delayed", { n: 1 }, { delay: 300 });
  const failing = await queue.add(
    "fails twice",
    { n: 7 },
    { attempts: 3, backoff: { type: "fixed", delay: 50 } },
  );
  await queue.upsertJobScheduler("each", { every: 200 }, { name: "repeated", data: { n: 9 } });
  const child = (n: number) => ({ name: "child", queueName: "work", data: { n } });
  const flow = await flows.add({
    name: "parent",
    queueName: "work",
    data: { n: 100 },
    children: [child(1), child(2)],
  });
  const result = await failing.waitUntilFinished(events, 10_000);
  await until(() => done.filter((name) => name === "repeated").length >= 3);
  await queue.removeJobScheduler("each");
  await until(() => done.includes("delayed"));
  await until(() => flow.job.isCompleted());
  const children = Object.values(await flow.job.getChildrenValues()).sort();
  const state = await flow.job.getState();
  await queue.pause();
  await queue.add("held", { n: 1 });
  const isHeld = (await queue.isPaused()) && !done.includes("held");
  await queue.resume();
  await until(() => done.includes("held"));
  await Promise.all([worker.close(), events.close(), queue.close(), flows.close()]);
  return {
    done: countByName(done.filter((name) => name !== "repeated")),
    ...{ result, children, state, isHeld },
  };
}

async function bullmqLimit(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("limited", { connection });
  let done = 0;
  const startMs = performance.now();
  const limiter = { max: 5, duration: 300 };
  const work = async () => void done++;
  const worker = new Worker("limited", work, { connection, limiter });
  for (let i = 0; i < 15; i++) await queue.add("x", {});
  await until(() => done === 15);
  const isSlowed = performance.now() - startMs > 550;
  await Promise.all([worker.close(), queue.close()]);
  return { done, isSlowed };
}

/** A worker that dies with a job in its hands: another one takes it over. */
async function bullmqStalled(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("stalls", { connection });
  const options = { connection, lockDuration: 500, stalledInterval: 300 };
  let taken = 0;
  const dying = new Worker(
    "stalls",
    async () => {
      taken++;
      await new Promise(() => {}); // It never comes back.
    },
    { ...options, skipLockRenewal: true, skipStalledCheck: true },
  );
  await queue.add("x", {});
  await until(() => taken === 1);
  await dying.close(true);
  let done = 0;
  const heir = new Worker("stalls", async () => void done++, options);
  await until(async () => (await queue.getCompletedCount()) === 1);
  const counts = await queue.getJobCounts("completed", "failed", "active", "wait");
  await Promise.all([heir.close(), queue.close()]);
  return { taken, done, counts };
}

/** Twenty workers share what there is: each job is done once, however it was added. */
async function bullmqTwenty(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("crowd", { connection });
  const doneBy = new Map<string, number>();
  let isTwice = false;
  const workers = Array.from({ length: 20 }, (_, index) => {
    const work = async ({ id }: { id?: string | undefined }) => {
      isTwice ||= doneBy.has(id!);
      doneBy.set(id!, index);
      await pause(1);
      return index;
    };
    return new Worker("crowd", work, { connection, concurrency: 2 });
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  const jobs = Array.from({ length: 200 }, (_, n) => ({
    name: "x",
    data: { n },
    opts: n % 4 === 0 ? { priority: (n % 7) + 1 } : n % 4 === 1 ? { delay: n % 100 } : {},
  }));
  await queue.addBulk(jobs);
  await until(async () => (await queue.getCompletedCount()) === jobs.length);
  const counts = await queue.getJobCounts("completed", "failed", "active", "wait", "delayed");
  const completed = await queue.getCompleted(0, -1);
  const isTold = completed.every(({ id, returnvalue }) => doneBy.get(id!) === returnvalue);
  const isShared = new Set(doneBy.values()).size > 5;
  await Promise.all([...workers.map((worker) => worker.close()), queue.close()]);
  return { done: doneBy.size, isTwice, isTold, isShared, counts };
}

/** A worker that is too late: another has its job by then, and only what that one says counts. */
async function bullmqLapsed(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("lapses", { connection });
  const options = { connection, lockDuration: 300, stalledInterval: 200 };
  const taken: string[] = [];
  const errors: string[] = [];
  const heirIsDone = Promise.withResolvers<void>();
  const slow = async () => {
    taken.push("late");
    await heirIsDone.promise;
    return "late";
  };
  const late = new Worker("lapses", slow, {
    ...options,
    skipLockRenewal: true,
    skipStalledCheck: true,
  });
  late.on("error", (error) => errors.push(error.message));
  const job = await queue.add("x", {});
  await until(() => taken.length === 1);
  const fast = async () => {
    taken.push("heir");
    return "heir";
  };
  const heir = new Worker("lapses", fast, options);
  const stalled: string[] = [];
  heir.on("stalled", (id) => stalled.push(id));
  await until(() => job.isCompleted());
  heirIsDone.resolve();
  await until(() => errors.length > 0);
  await Promise.all([late.close(), heir.close()]);
  const { returnvalue, stalledCounter } = (await queue.getJob(job.id!))!;
  await queue.close();
  return { taken, errors: [...new Set(errors)], stalled, returnvalue, stalledCounter };
}

/** A process that takes a job and is killed. */
async function bullmqKilled(port: number): Promise<unknown> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("kills", { connection });
  const jobs = await queue.addBulk([1, 2, 3].map((n) => ({ name: "x", data: { n } })));
  const program = `
    import { Worker } from "bullmq";
    const connection = { host: "127.0.0.1", port: ${port}, maxRetriesPerRequest: null };
    let taken = 0;
    const work = () => {
      if (++taken === 2) console.log("taken");
      return new Promise(() => {});
    };
    const options = { connection, concurrency: 2, lockDuration: 1000, skipStalledCheck: true };
    new Worker("kills", work, options);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  const active = await queue.getActiveCount();
  const heir = new Worker("kills", async (job) => job.data.n, { connection, stalledInterval: 300 });
  await until(async () => (await queue.getCompletedCount()) === jobs.length);
  const results = (await queue.getCompleted()).map(({ returnvalue }) => returnvalue).sort();
  await Promise.all([heir.close(), queue.close()]);
  return { active, results };
}

async function bull(port: number): Promise<unknown> {
  const queue = new Bull<{ n: number }>("bull", { redis: { port, host: "127.0.0.1" } });
  let done = 0;
  void queue.process(5, async () => void done++);
  for (let n = 0; n < 50; n++) await queue.add({ n }, { priority: (n % 3) + 1 });
  await queue.add({ n: 1 }, { delay: 200 });
  await until(() => done === 51);
  await until(async () => (await queue.getCompletedCount()) === 51);
  const counts = await queue.getJobCounts();
  await queue.close();
  return { done, counts };
}

async function beeQueue(port: number): Promise<unknown> {
  const redis = { port, host: "127.0.0.1" };
  const queue = new BeeQueue<{ n: number }>("bee", { redis, activateDelayedJobs: true });
  let done = 0;
  queue.process(3, async () => void done++);
  for (let n = 0; n < 20; n++) await queue.createJob({ n }).save();
  await queue
    .createJob({ n: 1 })
    .delayUntil(Date.now() + 200)
    .save();
  await until(() => done === 21);
  await until(async () => (await queue.checkHealth()).succeeded === 21);
  const { waiting, active, failed } = await queue.checkHealth();
  await queue.close(1000);
  return { done, waiting, active, failed };
}

async function rateLimiter(port: number): Promise<unknown> {
  const storeClient = new Redis({ port, host: "127.0.0.1" });
  const limiter = new RateLimiterRedis({ storeClient, points: 5, duration: 10 });
  const outcomes: string[] = [];
  for (let i = 0; i < 8; i++)
    await limiter.consume("user").then(
      () => outcomes.push("passed"),
      () => outcomes.push("refused"),
    );
  const state = await limiter.get("user");
  storeClient.disconnect();
  return { outcomes, consumed: state?.consumedPoints };
}

async function redlock(port: number): Promise<unknown> {
  const client = new Redis({ port, host: "127.0.0.1" });
  // Its types are of an older client.
  const locks = new Redlock([client as never], { retryCount: 2, retryDelay: 20 });
  const first = await locks.lock("locks:a", 2000);
  const second = await locks.lock("locks:a", 2000).then(
    () => "taken twice",
    (error: Error) => error.name,
  );
  await first.extend(2000);
  await first.unlock();
  const third = await locks.lock("locks:a", 2000);
  await third.unlock();
  const rest = await client.exists("locks:a");
  client.disconnect();
  return { second, rest };
}

async function sessions(port: number): Promise<unknown> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  const store = new RedisStore({ client, prefix: "session:" });
  await store.set("one", { cookie: { maxAge: 10_000, originalMaxAge: 10_000 }, user: 7 } as never);
  const found = await store.get("one");
  const before = await store.length();
  await store.destroy("one");
  const after = await store.length();
  client.destroy();
  return { found, before, after };
}

const scenarios = {
  "bullmq: jobs, priorities, delays, retries, repeats, flows, pause": bullmqQueue,
  "bullmq: a rate limit": bullmqLimit,
  "bullmq: a job whose worker has died": bullmqStalled,
  "bullmq: twenty workers": bullmqTwenty,
  "bullmq: a job whose worker was too late": bullmqLapsed,
  "bullmq: jobs whose process was killed": bullmqKilled,
  bull,
  "bee-queue": beeQueue,
  "rate-limiter-flexible": rateLimiter,
  redlock,
  "connect-redis": sessions,
};

describe.runIf(hasRedisServer())("what is built on scripts comes to the same end with", () => {
  testOnBoth(scenarios);
});
