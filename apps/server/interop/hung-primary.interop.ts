/**
 * A primary that hangs and comes back (SIGSTOP, SIGCONT): sentinels put a replica in its place, and the old
 * one, which knows nothing of that and takes writes again, becomes a replica of the new one. What it has
 * taken meanwhile is gone, what the new one has taken is there: all have the same data in the end.
 */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { field, replaced, send, until, untilItFollows, Watched } from "./replicated.ts";

describe.runIf(hasRedisServer())("a primary that hangs and comes back", () => {
  let watched: Watched;
  let hung: ServerProcess | undefined;
  beforeEach(() => {
    watched = new Watched();
  });
  afterEach(async () => {
    hung?.signal("SIGCONT");
    hung = undefined;
    await watched.stop();
  });

  test.each([
    { of: "ours", by: "stock sentinels", server: startOurs, sentinel: startRedis },
    { of: "redis-server", by: "ours", server: startRedis, sentinel: startOurs },
    { of: "ours", by: "ours", server: startOurs, sentinel: startOurs },
  ])("is a replica then: $of, watched by $by", async ({ server, sentinel }) => {
    const fleet = await watched.whole([server, server, server], [sentinel, sentinel, sentinel]);
    const { primary, replicas } = fleet;
    // The sentinels read it each second.
    const [first] = replicas as [ServerProcess, ...ServerProcess[]];
    await send(first, ["CONFIG", "SET", "replica-priority", 0]);
    await until("all know that", async () => {
      const texts = await Promise.all(
        fleet.watching.map((each) => send(each, ["SENTINEL", "REPLICAS", "mymaster"])),
      );
      return texts.every((text) => text.includes("slave-priority\r\n$1\r\n0\r\n"));
    });
    expect(await send(primary, ["SET", "before", 1], ["WAIT", 2, 5000])).toBe(":2\r\n");
    // Somebody is connected all the time, and goes on to write there, as soon as it is heard again.
    const client = await primary.connect();
    hung = primary;
    primary.signal("SIGSTOP");
    const late = client.request("SET", "late", 1).catch(() => "hung up on");
    const promoted = await replaced(fleet);
    const { port } = promoted;
    expect(promoted).not.toBe(first);
    const other = replicas.find((each) => each !== promoted) as ServerProcess;
    await untilItFollows(other, port);
    expect(await send(promoted, ["SET", "after", 1], ["WAIT", 1, 5000])).toBe(":1\r\n");

    primary.signal("SIGCONT");
    await late;
    await untilItFollows(primary, port);
    expect(await field(promoted, "connected_slaves")).toBe("2");
    expect(await send(promoted, ["SET", "last", 1], ["WAIT", 2, 5000])).toBe(":2\r\n");
    const digest = await send(promoted, ["DEBUG", "DIGEST"]);
    for (const each of [primary, other]) {
      expect(await send(each, ["MGET", "before", "after", "last", "late"])).toBe(
        "*4\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n$-1\r\n",
      );
      expect(await send(each, ["DEBUG", "DIGEST"])).toBe(digest);
      expect(await send(each, ["SET", "k", "v"])).toMatch(/^-READONLY/);
    }
    // They know it as a replica that is well, and the next failover may choose it.
    await until("sentinels say so", async () => {
      const texts = await Promise.all(
        fleet.watching.map((each) => send(each, ["SENTINEL", "REPLICAS", "mymaster"])),
      );
      return texts.every((text) => text.split("\r\nflags\r\n$5\r\nslave\r\n").length === 3);
    });
  });
});
