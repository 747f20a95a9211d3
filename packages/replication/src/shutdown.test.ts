/** A shutdown gives replicas time: they are to have everything that was acknowledged. */
import { follower, type Harness, harness, infoField } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** The cron comes, so much later, and promises go on. */
async function later(kv: Harness, durationMs: number): Promise<void> {
  kv.clock.advance(durationMs);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

function started(config = {}) {
  const kv = harness({
    config: { "repl-diskless-sync-delay": 0, "shutdown-timeout": 10, ...config },
  });
  const replicas = [follower(kv, 7001).client, follower(kv, 7002).client] as const;
  kv.send("SET", "k", "v");
  const offset = Number(infoField(kv, "master_repl_offset"));
  return { kv, replicas, offset };
}

const aboutReplicas = (kv: Harness) => kv.log.filter((line) => /lagging|shutting down/i.test(line));

describe("SHUTDOWN", () => {
  test("waits until all replicas have everything, with writes held", async () => {
    const { kv, replicas, offset } = started();
    const [asking, writing] = [kv.client(), kv.client()];
    replicas[0].send("REPLCONF", "ACK", offset);
    asking.send("SHUTDOWN");
    expect(writing.send("SET", "late", "v")).toBe(undefined);
    await later(kv, 2000);
    expect(kv.host.exitCode).toBe(null);
    replicas[1].send("REPLCONF", "ACK", offset - 1);
    await later(kv, 200);
    expect(kv.host.exitCode).toBe(null);
    replicas[1].send("REPLCONF", "ACK", offset);
    await later(kv, 200);
    expect(kv.host.exitCode).toBe(0);
    expect(kv.engine.keyspace.keyCount).toBe(1);
    expect(aboutReplicas(kv)).toEqual([
      "Waiting for replicas before shutting down.",
      "2 of 2 replicas are in sync when shutting down.",
    ]);
  });

  test("tells replicas nothing behind the instant of the final save, a ping that is due in the same cron neither", async () => {
    for (let waitedMs = 0; waitedMs <= 1000; waitedMs += 100) {
      const { kv, replicas } = started({ save: "3600 1", "repl-ping-replica-period": 1 });
      kv.client().send("SHUTDOWN");
      for (let ms = 0; ms < waitedMs; ms += 100) await later(kv, 100);
      const offset = Number(infoField(kv, "master_repl_offset"));
      for (const client of replicas) client.send("REPLCONF", "ACK", offset);
      for (let i = 0; i < 200 && kv.host.exitCode === null; i++) {
        kv.clock.advance(i === 0 ? 100 : 1);
        kv.engine.turn();
        await Promise.resolve();
      }
      expect(kv.host.exitCode).toBe(0);
      expect(kv.log, `after ${waitedMs} ms`).not.toContain("Something has changed meanwhile.");
    }
  });

  test("does not wait where all have everything", async () => {
    const { kv, replicas, offset } = started();
    for (const client of replicas) client.send("REPLCONF", "ACK", offset);
    kv.client().send("SHUTDOWN");
    await later(kv, 0);
    expect(kv.host.exitCode).toBe(0);
    expect(aboutReplicas(kv)).toEqual(["2 of 2 replicas are in sync when shutting down."]);
  });

  test("ends when time is up, and says who lacks how much", async () => {
    const { kv, replicas, offset } = started({ "shutdown-timeout": 3 });
    replicas[0].send("REPLCONF", "ACK", offset);
    kv.client().send("SHUTDOWN");
    await later(kv, 2900);
    expect(kv.host.exitCode).toBe(null);
    await later(kv, 200);
    expect(kv.host.exitCode).toBe(0);
    expect(aboutReplicas(kv)).toEqual([
      "Waiting for replicas before shutting down.",
      `Lagging replica 127.0.0.1:7002 reported offset ${offset} behind master, lag=3, state=online.`,
      "1 of 2 replicas are in sync when shutting down.",
    ]);
  });

  test("one that goes meanwhile is waited for no more", async () => {
    const { kv, replicas, offset } = started();
    replicas[0].send("REPLCONF", "ACK", offset);
    kv.client().send("SHUTDOWN");
    await later(kv, 500);
    replicas[1].destroy();
    await later(kv, 200);
    expect(kv.host.exitCode).toBe(0);
    expect(aboutReplicas(kv)).toContain("1 of 1 replicas are in sync when shutting down.");
  });

  test("ABORT takes it back; writes go on, and reach the replicas", async () => {
    const { kv, replicas } = started();
    const [asking, writing] = [kv.client(), kv.client()];
    asking.send("SHUTDOWN");
    writing.send("SET", "late", "v");
    for (const client of replicas) client.takeRaw();
    expect(kv.send("SHUTDOWN", "ABORT")).toBe("OK");
    await later(kv, 100);
    expect(asking.receive()).toBe(kv.error("ERR Errors trying to SHUTDOWN. Check logs."));
    expect(writing.receive()).toBe("OK");
    for (const client of replicas) expect(client.takeRaw()).toContain("late");
    expect(kv.log).toContain("Shutdown manually aborted.");
    await later(kv, 20_000);
    expect(kv.host.exitCode).toBe(null);
  });
});
