import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const stats = (kv: ReturnType<typeof harness>) => kv.send("INFO", "stats") as string;

function pairs(count: number): string[] {
  return Array.from({ length: count }, (_, i) => [`f${i}`, `v${i}`]).flat();
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `f${i}`);
}

describe("fields whose time has come", () => {
  test.each([512, 0])("go by themselves, and are told of (listpacks of up to %d)", (entries) => {
    const kv = harness({ config: { "hash-max-listpack-entries": entries } });
    kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
    kv.send("SELECT", 5);
    kv.send("HSETEX", "i", "PX", 100, "FIELDS", 2, "x", 1, "y", 2);
    kv.send("SELECT", 0);
    kv.send("HPEXPIRE", "h", 100, "FIELDS", 2, "a", "b");
    kv.send("HPEXPIRE", "h", 100_000, "FIELDS", 1, "c");
    kv.events.length = 0;
    kv.propagated.length = 0;
    kv.clock.advance(300);
    expect(kv.send("HLEN", "h")).toBe(1);
    expect(kv.send("DBSIZE")).toBe(1);
    expect([...kv.events].sort()).toEqual(["del i", "hexpired h", "hexpired i"]);
    const removed = kv.propagated
      .map((words) => words.join(" "))
      .filter((each) => !/^SELECT/.test(each));
    expect(removed.sort()).toEqual(["HDEL h a", "HDEL h b", "HDEL i x", "HDEL i y"]);
    expect(stats(kv)).toContain("expired_subkeys:4\r\n");
    expect(stats(kv)).toContain("expired_keys:0\r\n");
    expect(kv.send("INFO", "keyspace")).toBe(
      "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0,subexpiry=1\r\n",
    );
    kv.check();
    kv.send("CONFIG", "RESETSTAT");
    expect(stats(kv)).toContain("expired_subkeys:0\r\n");
  });

  test("stay when nobody is to look for them, or while clients are paused", () => {
    const kv = harness();
    kv.send("HSETEX", "h", "PX", 100, "FIELDS", 1, "a", 1);
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.clock.advance(1000);
    expect(kv.send("HLEN", "h")).toBe(1);
    kv.client().send("CLIENT", "PAUSE", 2000, "WRITE");
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 1);
    kv.clock.advance(1000);
    expect(kv.send("HLEN", "h")).toBe(1);
    kv.clock.advance(1500);
    expect(kv.send("HLEN", "h")).toBe(0);
    kv.check();
  });

  test("one large hash does not keep the others, nor the clients, waiting", () => {
    const kv = harness();
    kv.send("HSET", "large", ...pairs(20_000));
    kv.send("HPEXPIRE", "large", 50, "FIELDS", 20_000, ...names(20_000));
    kv.send("HSET", "large", "stays", 1);
    kv.check();
    kv.host.advance(100);
    // Each look at the clock takes a millisecond: a cycle is soon over.
    const { monotonicUs } = kv.host;
    let extraUs = 0;
    kv.host.monotonicUs = () => {
      extraUs += 1000;
      return monotonicUs.call(kv.host) + extraUs;
    };
    kv.engine.cron();
    const left = kv.send("HLEN", "large") as number;
    expect(left).toBeGreaterThan(10_000);
    expect(left).toBeLessThan(20_001);
    expect(kv.send("HGET", "large", "f1")).toBe(null);
    expect(kv.send("HGETALL", "large")).toEqual(["stays", "1"]);
    expect(kv.send("HRANDFIELD", "large", 3)).toEqual(["stays"]);
    kv.host.monotonicUs = monotonicUs;
    for (let i = 0; i < 1000 && (kv.send("HLEN", "large") as number) > 1; i++) {
      kv.host.advance(100);
      kv.engine.cron();
      kv.engine.turn();
    }
    expect(kv.send("HKEYS", "large")).toEqual(["stays"]);
    kv.check();
  });

  test("a save does not know of it when none expires, and says so when one does", async () => {
    const kv = harness();
    kv.send("HSET", "h", "a", 1, "b", 2);
    kv.send("HEXPIRE", "h", 100, "FIELDS", 1, "a");
    kv.send("HPERSIST", "h", "FIELDS", 1, "a");
    kv.host.logLines.length = 0;
    expect(kv.send("SAVE")).toBe("OK");
    expect(kv.log).toEqual(["DB saved on disk"]);
    kv.send("HEXPIRE", "h", 100, "FIELDS", 1, "a");
    expect(kv.send("SAVE")).toBe("OK");
    expect(kv.host.logLines.find(({ message }) => message.includes("RDB version 12"))?.level).toBe(
      "notice",
    );
  });
});
