import { type AddressInfo, connect, createServer } from "node:net";
import { Due } from "@kv/engine";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { realTimers } from "./real-timers.ts";
import { Cron, TurnLoop } from "./turn-loop.ts";

const nextImmediate = () => new Promise((resolve) => setImmediate(resolve));

describe("TurnLoop", () => {
  test("many requests in one round of the loop make one turn", async () => {
    let turns = 0;
    const loop = new TurnLoop(() => {
      turns++;
      return Due.NEVER;
    });
    for (let i = 0; i < 10; i++) loop.request();
    expect(turns).toBe(0);
    await nextImmediate();
    expect(turns).toBe(1);
    await nextImmediate();
    expect(turns).toBe(1);
    loop.request();
    await nextImmediate();
    expect(turns).toBe(2);
  });

  test("goes on while work is left, and lets others in between", async () => {
    const happened: string[] = [];
    let left = 3;
    const loop = new TurnLoop(() => {
      happened.push("turn");
      return --left > 0 ? Due.SOON : Due.NEVER;
    });
    loop.request();
    for (let i = 0; i < 4; i++) {
      await nextImmediate();
      happened.push("other");
    }
    expect(happened).toEqual(["turn", "other", "turn", "other", "turn", "other", "other"]);
  });

  test("a request from within a turn makes another", async () => {
    let turns = 0;
    const loop: TurnLoop = new TurnLoop(() => {
      if (++turns < 3) loop.request();
      return Due.NEVER;
    });
    loop.request();
    for (let i = 0; i < 5; i++) await nextImmediate();
    expect(turns).toBe(3);
  });

  test("rests when what is left may wait, unless something happens", async () => {
    let turns = 0;
    const loop: TurnLoop = new TurnLoop(() => {
      turns++;
      return Due.LATER;
    });
    const rests: (() => void)[] = [];
    const timers = vi.spyOn(realTimers, "setTimeout");
    timers.mockImplementation(((wake: () => void) => void rests.push(wake)) as never);
    loop.request();
    await nextImmediate();
    await nextImmediate();
    expect(turns).toBe(1);
    rests.pop()?.();
    expect(turns).toBe(2);
    loop.request();
    await nextImmediate();
    expect(turns).toBe(3);
    rests.pop()?.();
    expect(turns).toBe(4);
    loop.stop();
    rests.pop()?.();
    expect(turns).toBe(4);
    timers.mockRestore();
  });

  test("stopped, it turns no more", async () => {
    let turns = 0;
    const loop = new TurnLoop(() => {
      turns++;
      return Due.SOON;
    });
    loop.request();
    loop.stop();
    await nextImmediate();
    expect(turns).toBe(0);
  });
});

describe("Cron", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "hrtime"] }));
  afterEach(() => vi.useRealTimers());

  test("runs hz times a second without drifting", () => {
    let runs = 0;
    const cron = new Cron(
      () => runs++,
      () => 300,
    );
    cron.start();
    vi.advanceTimersByTime(10_000);
    expect(runs).toBeGreaterThanOrEqual(2999);
    expect(runs).toBeLessThanOrEqual(3001);
    cron.stop();
    vi.advanceTimersByTime(1000);
    expect(runs).toBeLessThanOrEqual(3001);
  });

  test("follows a change of hz", () => {
    let runs = 0;
    let hz = 10;
    const cron = new Cron(
      () => runs++,
      () => hz,
    );
    cron.start();
    vi.advanceTimersByTime(1000);
    expect(runs).toBe(10);
    hz = 100;
    vi.advanceTimersByTime(1000);
    expect(runs).toBeGreaterThan(95);
    cron.stop();
  });

  test("behind a standstill what waits in the sockets is read first", async () => {
    vi.useRealTimers();
    const happened: string[] = [];
    const server = createServer((socket) => socket.on("data", () => happened.push("data")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const peer = connect(port, "127.0.0.1");
    await new Promise<void>((resolve) => server.once("connection", () => resolve()));
    const cron = new Cron(
      () => happened.push("cron"),
      () => 10,
    );
    cron.start();
    peer.write("a sign of life");
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(sleeper, 0, 0, 1300);
    while (!happened.includes("cron")) await nextImmediate();
    expect(happened).toEqual(["data", "cron"]);
    cron.stop();
    peer.destroy();
    server.close();
  });

  test("does not make up for time in which the process stood still", () => {
    let standstillSeconds = 0;
    const clock = process.hrtime.bind(process);
    const spy = vi.spyOn(process, "hrtime").mockImplementation(() => {
      const [seconds, nanoseconds] = clock();
      return [seconds + standstillSeconds, nanoseconds];
    });
    let runs = 0;
    const cron = new Cron(
      () => {
        if (++runs === 1) standstillSeconds = 60;
      },
      () => 10,
    );
    cron.start();
    vi.advanceTimersByTime(1100);
    expect(runs).toBeGreaterThan(5);
    expect(runs).toBeLessThanOrEqual(12);
    cron.stop();
    spy.mockRestore();
  });

  test("may be stopped from within", () => {
    let runs = 0;
    const cron = new Cron(
      () => {
        runs++;
        cron.stop();
      },
      () => 10,
    );
    cron.start();
    vi.advanceTimersByTime(1000);
    expect(runs).toBe(1);
  });
});
