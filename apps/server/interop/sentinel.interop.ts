/**
 * Sentinels of both kinds as processes: they agree with each other that a primary is gone, one of them
 * promotes a replica, and the old primary comes back as a replica. And SENTINEL answers as
 * redis-sentinel does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";

type Start = typeof startOurs;

/** Not on the command line, but in the file or nowhere. */
const left = { unixsocket: null, save: null, "enable-debug-command": null };

const sleep = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

describe.runIf(hasRedisServer())("sentinels", () => {
  let folder: string;
  const running: ServerProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-sentinel-"));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function server(start: Start, config: Record<string, string | number> = {}) {
    const started = await start({ config: { "repl-diskless-sync-delay": 0, ...config } });
    running.push(started);
    return started;
  }

  const fileOf = (number: number) => join(folder, `sentinel-${number}.conf`);

  async function sentinel(start: Start, number: number, port: number, quorum = 2) {
    const file = fileOf(number);
    writeFileSync(
      file,
      `# The operator's.
sentinel monitor mymaster 127.0.0.1 ${port} ${quorum}
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 10000
`,
    );
    const started = await start({ args: [file, "--sentinel"], config: left });
    running.push(started);
    // So that a test need not wait for minutes.
    const periods = ["info-period", 1000, "publish-period", 500];
    expect(await ask(started, "SENTINEL", "DEBUG", ...periods)).toBe("+OK\r\n");
    return started;
  }

  async function ask(asked: ServerProcess, ...words: (string | number)[]): Promise<string> {
    const client = await asked.connect();
    try {
      return await client.request(...words);
    } finally {
      client.close();
    }
  }

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let turn = 0; !(await isSo()); turn++) {
      if (turn === 200) throw new Error(`not within 20 s: ${what}`);
      await sleep(100);
    }
  }

  const portOf = (reply: string) => Number(/\$\d+\r\n(\d+)\r\n$/.exec(reply)?.[1]);
  const primaryPort = async (watching: ServerProcess) =>
    portOf(await ask(watching, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"));

  test.each([
    {
      what: "two stock ones and ours, about redis-servers",
      sentinels: [startRedis, startOurs, startRedis],
      servers: [startRedis, startRedis, startRedis],
    },
    {
      what: "three of ours, about redis-servers",
      sentinels: [startOurs, startOurs, startOurs],
      servers: [startRedis, startRedis, startRedis],
    },
    {
      what: "ours and stock ones, about servers of both kinds",
      sentinels: [startOurs, startRedis, startOurs],
      servers: [startOurs, startOurs, startRedis],
    },
  ])("agree on a failover: $what", async ({ sentinels, servers }) => {
    const primary = await server(servers[0] as Start);
    const replicaof = `127.0.0.1 ${primary.port}`;
    const replicas = await Promise.all(
      servers.slice(1).map((start) => server(start, { replicaof })),
    );
    const watching = await Promise.all(
      sentinels.map((start, number) => sentinel(start, number, primary.port)),
    );
    await until("all have found all", async () => {
      const found = await Promise.all(
        watching.map((each) => ask(each, "SENTINEL", "MASTER", "mymaster")),
      );
      return found.every(
        (text) =>
          text.includes("num-slaves\r\n$1\r\n2\r\n") &&
          text.includes("num-other-sentinels\r\n$1\r\n2\r\n"),
      );
    });
    for (const each of watching)
      expect(await ask(each, "SENTINEL", "CKQUORUM", "mymaster")).toBe(
        "+OK 3 usable Sentinels. Quorum and failover authorization can be reached\r\n",
      );
    expect(await ask(primary, "SET", "k", "v")).toBe("+OK\r\n");
    expect(await ask(primary, "WAIT", 2, 5000)).toBe(":2\r\n");

    await primary.kill();
    await until("all have another primary", async () => {
      const ports = await Promise.all(watching.map(primaryPort));
      return ports[0] !== primary.port && ports.every((port) => port === ports[0]);
    });
    const port = await primaryPort(watching[0] as ServerProcess);
    const promoted = replicas.find((each) => each.port === port) as ServerProcess;
    const other = replicas.find((each) => each.port !== port) as ServerProcess;
    await until("it is one", async () => (await ask(promoted, "ROLE")).includes("master"));
    await until("the other follows it", async () =>
      (await ask(other, "INFO", "replication")).includes(`master_port:${port}\r\nmaster_link_status:up`),
    );
    expect(await ask(promoted, "GET", "k")).toBe("$1\r\nv\r\n");

    const back = await server(servers[0] as Start, { port: primary.port });
    await until("the old one is a replica", async () =>
      (await ask(back, "INFO", "replication")).includes(`master_port:${port}\r\nmaster_link_status:up`),
    );
    expect(await ask(back, "GET", "k")).toBe("$1\r\nv\r\n");
    for (const number of [0, 1, 2]) {
      const text = readFileSync(fileOf(number), "utf8");
      expect(text.split("\n").slice(0, 2)).toEqual([
        "# The operator's.",
        `sentinel monitor mymaster 127.0.0.1 ${port} 2`,
      ]);
      expect(text).toContain("sentinel config-epoch mymaster 1\n");
      expect(text).toContain(`sentinel known-replica mymaster 127.0.0.1 ${primary.port}\n`);
    }
  });
});
