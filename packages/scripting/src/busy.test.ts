import { type Harness, harness, slowClock, turns } from "@kv/testing";
import { describe, expect, test } from "vitest";

const forever = "while true do end";
const busy = expect.objectContaining({ reply: expect.stringMatching(/^BUSY /) });

/** A script is busy after some twenty looks at the clock. */
function soonBusy(): Harness {
  const kv = harness({ config: { "busy-reply-threshold": 20 } });
  slowClock(kv);
  return kv;
}

describe("a script that runs for too long", () => {
  test("lets others be told, and ends when it is killed", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("EVAL", forever, 0);
    runner.send("PING");
    expect(runner.pushed()).toEqual([]);
    expect(other.send("GET", "k")).toEqual(busy);
    await turns(kv, 3);
    expect(other.send("PING")).toEqual(busy);
    expect(other.send("SCRIPT", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(runner.pushed()).toEqual([
      expect.objectContaining({
        reply: expect.stringMatching(
          /^ERR Script killed by user with SCRIPT KILL... script: \w{40}, on @user_script:1.$/,
        ),
      }),
      "PONG",
    ]);
    expect(other.send("PING")).toBe("PONG");
    expect(kv.log.join("\n")).toContain("Slow script detected");
  });

  test("goes on to its end, with all that it changes leaving together", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    kv.propagated.length = 0;
    runner.send(
      "EVAL",
      "redis.call('SET', 'a', 1) local i = 0 while i < 4e6 do i = i + 1 end redis.call('SET', 'b', i) return i",
      0,
    );
    expect(other.send("GET", "a")).toEqual(busy);
    expect(kv.propagated).toEqual([]);
    for (let i = 0; i < 1000 && other.send("GET", "a") !== "1"; i++) await turns(kv, 1);
    expect(runner.pushed()).toEqual([4_000_000]);
    expect(kv.propagated).toEqual([
      ["MULTI"],
      ["SET", "a", "1"],
      ["SET", "b", "4000000"],
      ["EXEC"],
    ]);
    expect(other.send("MGET", "a", "b")).toEqual(["1", "4000000"]);
  });

  test("that has written cannot be killed, and only a shutdown without saving is possible", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("EVAL", `redis.call('SET', 'a', 1) ${forever}`, 0);
    await turns(kv, 2);
    expect(other.send("SCRIPT", "KILL")).toEqual(
      expect.objectContaining({ reply: expect.stringMatching(/^UNKILLABLE /) }),
    );
    expect(other.send("SHUTDOWN")).toEqual(busy);
    other.send("SHUTDOWN", "NOSAVE");
    await turns(kv, 2);
    expect(kv.host.exitCode).toBe(0);
  });

  test("cannot swallow that it is killed", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("EVAL", "while true do pcall(function() while true do end end) end", 0);
    await turns(kv, 2);
    expect(kv.send("SCRIPT", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(runner.pushed()).toHaveLength(1);
    expect(kv.send("EVAL", "return 1", 0)).toBe(1);
  });

  test("is not disturbed by time: nothing expires or is saved in its middle", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    kv.send("SET", "k", "v", "PX", 10);
    runner.send(
      "EVAL",
      "local i = 0 while i < 4e6 do i = i + 1 end return redis.call('GET', 'k')",
      0,
    );
    kv.host.nowMs += 60_000;
    kv.engine.cron();
    for (let i = 0; i < 1000 && kv.send("PING") !== "PONG"; i++) await turns(kv, 1);
    expect(runner.pushed()).toEqual(["v"]);
    expect(kv.send("GET", "k")).toBeNull();
  });

  test("whose client has gone goes on to its end", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("EVAL", "local i = 0 while i < 4e6 do i = i + 1 end redis.call('SET', 'k', i)", 0);
    runner.destroy();
    for (let i = 0; i < 1000 && kv.send("PING") !== "PONG"; i++) await turns(kv, 1);
    expect(kv.send("GET", "k")).toBe("4000000");
  });
});
