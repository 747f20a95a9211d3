/** The steps of a failover that do not always go well, and those that an operator asks for. */

import type { ConfigOptions } from "@kv/config";
import { type FleetSentinel, SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const [one, two, three] = ["10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"] as const;

const lines = `sentinel monitor mymaster 10.0.0.1 6379 1
sentinel down-after-milliseconds mymaster 3000
sentinel failover-timeout mymaster 20000
`;

/** A primary, replicas with these directives, and one sentinel that decides alone. */
async function alone(...replicas: ConfigOptions[]) {
  const fleet = new SentinelFleet();
  await fleet.addServer(one);
  for (const [index, config] of replicas.entries())
    await fleet.addServer(`10.0.0.${index + 2}:6379`, one, config);
  await fleet.network.advance(1000);
  const sentinel = await fleet.addSentinel("10.0.1.1:26379", lines);
  await fleet.network.advance(3000);
  sentinel.events();
  return { fleet, sentinel };
}

const typesOf = (sentinel: FleetSentinel) => sentinel.events().map((event) => event.split(" ")[0]);
const primaryOf = (sentinel: FleetSentinel) =>
  (sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster") as string[]).join(":");
const fieldsOf = (reply: unknown) => {
  const words = reply as string[];
  return Object.fromEntries(
    words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : [])),
  );
};

describe("the replica that is chosen", () => {
  test("has the lowest priority, and none of 0", async () => {
    const { fleet, sentinel } = await alone(
      { "replica-priority": 0 },
      { "replica-priority": 20 },
      { "replica-priority": 30 },
    );
    fleet.kill(one);
    await fleet.network.advance(15_000);
    expect(primaryOf(sentinel)).toBe(three);
  });

  test("is none where none is well, and that is tried again", async () => {
    const { fleet, sentinel } = await alone({ "replica-priority": 0 });
    expect(sentinel.send("SENTINEL", "FAILOVER", "mymaster")).toBe(
      sentinel.kv.error("NOGOODSLAVE No suitable replica to promote"),
    );
    fleet.kill(one);
    await fleet.network.advance(6000);
    expect(typesOf(sentinel).at(-1)).toBe("-failover-abort-no-good-slave");
    fleet.network.nodes.get(two)?.client().send("CONFIG", "SET", "replica-priority", 1);
    await fleet.network.advance(50_000);
    expect(primaryOf(sentinel)).toBe(two);
  });
});

test("a new primary is connected to at once, lest it counts as down before it was asked", async () => {
  const { fleet, sentinel } = await alone({});
  fleet.kill(one);
  const hasSwitched = () => typesOf(sentinel).includes("+switch-master");
  for (let turn = 0; turn < 100 && !hasSwitched(); turn++) await fleet.network.advance(100);
  await fleet.network.advance(100);
  expect(fieldsOf(sentinel.send("SENTINEL", "MASTER", "mymaster"))).toMatchObject({
    port: "6379",
    ip: "10.0.0.2",
    flags: "master",
  });
});

describe("an operator", () => {
  test("has a primary replaced that is well, without votes", async () => {
    const { fleet, sentinel } = await alone({}, {});
    await fleet.addSentinel("10.0.1.2:26379", lines);
    await fleet.network.advance(3000);
    expect(sentinel.send("SENTINEL", "FAILOVER", "mymaster")).toBe("OK");
    expect(sentinel.send("SENTINEL", "FAILOVER", "mymaster")).toBe(
      sentinel.kv.error("INPROG Failover already in progress"),
    );
    const { flags, "failover-state": state } = fieldsOf(
      sentinel.send("SENTINEL", "MASTER", "mymaster"),
    );
    expect([flags, state]).toEqual(["master,failover_in_progress,force_failover", "wait_start"]);
    await fleet.network.advance(30_000);
    const primary = primaryOf(sentinel);
    expect([two, three]).toContain(primary);
    // The old primary was told, too.
    const old = fleet.network.nodes.get(one)?.client().send("ROLE") as unknown[];
    expect(`${old[1]}:${old[2]}`).toBe(primary);
  });

  test("has replicas copy one after the other, or more at a time", async () => {
    const { fleet, sentinel } = await alone({ "replica-priority": 1 }, {}, {});
    sentinel.send("SENTINEL", "FAILOVER", "mymaster");
    await fleet.network.advance(3000);
    const steps = typesOf(sentinel).filter((type) => type?.startsWith("+slave-reconf"));
    expect(steps.slice(0, 3)).toEqual([
      "+slave-reconf-sent",
      "+slave-reconf-inprog",
      "+slave-reconf-done",
    ]);
    const { fleet: other, sentinel: hurried } = await alone({ "replica-priority": 1 }, {}, {});
    hurried.send("SENTINEL", "SET", "mymaster", "parallel-syncs", 2);
    hurried.send("SENTINEL", "FAILOVER", "mymaster");
    await other.network.advance(3000);
    const both = typesOf(hurried).filter((type) => type?.startsWith("+slave-reconf"));
    expect(both.slice(0, 2)).toEqual(["+slave-reconf-sent", "+slave-reconf-sent"]);
  });

  test.each([
    ["CRASH-AFTER-ELECTION", "+elected-leader", one],
    ["CRASH-AFTER-PROMOTION", "+promoted-slave", one],
  ])("tries how the process ends in the middle: %s", async (word, last, primary) => {
    const { fleet, sentinel } = await alone({});
    expect(sentinel.send("SENTINEL", "SIMULATE-FAILURE", word)).toBe("OK");
    sentinel.send("SENTINEL", "FAILOVER", "mymaster");
    await fleet.network.advance(5000);
    expect(sentinel.kv.host.exitCode).toBe(99);
    expect(typesOf(sentinel).at(-1)).toBe(last);
    expect(primaryOf(sentinel).startsWith(primary.slice(0, 6))).toBe(true);
  });
});

describe("a server that is not what it should be", () => {
  test("is told to follow the primary again, once that is sure", async () => {
    const { fleet, sentinel } = await alone({}, {});
    fleet.network.nodes.get(two)?.send("REPLICAOF", "NO", "ONE");
    await fleet.network.advance(35_000);
    expect(typesOf(sentinel)).toEqual(["-role-change", "+convert-to-slave", "+role-change"]);
    fleet.network.nodes.get(two)?.client().send("REPLICAOF", "10.0.0.3", 6379);
    await fleet.network.advance(45_000);
    expect(typesOf(sentinel)).toContain("+fix-slave-config");
    const role = fleet.network.nodes.get(two)?.client().send("ROLE") as unknown[];
    expect(role[1]).toBe("10.0.0.1");
  });

  test("is a primary that comes back without its data: it counts as down", async () => {
    const { fleet, sentinel } = await alone({});
    sentinel.send("SENTINEL", "SET", "mymaster", "master-reboot-down-after-period", 1000);
    sentinel.events();
    fleet.kill(one);
    await fleet.addServer(one);
    await fleet.network.advance(12_000);
    expect(sentinel.events()[0]).toBe("+reboot master mymaster 10.0.0.1 6379");
  });
});

describe("peers", () => {
  test("share one link, however many primaries they watch", async () => {
    const fleet = new SentinelFleet();
    await fleet.addServer(one);
    await fleet.addServer(two);
    const both = `${lines}sentinel monitor other 10.0.0.2 6379 1\n`;
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", both);
    await fleet.addSentinel("10.0.1.2:26379", both);
    await fleet.network.advance(4000);
    const [peer] = sentinel.send("SENTINEL", "SENTINELS", "other") as unknown[];
    expect(fieldsOf(peer)).toMatchObject({ "link-refcount": "2", flags: "sentinel" });
    sentinel.send("SENTINEL", "REMOVE", "other");
    const [left] = sentinel.send("SENTINEL", "SENTINELS", "mymaster") as unknown[];
    expect(fieldsOf(left)).toMatchObject({ "link-refcount": "1", flags: "sentinel" });
  });

  test("are found at their new places, and known by their ids", async () => {
    const { fleet, sentinel } = await alone();
    const peer = await fleet.addSentinel("10.0.1.2:26379", lines);
    await fleet.network.advance(4000);
    const id = peer.send("SENTINEL", "MYID");
    fleet.kill("10.0.1.2:26379");
    sentinel.events();
    await fleet.addSentinel("10.0.1.3:26379", peer.file);
    await fleet.network.advance(4000);
    expect(sentinel.events().filter((event) => event.includes("address"))).toEqual([
      `+sentinel-address-switch master mymaster 10.0.0.1 6379 ip 10.0.1.3 port 26379 for ${id}`,
    ]);
    expect(sentinel.file).toContain(`sentinel known-sentinel mymaster 10.0.1.3 26379 ${id}\n`);
  });

  test("are forgotten with RESET, and found again", async () => {
    const { fleet, sentinel } = await alone({});
    await fleet.addSentinel("10.0.1.2:26379", lines);
    await fleet.network.advance(4000);
    sentinel.events();
    expect(sentinel.send("SENTINEL", "RESET", "MY*")).toBe(0);
    expect(sentinel.send("SENTINEL", "RESET", "my*")).toBe(1);
    expect(sentinel.file).not.toContain("known-");
    await fleet.network.advance(5000);
    expect(typesOf(sentinel)).toEqual(["+reset-master", "+slave", "+sentinel"]);
  });

  test("and servers are logged in at with the passwords that were given", async () => {
    const fleet = new SentinelFleet();
    await fleet.addServer(one, null, { requirepass: "secret" });
    const own = `${lines}sentinel auth-pass mymaster secret\nrequirepass inner\nsentinel sentinel-pass inner\n`;
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", own);
    const peer = await fleet.addSentinel("10.0.1.2:26379", own);
    await fleet.network.advance(8000);
    expect(`${peer.send("SENTINEL", "MASTERS")}`).toMatch(/NOAUTH/);
    peer.send("AUTH", "inner");
    expect(peer.send("SENTINEL", "CKQUORUM", "mymaster")).toBe(
      "OK 2 usable Sentinels. Quorum and failover authorization can be reached",
    );
    sentinel.send("AUTH", "inner");
    expect(fieldsOf(sentinel.send("SENTINEL", "MASTER", "mymaster"))).toMatchObject({
      flags: "master",
      "role-reported": "master",
    });
  });
});
