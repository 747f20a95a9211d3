/**
 * A replica without memory for what its primary has done: it never goes on as if it had done that, too. It
 * says so, stays where it is, and is equal again as soon as there is room.
 */
import { fleet, type Harness, infoField } from "@kv/testing";
import { describe, expect, test } from "vitest";

const digest = (kv: Harness) => kv.send("DEBUG", "DIGEST");
const offset = (kv: Harness) => Number(infoField(kv, "master_repl_offset"));
const large = "x".repeat(100_000);

/** The second follows the first and has no room for so many bytes; the third follows the second. */
async function fullReplica() {
  const { network, nodes } = fleet(3, { "repl-backlog-size": "4mb" });
  const [primary, replica, last] = nodes;
  primary.send("SET", "list", "none");
  replica.send("REPLICAOF", "n1", 6379);
  await network.advance(2000);
  last.send("REPLICAOF", "n2", 6379);
  await network.advance(2000);
  expect(infoField(last, "master_link_status")).toBe("up");
  const { arena } = replica.engine.keyspace;
  const { limitBytes } = arena;
  arena.limitBytes = arena.segmentBytes;
  /** Until the replica has said that there is no room. */
  const write = async (...requests: (string | number)[][]) => {
    for (let round = 0; !says(replica, /^== CRITICAL == There is no memory/); round++) {
      expect(round).toBeLessThan(100);
      for (const words of requests)
        primary.send(...words.map((word) => `${word}`.replace("#", `${round}`)));
      await network.settle();
    }
  };
  const makeRoom = () => {
    arena.limitBytes = limitBytes;
  };
  return { network, primary, replica, last, write, makeRoom };
}

const says = (kv: Harness, line: RegExp) => kv.log.some((each) => line.test(each));

/** All have the same, and stand in the same place. */
async function expectEqual(nodes: readonly Harness[]): Promise<void> {
  const [first] = nodes as [Harness];
  for (const kv of nodes) {
    expect(digest(kv)).toBe(digest(first));
    expect(offset(kv)).toBe(offset(first));
    expect(infoField(kv, "master_replid")).toBe(infoField(first, "master_replid"));
    kv.check();
  }
}

describe("there is no memory for", () => {
  test.each([
    ["a command", [["SET", "k#", large]]],
    [
      "a command with others behind it",
      [
        ["SET", "k#", large],
        ["INCR", "n"],
        ["SELECT", 3],
        ["SET", "k#", 1],
        ["SELECT", 0],
      ],
    ],
    [
      "what a transaction is made of, of which nothing is done",
      [["MULTI"], ...Array.from({ length: 30 }, () => ["SET", "k", large]), ["EXEC"]],
    ],
  ])("%s: it is asked for again, from there on", async (_what, requests) => {
    const { network, primary, replica, last, write, makeRoom } = await fullReplica();
    await write(...requests);
    expect(offset(replica)).toBeLessThan(offset(primary));
    expect(infoField(replica, "master_link_status")).toBe("down");
    const stoodAt = offset(replica);
    const before = digest(replica);
    await network.advance(3000);
    // It has tried again by now, and nothing of what stands behind is done.
    expect(offset(replica)).toBe(stoodAt);
    expect(digest(replica)).toBe(before);
    expect(digest(last)).toBe(before);
    expect(Number(infoField(primary, "sync_partial_ok"))).toBeGreaterThan(0);

    makeRoom();
    await network.advance(4000);
    expect(infoField(replica, "master_link_status")).toBe("up");
    await expectEqual([primary, replica, last]);
    expect(infoField(primary, "sync_full")).toBe("1");
    expect(infoField(replica, "sync_full")).toBe("1");
  });

  test("all that a transaction does: half of it is nobody's history", async () => {
    const { network, primary, replica, last, write, makeRoom } = await fullReplica();
    // What is queued has room, what it makes has not.
    await write(["MULTI"], ["INCR", "n"], ["SETRANGE", "k#", 2 ** 20, "x"], ["EXEC"]);
    expect(says(replica, /'exec' of the master, and half of it is done/)).toBe(true);
    const id = infoField(primary, "master_replid");
    expect(infoField(replica, "master_replid")).not.toBe(id);
    // Whoever makes it a primary now has another history.
    expect(infoField(replica, "master_replid2")).not.toBe(id);
    await network.advance(3000);
    expect(infoField(replica, "role")).toBe("slave");
    expect(replica.host.exitCode).toBe(null);

    makeRoom();
    await network.advance(5000);
    expect(infoField(replica, "master_link_status")).toBe("up");
    await network.advance(5000);
    await expectEqual([primary, replica, last]);
    expect(Number(infoField(primary, "sync_full"))).toBeGreaterThan(1);
    expect(says(replica, /^Full resync from master/)).toBe(true);
  });

  test("part of a script: neither", async () => {
    const { network, primary, replica, write, makeRoom } = await fullReplica();
    const script = "redis.call('INCR', 'n') redis.pcall('SETRANGE', KEYS[1], 2^20, 'x')";
    await write(["EVAL", script, 1, "k#"]);
    makeRoom();
    await network.advance(5000);
    await expectEqual([primary, replica]);
  });
});

test("there is no memory for a data set beside the old one: the next time that one goes first", async () => {
  const { network, nodes } = fleet(2);
  const [primary, replica] = nodes;
  const { arena } = replica.engine.keyspace;
  for (let index = 0; index < 12; index++) {
    replica.send("SET", `old${index}`, "x".repeat(50_000));
    primary.send("SET", `new${index}`, "x".repeat(50_000));
  }
  arena.limitBytes = arena.segmentBytes;
  replica.send("REPLICAOF", "n1", 6379);
  await network.advance(5000);
  const steps = replica.log.filter((line) => /Flushing old data$|OOM loading DB.*$/.test(line));
  expect(steps.at(-1)).toBe("MASTER <-> REPLICA sync: Flushing old data");
  expect(steps[0]).toMatch(/^Short read or OOM loading DB/);
  await expectEqual(nodes);
});

test("an error within a transaction is told as any other", async () => {
  const { network, nodes } = fleet(2);
  const [primary, replica] = nodes;
  replica.send("REPLICAOF", "n1", 6379);
  await network.advance(2000);
  replica.send("CONFIG", "SET", "replica-read-only", "no");
  replica.send("SET", "list", "no list");
  for (const words of [["MULTI"], ["INCR", "n"], ["RPUSH", "list", "a"], ["EXEC"]])
    primary.send(...words);
  await network.settle();
  expect(says(replica, /sending an error to its master: 'WRONGTYPE .* command 'rpush'$/)).toBe(
    true,
  );
  expect(replica.send("GET", "n")).toBe("1");
  expect(infoField(replica, "unexpected_error_replies")).toBe("1");
});
