/** FAILOVER: each step of it, with somebody else who becomes a replica in our place. */
import { EngineState } from "@kv/engine";
import {
  fleet,
  follower,
  type Harness,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
  streamText,
} from "@kv/testing";
import { describe, expect, test, vi } from "vitest";
import { replicationPort } from "./primary.ts";

/** A server whose change of roles is only noted. */
function started(config = {}) {
  const kv = harness({
    config: { "repl-diskless-sync-delay": 0, ...config },
  });
  const changes: string[] = [];
  const { failover: machine, upstream } = kv.engine.of(replicationPort);
  vi.spyOn(upstream, "follow").mockImplementation(({ host, port }, listener) => {
    expect(listener).toBe(machine);
    changes.push(`follow ${host}:${port}`);
    kv.engine.situation.setUnusual(EngineState.REPLICA | EngineState.READ_ONLY, true);
  });
  vi.spyOn(upstream, "promote").mockImplementation(() => {
    changes.push("promote");
    kv.engine.situation.setUnusual(EngineState.REPLICA | EngineState.READ_ONLY, false);
  });
  return { kv, machine, changes };
}

const stateOf = (kv: Harness) => infoField(kv, "master_failover_state");
const offsetOf = (kv: Harness) => Number(infoField(kv, "master_repl_offset"));
const logOf = (kv: Harness) => kv.log.filter((line) => /failover/i.test(line));

describe("FAILOVER", () => {
  test("waits until the target has everything, with writes held, and hands over", () => {
    const { kv, machine, changes } = started();
    const target = follower(kv, 7001).client;
    const other = follower(kv, 7002).client;
    const writer = kv.client();
    kv.send("SET", "k", "v");
    const offset = offsetOf(kv);
    other.send("REPLCONF", "ACK", offset);
    expect(stateOf(kv)).toBe("no-failover");
    expect(kv.send("FAILOVER", "TO", "127.0.0.1", 7001)).toBe("OK");
    expect(stateOf(kv)).toBe("waiting-for-sync");
    expect(writer.send("SET", "k", "w")).toBe(undefined);
    expect(kv.send("GET", "k")).toBe("v");
    expect(kv.send("CLIENT", "UNPAUSE")).toBe("OK");
    kv.clock.advance(30_000);
    expect(writer.receive()).toBe(undefined);
    expect(changes).toEqual([]);
    target.send("REPLCONF", "ACK", offset);
    kv.clock.advance(1);
    expect(changes).toEqual([]); // There have been pings since.
    target.send("REPLCONF", "ACK", offsetOf(kv));
    kv.clock.advance(1);
    expect(changes).toEqual(["follow 127.0.0.1:7001"]);
    expect(stateOf(kv)).toBe("failover-in-progress");
    machine.accepted();
    expect(stateOf(kv)).toBe("no-failover");
    kv.clock.advance(1);
    expect(writer.receive()).toBe(
      kv.error("READONLY You can't write against a read only replica."),
    );
    expect(logOf(kv)).toEqual([
      "FAILOVER requested to 127.0.0.1:7001.",
      "Failover target 127.0.0.1:7001 is synced, failing over.",
    ]);
  });

  test("without a target whoever has everything first takes over", () => {
    const { kv, changes } = started();
    follower(kv, 7001);
    const second = follower(kv, 7002).client;
    kv.send("SET", "k", "v");
    kv.send("FAILOVER");
    second.send("REPLCONF", "ACK", offsetOf(kv));
    kv.clock.advance(1);
    expect(changes).toEqual(["follow 127.0.0.1:7002"]);
    expect(logOf(kv)).toEqual([
      "FAILOVER requested to any replica.",
      "Failover target 127.0.0.1:7002 is synced, failing over.",
    ]);
  });

  test("nothing is put into the stream meanwhile; what was put off comes behind", () => {
    const { kv } = started({ "repl-ping-replica-period": 1 });
    const { client } = follower(kv);
    kv.send("SET", "k", "v");
    kv.send("SET", "e", "v", "PX", 500);
    const offset = offsetOf(kv);
    kv.send("FAILOVER", "TIMEOUT", 60_000);
    const waiter = kv.client();
    kv.self.sendBytes("WAIT 1 0\r\n");
    for (let second = 0; second < 5; second++) {
      kv.clock.advance(1000);
      client.send("REPLCONF", "ACK", offset - 1);
    }
    expect(waiter.send("GET", "e")).toBe(null);
    const info = waiter.send("INFO", "replication") as string;
    expect(info).toContain(`master_repl_offset:${offset}\r\n`);
    client.takeRaw();
    expect(waiter.send("FAILOVER", "ABORT")).toBe("OK");
    kv.clock.advance(1100);
    const raw = client.takeRaw();
    expect(raw).toContain(streamText("REPLCONF GETACK *"));
    expect(raw).toContain(streamText("PING"));
  });

  test("one without a limit pings: who is silent with us is not left alone, and may still take over", () => {
    const { kv, changes } = started({ "repl-ping-replica-period": 1 });
    const { client } = follower(kv, 7001);
    kv.send("SET", "k", "v");
    kv.send("FAILOVER", "TO", "127.0.0.1", 7001);
    kv.client().sendBytes("WAIT 1 0\r\n");
    client.takeRaw();
    kv.clock.advance(1100);
    const raw = client.takeRaw();
    expect(raw).toContain(streamText("PING"));
    expect(raw).not.toContain("GETACK");
    client.send("REPLCONF", "ACK", offsetOf(kv));
    kv.clock.advance(1);
    expect(changes).toEqual(["follow 127.0.0.1:7001"]);
  });

  test("nobody begins to follow meanwhile, or comes back", () => {
    const { kv } = started();
    follower(kv, 7001);
    kv.send("SET", "k", "v");
    kv.send("FAILOVER");
    expect(kv.send("CLIENT", "KILL", "TYPE", "replica")).toBe(1);
    const { eof, psync2 } = replicaOptions;
    const id = infoField(kv, "master_replid") ?? "";
    const answerTo = (...words: (string | number)[]) => {
      const client = replicaClient(kv, eof, psync2);
      client.send(...words);
      return client.takeRaw();
    };
    const refusal = "-NOMASTERLINK Can't SYNC while failing over\r\n";
    expect(answerTo("PSYNC", id, 1)).toBe(refusal);
    expect(answerTo("SYNC")).toBe(refusal);
    kv.send("FAILOVER", "ABORT");
    expect(answerTo("PSYNC", id, 1)).toContain(`+CONTINUE ${id}\r\n`);
  });

  test("is given up when time is up", () => {
    const { kv, changes } = started();
    follower(kv);
    kv.send("SET", "k", "v");
    const writer = kv.client();
    expect(kv.send("FAILOVER", "TO", "127.0.0.1", 7001, "TIMEOUT", 250)).toBe("OK");
    expect(writer.send("INCR", "n")).toBe(undefined);
    kv.clock.advance(249);
    expect(stateOf(kv)).toBe("waiting-for-sync");
    kv.clock.advance(2);
    expect(stateOf(kv)).toBe("no-failover");
    expect(writer.receive()).toBe(1);
    expect(changes).toEqual([]);
    expect(logOf(kv)).toEqual([
      "FAILOVER requested to 127.0.0.1:7001.",
      "FAILOVER to 127.0.0.1:7001 aborted: Replica never caught up before timeout",
    ]);
  });

  test("FORCE: when time is up the target takes over all the same", () => {
    const { kv, changes } = started();
    follower(kv);
    kv.send("SET", "k", "v");
    expect(kv.send("FAILOVER", "TO", "127.0.0.1", 7001, "FORCE", "TIMEOUT", 250)).toBe("OK");
    kv.clock.advance(251);
    expect(changes).toEqual(["follow 127.0.0.1:7001"]);
    expect(logOf(kv)[1]).toBe("FAILOVER to 127.0.0.1:7001 time out exceeded, failing over.");
    // Time means nothing any more: it goes on until the target says yes or no.
    kv.clock.advance(60_000);
    expect(stateOf(kv)).toBe("failover-in-progress");
  });

  test("a target that refuses leaves a primary", () => {
    const { kv, machine, changes } = started();
    const { client, offset } = follower(kv);
    kv.send("FAILOVER");
    client.send("REPLCONF", "ACK", offset);
    kv.clock.advance(1);
    const writer = kv.client();
    machine.rejected();
    expect(changes).toEqual(["follow 127.0.0.1:7001", "promote"]);
    expect(writer.send("SET", "k", "v")).toBe("OK");
    expect(logOf(kv)[2]).toBe(
      "FAILOVER to 127.0.0.1:7001 aborted: Failover target rejected psync request",
    );
    machine.rejected();
    machine.accepted();
    expect(stateOf(kv)).toBe("no-failover");
    expect(changes.length).toBe(2);
  });

  test("ABORT takes it back while it waits, and while it is in progress", () => {
    const { kv, changes } = started();
    const { client } = follower(kv);
    kv.send("SET", "k", "v");
    kv.send("FAILOVER");
    expect(kv.send("FAILOVER", "ABORT")).toBe("OK");
    expect(changes).toEqual([]);
    expect(kv.send("SET", "k", "w")).toBe("OK");
    kv.send("FAILOVER");
    client.send("REPLCONF", "ACK", offsetOf(kv));
    kv.clock.advance(1);
    expect(kv.send("FAILOVER", "ABORT")).toBe("OK");
    expect(changes).toEqual(["follow 127.0.0.1:7001", "promote"]);
    expect(kv.send("FAILOVER", "ABORT")).toBe(kv.error("ERR No failover in progress."));
    expect(logOf(kv)[1]).toBe("FAILOVER to any replica aborted: Failover manually aborted");
  });

  test("a pause that a client began goes on behind it", () => {
    const { kv } = started();
    follower(kv);
    kv.send("CLIENT", "PAUSE", 5000, "WRITE");
    kv.send("FAILOVER");
    kv.send("FAILOVER", "ABORT");
    const writer = kv.client();
    expect(writer.send("SET", "k", "v")).toBe(undefined);
    kv.clock.advance(5001);
    expect(writer.receive()).toBe("OK");
  });
});

describe("FAILOVER is refused", () => {
  const refusal = (kv: Harness, ...words: (string | number)[]) =>
    (kv.send("FAILOVER", ...words) as { reply: string }).reply;

  test.each([
    [["ABORT", "x"], "ERR syntax error"],
    [["TO", "h"], "ERR syntax error"],
    [["FORCE", "FORCE"], "ERR syntax error"],
    [["TIMEOUT", 5, "TIMEOUT", 6], "ERR syntax error"],
    [["TIMEOUT", 0], "ERR FAILOVER timeout must be greater than 0"],
    [["TIMEOUT", "x"], "ERR value is not an integer or out of range"],
    [["TO", "h", "x"], "ERR value is not an integer or out of range"],
    [["FORCE"], "ERR FAILOVER requires connected replicas."],
    [["ABORT"], "ERR No failover in progress."],
  ])("%s", (words, text) => {
    expect(refusal(started().kv, ...words)).toBe(text);
  });

  test("where the target is none, or not online yet, or forced by nothing", () => {
    const { kv } = started({ "repl-diskless-sync-delay": 60 });
    const { eof } = replicaOptions;
    const client = replicaClient(kv, eof, ["listening-port", 7001], ["ip-address", "10.0.0.1"]);
    client.send("PSYNC", "?", -1);
    expect(refusal(kv, "TO", "10.0.0.1", 7001)).toBe("ERR FAILOVER target replica is not online.");
    for (const [host, port] of [
      ["10.0.0.1", 7002],
      ["127.0.0.1", 7001],
    ] as const)
      expect(refusal(kv, "TO", host, port)).toBe(
        "ERR FAILOVER target HOST and PORT is not a replica.",
      );
    const what = "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    expect(refusal(kv, "FORCE", "TIMEOUT", 5)).toBe(what);
    expect(refusal(kv, "FORCE", "TO", "10.0.0.1", 7001)).toBe(what);
    expect(kv.send("FAILOVER")).toBe("OK");
    expect(refusal(kv)).toBe("ERR FAILOVER already in progress.");
  });

  test("by a replica", () => {
    const { kv } = started();
    kv.engine.situation.setUnusual(EngineState.REPLICA, true);
    expect(refusal(kv)).toBe("ERR FAILOVER is not valid when server is a replica.");
  });
});

describe("FAILOVER among servers", () => {
  /** Two that follow the first, and have what that has. */
  async function three() {
    const { network, nodes } = fleet(3);
    const [primary, second, third] = nodes;
    primary.send("SET", "before", "v");
    for (const replica of [second, third]) replica.send("REPLICAOF", "n1", 6379);
    await network.advance(2000);
    expect(infoField(primary, "connected_slaves")).toBe("2");
    return { network, primary, second, third };
  }

  test("the primary and its replica change places, and nobody gets all anew", async () => {
    const { network, primary, second, third } = await three();
    primary.send("SET", "k", "v");
    const writer = primary.client();
    // Both ports are 6379, so that the address alone tells who is meant.
    expect(primary.send("FAILOVER", "TO", "n2", 6379)).toBe("OK");
    expect(writer.send("SET", "late", "v")).toBe(undefined);
    await network.advance(3000);
    expect(writer.receive()).toBe(
      primary.error("READONLY You can't write against a read only replica."),
    );
    expect(infoField(second, "role")).toBe("master");
    expect(primary.send("ROLE")).toEqual(["slave", "n2", 6379, "connected", expect.any(Number)]);
    expect(infoField(primary, "master_failover_state")).toBe("no-failover");
    expect(second.send("SET", "after", "v")).toBe("OK");
    await network.advance(2000);
    for (const kv of [primary, third]) {
      expect(kv.send("GET", "after")).toBe("v");
      expect(kv.send("DEBUG", "DIGEST")).toBe(second.send("DEBUG", "DIGEST"));
    }
    expect(infoField(second, "sync_full")).toBe("0");
    expect(infoField(second, "sync_partial_ok")).toBe("1");
    expect(primary.send("GET", "k")).toBe("v");
  });

  test("a target that has gone is tried until ABORT, with no write taken", async () => {
    const { network, primary } = await three();
    network.detach("n2:6379");
    primary.send("SET", "k", "v");
    await network.advance(100);
    expect(primary.send("FAILOVER", "TO", "n2", 6379)).toEqual(
      primary.error("ERR FAILOVER target HOST and PORT is not a replica."),
    );
    expect(primary.send("FAILOVER", "TO", "n3", 6379, "TIMEOUT", 300, "FORCE")).toBe("OK");
    network.detach("n3:6379");
    await network.advance(5000);
    expect(infoField(primary, "master_failover_state")).toBe("failover-in-progress");
    expect(primary.send("REPLICAOF", "NO", "ONE")).toEqual(
      primary.error("ERR REPLICAOF not allowed while failing over."),
    );
    expect(primary.send("SET", "k", "w")).toEqual(
      primary.error("READONLY You can't write against a read only replica."),
    );
    expect(primary.send("FAILOVER", "ABORT")).toBe("OK");
    expect(primary.send("SET", "k", "w")).toBe("OK");
    expect(infoField(primary, "role")).toBe("master");
  });

  test("a target that is no replica of ours refuses", async () => {
    const { network, primary, second } = await three();
    primary.send("SET", "k", "v");
    primary.send("FAILOVER", "TO", "n2", 6379, "TIMEOUT", 300, "FORCE");
    second.send("REPLICAOF", "NO", "ONE");
    await network.advance(3000);
    expect(primary.log).toContain(
      "FAILOVER to n2:6379 aborted: Failover target rejected psync request",
    );
    expect(infoField(primary, "role")).toBe("master");
    expect(primary.send("SET", "k", "w")).toBe("OK");
  });
});
