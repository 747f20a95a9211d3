/**
 * Sentinels of both kinds as processes: they agree with each other that a primary is gone, one of them
 * promotes a replica, and the old primary comes back as a replica. And SENTINEL answers as
 * redis-sentinel does.
 */
import { readFileSync } from "node:fs";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { primaryPort, replaced, send, until, untilItFollows, Watched } from "./replicated.ts";

const sleep = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

const ask = (server: ServerProcess, ...words: (string | number)[]) => send(server, words);

describe.runIf(hasRedisServer())("sentinels", () => {
  let watched: Watched;
  beforeEach(() => {
    watched = new Watched();
  });
  afterEach(() => watched.stop());

  test.each([
    {
      what: "two stock ones and ours, about a redis-server and its replicas of both kinds",
      sentinels: [startRedis, startOurs, startRedis],
      servers: [startRedis, startOurs, startRedis],
    },
    {
      what: "three of ours, about redis-servers",
      sentinels: [startOurs, startOurs, startOurs],
      servers: [startRedis, startRedis, startRedis],
    },
    {
      what: "three stock ones, about ours and its replicas of both kinds",
      sentinels: [startRedis, startRedis, startRedis],
      servers: [startOurs, startOurs, startRedis],
    },
  ])("agree on a failover: $what", async ({ sentinels, servers }) => {
    const fleet = await watched.whole(servers, sentinels);
    const { primary, replicas, watching } = fleet;
    for (const each of watching)
      expect(await ask(each, "SENTINEL", "CKQUORUM", "mymaster")).toBe(
        "+OK 3 usable Sentinels. Quorum and failover authorization can be reached\r\n",
      );
    expect(await send(primary, ["SET", "k", "v"], ["WAIT", 2, 5000])).toBe(":2\r\n");

    await primary.kill();
    const promoted = await replaced(fleet);
    const { port } = promoted;
    const other = replicas.find((each) => each !== promoted) as ServerProcess;
    await untilItFollows(other, port);
    expect(await ask(promoted, "GET", "k")).toBe("$1\r\nv\r\n");
    expect(watched.linesOf(other)).toContain(`replicaof 127.0.0.1 ${port}`);
    expect(`${watched.linesOf(promoted)}`).toMatch(/^# The operator's.,(?!.*replicaof)/);

    const back = await watched.server(servers[0] as typeof startOurs, { port: primary.port });
    await untilItFollows(back, port);
    expect(await ask(back, "GET", "k")).toBe("$1\r\nv\r\n");
    for (const number of [0, 1, 2]) {
      const text = readFileSync(watched.fileOf(number), "utf8");
      expect(text.split("\n").slice(0, 2)).toEqual([
        "# The operator's.",
        `sentinel monitor mymaster 127.0.0.1 ${port} 2`,
      ]);
      expect(text).toContain("sentinel config-epoch mymaster 1\n");
      expect(text).toContain(`sentinel known-replica mymaster 127.0.0.1 ${primary.port}\n`);
    }
  });

  test("clients find the primary and follow it, whichever sentinel they ask and hear", async () => {
    const [stock, own] = await Promise.all([startRedis, startOurs].map((start) => followed(start)));
    expect(own).toEqual(stock);
    expect(own).toContain("+switch-master mymaster 127.0.0.1 OLD 127.0.0.1 NEW");
  });

  /** Has a sentinel of this kind replace the primary while clients write: what it has told meanwhile. */
  async function followed(start: typeof startOurs): Promise<string[]> {
    const primary = await watched.server(startOurs);
    const replica = await watched.server(startOurs, { replicaof: `127.0.0.1 ${primary.port}` });
    const watching = await watched.sentinel(start, start === startOurs ? 0 : 1, primary.port, 1);
    await until("the replica is found", async () =>
      (await ask(watching, "SENTINEL", "REPLICAS", "mymaster")).includes(
        "master-link-status\r\n$2\r\nok",
      ),
    );
    const events = await watching.connect();
    await events.request("PSUBSCRIBE", "*");
    const place = { host: "127.0.0.1", port: watching.port };
    const ioredis = new Redis({ sentinels: [place], name: "mymaster", retryStrategy: () => 50 });
    const nodeRedis = createSentinel({ name: "mymaster", sentinelRootNodes: [place] });
    for (const client of [ioredis, nodeRedis]) client.on("error", () => {});
    try {
      await nodeRedis.connect();
      expect(await ioredis.set("a", 1)).toBe("OK");
      expect(await nodeRedis.set("b", "2")).toBe("OK");
      expect(await ask(primary, "WAIT", 1, 5000)).toBe(":1\r\n");
      expect(await ask(watching, "SENTINEL", "FAILOVER", "mymaster")).toBe("+OK\r\n");
      await until("the replica is the primary", async () => {
        return (await primaryPort(watching)) === replica.port;
      });
      const portOfClient = async (info: Promise<unknown>) =>
        Number(/tcp_port:(\d+)/.exec(`${await info.catch(() => "")}`)?.[1]);
      await until("ioredis is there", async () => {
        return (await portOfClient(ioredis.info("server"))) === replica.port;
      });
      await until("node-redis is there", async () => {
        const info = nodeRedis.use((client) => client.info("server"));
        return (await portOfClient(info)) === replica.port;
      });
      expect(await ioredis.get("b")).toBe("2");
      expect(await nodeRedis.get("a")).toBe("1");
      expect(await ioredis.set("c", 3)).toBe("OK");
    } finally {
      ioredis.disconnect();
      nodeRedis.destroy();
    }
    await untilItFollows(primary, replica.port);
    return toldBy(events.takeReceived(), primary.port, replica.port);
  }

  test("SENTINEL answers as redis-sentinel does", async () => {
    const primary = await watched.server(startRedis);
    await watched.server(startRedis, { replicaof: `127.0.0.1 ${primary.port}` });
    const both = [
      await watched.sentinel(startRedis, 0, primary.port),
      await watched.sentinel(startOurs, 1, primary.port),
    ];
    await until("both have found each other and the replica", async () => {
      const found = await Promise.all(
        both.map((each) => ask(each, "SENTINEL", "MASTER", "mymaster")),
      );
      return found.every((text) =>
        /num-slaves\r\n.*\r\n1\r\nnum-other|sentinels\r\n\$1\r\n1/s.test(text),
      );
    });
    await sleep(1500);
    for (const call of [
      "MASTER",
      "MASTERS",
      "REPLICAS",
      "SENTINELS",
      "CKQUORUM",
      "PENDING-SCRIPTS",
    ]) {
      const words = ["SENTINEL", call, "mymaster"].slice(0, /MASTERS|SCRIPTS/.test(call) ? 2 : 3);
      const [theirs, own] = await Promise.all(both.map((each) => send(each, ["HELLO", 3], words)));
      expect.soft(comparable(own ?? ""), `${call} in RESP3`).toBe(comparable(theirs ?? ""));
      expect(own).toMatch(/^[%*+]/);
    }
    // What a user lacks is told in other words since 7.0.
    const limited = ["ACL", "SETUSER", "limited", "on", ">word", "+sentinel|masters", "+auth"];
    for (const words of [["SENTINEL", "MASTERS"], ["SENTINEL", "MASTER", "mymaster"], ["PING"]]) {
      const [theirs, own] = await Promise.all(
        both.map((each) => send(each, limited, ["AUTH", "limited", "word"], words)),
      );
      expect((own ?? "").slice(0, 7)).toBe((theirs ?? "").slice(0, 7));
      expect((own ?? "").startsWith("-NOPERM")).toBe(words[1] !== "MASTERS");
    }
    for (const call of questions(primary.port)) {
      const [theirs, own] = await Promise.all(both.map((each) => ask(each, ...call)));
      expect.soft(comparable(own ?? ""), call.join(" ")).toBe(comparable(theirs ?? ""));
    }
  });
});

/** The events of a failover among what a subscriber has received: where it has ended nothing more is sure. */
function toldBy(received: string, oldPort: number, newPort: number): string[] {
  const messages = received.matchAll(
    /\r\npmessage\r\n\$1\r\n\*\r\n\$\d+\r\n(.*)\r\n\$\d+\r\n(.*)\r\n/g,
  );
  return [...messages].map(([, channel, text = ""]) =>
    `${channel} ${text}`
      .replaceAll(`${oldPort}`, "OLD")
      .replaceAll(`${newPort}`, "NEW")
      .replace(/\b[0-9a-f]{40}\b/, "id"),
  );
}

/** Times, ids and ports of sentinels differ, and what has been counted. */
function comparable(reply: string): string {
  return reply
    .replace(/\b[0-9a-f]{40}\b/g, "id")
    .replace(/((?:last|info|role|s-down|o-down)-[a-z-]+)\r\n\$\d+\r\n\d+/g, "$1 time")
    .replace(
      /(slave-repl-offset|link-pending-commands|last-hello-message)\r\n\$\d+\r\n\d+/g,
      "$1 n",
    )
    .replace(/(id\r\n\$2\r\nip\r\n\$9\r\n127.0.0.1\r\n\$4\r\nport\r\n)\$\d+\r\n\d+/g, "$1port")
    .replace(/^\*2\r\n:\d+\r\n\$\d+\r\n# Server.*$/gs, "info");
}

/** In this order: some change what later ones are about. What 7.2 has changed is left out. */
function questions(port: number): (string | number)[][] {
  const sentinel = (...words: (string | number)[]) => ["SENTINEL", ...words];
  const set = (...words: (string | number)[]) => sentinel("SET", "mymaster", ...words);
  return [
    sentinel("MASTER", "mymaster"),
    sentinel("MASTERS"),
    sentinel("REPLICAS", "mymaster"),
    sentinel("SLAVES", "mymaster"),
    sentinel("SENTINELS", "mymaster"),
    ...["MASTER", "REPLICAS", "SLAVES", "SENTINELS", "REMOVE", "FAILOVER", "CKQUORUM"].flatMap(
      (name) => [sentinel(name), sentinel(name, "nosuch")],
    ),
    sentinel("GET-MASTER-ADDR-BY-NAME", "nosuch"),
    sentinel("GET-MASTER-ADDR-BY-NAME", "mymaster"),
    sentinel("CKQUORUM", "mymaster"),
    sentinel("NOSUCH"),
    sentinel("MYID", "x"),
    sentinel("PENDING-SCRIPTS"),
    sentinel("SIMULATE-FAILURE"),
    sentinel("SIMULATE-FAILURE", "HELP"),
    sentinel("SIMULATE-FAILURE", "nosuch"),
    sentinel("RESET", "nosuch*"),
    sentinel("RESET", "MYMASTER"),
    sentinel("INFO-CACHE", "nosuch"),
    sentinel("IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", port, 0, "*"),
    sentinel("IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", 1, 0, "*"),
    sentinel("IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "x", 0, "*"),
    sentinel("IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", port, "x", "*"),
    sentinel("IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", port, 0),
    sentinel("MONITOR", "a", "127.0.0.1", 1, "x"),
    sentinel("MONITOR", "a", "127.0.0.1", 1, 0),
    sentinel("MONITOR", "a", "127.0.0.1", "x", 1),
    sentinel("MONITOR", "a", "127.0.0.1", 70_000, 1),
    sentinel("MONITOR", "a", "nosuch.host", 1, 1),
    sentinel("MONITOR", "mymaster", "127.0.0.1", 1, 1),
    sentinel("MONITOR", "other", "127.0.0.1", 1, 1),
    sentinel("FAILOVER", "other"),
    sentinel("CKQUORUM", "other"),
    sentinel("REMOVE", "other"),
    ["ROLE"],
    set("nosuch", 1),
    set("quorum", "x"),
    set("quorum", 0),
    set("quorum", "02"),
    set("quorum", "+2"),
    set("failover-timeout", "9223372036854775807"),
    set("failover-timeout", "9223372036854775808"),
    set("failover-timeout", 20_000),
    sentinel("CONFIG", "SET", "announce-port", "05"),
    sentinel("MONITOR", "a", "127.0.0.1", "9223372036854775807", 1),
    set("quorum", 1, "nosuch", 1),
    set("quorum", 2, "down-after-milliseconds"),
    ...["down-after-milliseconds", "failover-timeout", "parallel-syncs"].flatMap((name) => [
      set(name, 0),
      set(name, -1),
      set(name, "1x"),
    ]),
    set("master-reboot-down-after-period", 0),
    set("master-reboot-down-after-period", -1),
    set("notification-script", "/bin/true"),
    set("client-reconfig-script", "/bin/true"),
    set("rename-command", "CONFIG"),
    set("rename-command", "CONFIG", ""),
    set("rename-command", "CONFIG", "CONFIG"),
    set("parallel-syncs", 3, "failover-timeout", 9000),
    sentinel("MASTER", "mymaster"),
    sentinel("CONFIG"),
    sentinel("CONFIG", "GET", "announce-*"),
    sentinel("CONFIG", "GET", "nosuch"),
    sentinel("CONFIG", "SET", "nosuch", 1),
    sentinel("CONFIG", "SET", "announce-port", "x"),
    sentinel("CONFIG", "SET", "announce-port", 70_000),
    sentinel("CONFIG", "SET", "resolve-hostnames", "maybe"),
    sentinel("CONFIG", "SET", "announce-ip", "127.0.0.1"),
    sentinel("CONFIG", "SET", "sentinel-user", ""),
    sentinel("DEBUG"),
    sentinel("DEBUG", "nosuch", 1),
    sentinel("DEBUG", "info-period"),
    sentinel("DEBUG", "info-period", 0),
    sentinel("DEBUG", "info-period", "x"),
    sentinel("FLUSHCONFIG"),
    ["PUBLISH", "channel", "message"],
    ["PUBLISH", "__sentinel__:hello", "message"],
    ["GET", "k"],
    ["CONFIG", "GET", "*"],
    ["MULTI"],
    ["SELECT", 1],
    ["SUBSCRIBE", "x"],
    ["ACL", "WHOAMI"],
    ["COMMAND", "INFO", "sentinel|set"],
  ];
}
