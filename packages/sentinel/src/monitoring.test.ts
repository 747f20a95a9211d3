/** What a sentinel finds out about the servers that it watches, and what it tells of it. */
import { SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const [one, two] = ["10.0.0.1:6379", "10.0.0.2:6379"] as const;

/** A primary with a replica, and who watches them. */
async function watched(lines?: string) {
  const fleet = new SentinelFleet();
  await fleet.addServer(one);
  await fleet.addServer(two, one);
  await fleet.network.advance(1000);
  const sentinel = await fleet.addSentinel("10.0.1.1:26379", lines);
  return { fleet, sentinel };
}

describe("a sentinel", () => {
  test("finds the replicas of its primary and other sentinels, and writes them down", async () => {
    const { fleet, sentinel } = await watched();
    const other = await fleet.addSentinel("10.0.1.2:26379");
    await fleet.network.advance(5000);
    const id = other.send("SENTINEL", "MYID");
    expect(sentinel.events()).toEqual([
      "+slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379",
      `+sentinel sentinel ${id} 10.0.1.2 26379 @ mymaster 10.0.0.1 6379`,
    ]);
    expect(sentinel.file).toContain("sentinel known-replica mymaster 10.0.0.2 6379\n");
    expect(sentinel.file).toContain(`sentinel known-sentinel mymaster 10.0.1.2 26379 ${id}\n`);
    expect(sentinel.file).toMatch(/^port 26379\nsentinel monitor mymaster 10.0.0.1 6379 2\n/);
  });

  test("shows what it knows in Redis's fields and order", async () => {
    const { fleet, sentinel } = await watched();
    await fleet.addSentinel("10.0.1.2:26379");
    await fleet.network.advance(3000);
    const namesOf = (reply: unknown) => (reply as string[]).filter((_, index) => index % 2 === 0);
    const common = `name ip port runid flags link-pending-commands link-refcount last-ping-sent
      last-ok-ping-reply last-ping-reply down-after-milliseconds`;
    const words = (text: string) => text.split(/\s+/);
    expect(namesOf(sentinel.send("SENTINEL", "MASTER", "mymaster"))).toEqual(
      words(`${common} info-refresh role-reported role-reported-time config-epoch num-slaves
        num-other-sentinels quorum failover-timeout parallel-syncs`),
    );
    const [replica] = sentinel.send("SENTINEL", "REPLICAS", "mymaster") as unknown[];
    expect(namesOf(replica)).toEqual(
      words(`${common} info-refresh role-reported role-reported-time master-link-down-time
        master-link-status master-host master-port slave-priority slave-repl-offset replica-announced`),
    );
    const [peer] = sentinel.send("SENTINEL", "SENTINELS", "mymaster") as unknown[];
    expect(namesOf(peer)).toEqual(
      words(`${common} last-hello-message voted-leader voted-leader-epoch`),
    );
  });

  test("takes what 64 bits hold for a time, which is never, and no other spelling", async () => {
    const { sentinel } = await watched();
    const set = (value: string) =>
      sentinel.send("SENTINEL", "SET", "mymaster", "down-after-milliseconds", value);
    for (const wrong of ["05", "+5", "5.0", "9223372036854775808", "-1", ""])
      expect(set(wrong)).toEqual(
        sentinel.kv.error(
          `ERR Invalid argument '${wrong}' for SENTINEL SET 'down-after-milliseconds'`,
        ),
      );
    expect(set("9223372036854775807")).toBe("OK");
    expect(sentinel.file).toContain(
      `down-after-milliseconds mymaster ${Number.MAX_SAFE_INTEGER}\n`,
    );
  });

  test("has no subcommands that are about data", async () => {
    const { sentinel } = await watched();
    expect(sentinel.send("CLIENT", "NO-TOUCH", "on")).toEqual(
      sentinel.kv.error("ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP."),
    );
    const names = sentinel.send("COMMAND", "LIST") as string[];
    expect(names).toContain("client|no-evict");
    expect(names).not.toContain("client|no-touch");
    expect(`${sentinel.send("CLIENT", "HELP")}`).not.toContain("NO-TOUCH");
  });

  test("is told by INFO, HELLO and ROLE, and has no commands on data", async () => {
    const { fleet, sentinel } = await watched();
    await fleet.network.advance(1000);
    const titles = (...names: string[]) =>
      `${sentinel.send("INFO", ...names)}`.match(/^# \w+/gm)?.join("");
    for (const names of [[], ["all"], ["default"], ["everything"]])
      expect(titles(...names)).toBe("# Server# Clients# Stats# CPU# Sentinel");
    expect(titles("modules")).toBe(undefined);
    const info = sentinel.send("INFO") as string;
    expect(info).toContain("redis_mode:sentinel\r\n");
    expect(info).toContain(
      "master0:name=mymaster,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=1\r\n",
    );
    expect(sentinel.send("ROLE")).toEqual(["sentinel", ["mymaster"]]);
    expect((sentinel.send("HELLO", 2) as unknown[]).slice(8)).toEqual([
      "mode",
      "sentinel",
      "modules",
      [],
    ]);
    for (const name of ["GET", "SET", "CONFIG", "MULTI", "EVAL", "SELECT", "DEBUG", "SAVE"])
      expect(sentinel.send("COMMAND", "INFO", name)).toEqual([null]);
    expect(sentinel.send("COMMAND", "COUNT")).toBe(16);
    expect(sentinel.send("PUBLISH", "news", "x")).toBe(
      sentinel.kv.error("ERR Only HELLO messages are accepted by Sentinel instances."),
    );
  });

  test("sees a server that does not answer as down, and up again once it does", async () => {
    const { fleet, sentinel } = await watched();
    await fleet.network.advance(3000);
    sentinel.events();
    const server = fleet.network.nodes.get(two);
    fleet.kill(two);
    await fleet.network.advance(4000);
    const about = "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379";
    expect(sentinel.events()).toEqual([`+sdown ${about}`]);
    if (server !== undefined) fleet.network.attach(two, server);
    await fleet.network.advance(3000);
    expect(sentinel.events()).toEqual([`-sdown ${about}`]);
  });

  test("decides nothing for a while when time leaps, and says so", async () => {
    const { fleet, sentinel } = await watched();
    await fleet.network.advance(3000);
    sentinel.events();
    sentinel.kv.host.advance(60_000);
    await fleet.network.advance(100);
    expect(sentinel.events()).toEqual(["+tilt #tilt mode entered"]);
    expect(sentinel.send("INFO", "sentinel")).toContain("sentinel_tilt:1\r\n");
    fleet.kill(one);
    await fleet.network.advance(20_000);
    expect(sentinel.events()).toEqual([]);
    expect(sentinel.send("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", 6379, 0, "*")).toEqual([
      0,
      "*",
      0,
    ]);
    await fleet.network.advance(15_000);
    expect(sentinel.events().slice(0, 2)).toEqual([
      "-tilt #tilt mode exited",
      "+sdown master mymaster 10.0.0.1 6379",
    ]);
  });
});
