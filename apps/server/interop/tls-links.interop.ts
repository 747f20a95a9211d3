/**
 * What servers say to each other by TLS, with redis-server on the other end: keys that move, sentinels and what
 * they watch. Replication is in tls.interop.ts.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pem, tlsOptions } from "../src/testing/certificates.ts";
import { startOurs, startRedis } from "./both-servers.ts";
import { field, primaryPort, type Start, send, until, type Words } from "./replicated.ts";

/** A server's certificate is good for servers only: those that call others show another one. */
const certificates = {
  ...tlsOptions(),
  "tls-client-cert-file": pem("client"),
  "tls-client-key-file": pem("client-key"),
};

interface Linked {
  readonly process: ServerProcess;
  readonly tlsPort: number;
}

const running: ServerProcess[] = [];

async function started(start: Start, config: Record<string, string>): Promise<Linked> {
  const tlsPort = await freePort();
  const process = await start({ config: { ...certificates, ...config, "tls-port": tlsPort } });
  running.push(process);
  return { process, tlsPort };
}

function speaksTls(): boolean {
  return execFileSync("redis-cli", ["--help"], { stdio: "pipe" }).includes("--tls");
}

describe.runIf(hasRedisServer() && speaksTls())("by TLS", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-tls-"));
  });
  afterAll(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  test("tls-cluster: keys move, from ours to redis-server and back", async () => {
    const ours = await started(startOurs, { "tls-cluster": "yes" });
    const redis = await started(startRedis, { "tls-cluster": "yes" });
    await send(ours.process, ["HSET", "hash", "f", "v"], ["SET", "text", "x".repeat(300_000)]);
    const digest = await send(ours.process, ["DEBUG", "DIGEST"]);
    for (const [from, to] of [
      [ours, redis],
      [redis, ours],
    ] as const) {
      const move = ["MIGRATE", "127.0.0.1", to.tlsPort, "", 0, 5000, "KEYS", "hash", "text"];
      expect(await send(from.process, move)).toBe("+OK\r\n");
      expect(await send(from.process, ["DBSIZE"])).toBe(":0\r\n");
      expect(await send(to.process, ["DEBUG", "DIGEST"])).toBe(digest);
    }
    // The way is chosen here: who does not speak it there takes nothing, and no key is lost.
    const plain: Words = ["MIGRATE", "127.0.0.1", redis.process.port, "hash", 0, 1000];
    const refusal = await send(ours.process, plain);
    expect(refusal).toMatch(/^-IOERR error or timeout/);
    expect(await send(ours.process, ["CONFIG", "SET", "tls-cluster", "no"])).toBe("+OK\r\n");
    expect(await send(ours.process, plain)).toBe("+OK\r\n");
    expect(await send(redis.process, ["HGET", "hash", "f"])).toBe("$1\r\nv\r\n");
  });

  /** A sentinel whose links are by TLS, and which hears others only so. */
  async function sentinel(start: Start, name: string, primaryPort: number): Promise<Linked> {
    const file = join(folder, `${name}.conf`);
    writeFileSync(
      file,
      `sentinel monitor mymaster 127.0.0.1 ${primaryPort} 2
sentinel down-after-milliseconds mymaster 2000
sentinel failover-timeout mymaster 10000
`,
    );
    const tlsPort = await freePort();
    const left = { unixsocket: null, save: null, "enable-debug-command": null };
    const config = { ...certificates, ...left, "tls-replication": "yes", "tls-port": tlsPort };
    const process = await start({ args: [file, "--sentinel"], config });
    running.push(process);
    await send(process, ["SENTINEL", "DEBUG", "info-period", 1000, "publish-period", 500]);
    return { process, tlsPort };
  }

  test("tls-replication: sentinels of both kinds find each other and all servers, and replace a primary", async () => {
    await Promise.all(
      [
        [startOurs, startRedis],
        [startRedis, startOurs],
      ].map(async ([startPrimary, startReplica], way) => {
        const config = { "tls-replication": "yes", "repl-diskless-sync-delay": "0" };
        const primary = await started(startPrimary as Start, config);
        const replica = await started(startReplica as Start, config);
        await send(replica.process, ["REPLICAOF", "127.0.0.1", primary.tlsPort]);
        const watching = await Promise.all([
          sentinel(startOurs, `ours-${way}`, primary.tlsPort),
          sentinel(startRedis, `redis-${way}`, primary.tlsPort),
        ]);
        await until("all have found all", async () => {
          const found = await Promise.all(
            watching.map(({ process }) => send(process, ["SENTINEL", "CKQUORUM", "mymaster"])),
          );
          const replicas = await Promise.all(
            watching.map(({ process }) => send(process, ["SENTINEL", "REPLICAS", "mymaster"])),
          );
          return (
            found.every((text) => text.startsWith("+OK 2 usable Sentinels")) &&
            replicas.every((text) => text.includes("master-link-status\r\n$2\r\nok\r\n"))
          );
        });
        // They name each other by the port where they speak it.
        for (const [index, { process }] of watching.entries())
          expect(await send(process, ["SENTINEL", "SENTINELS", "mymaster"])).toContain(
            `\r\n${watching[1 - index]?.tlsPort}\r\n`,
          );
        expect(await send(primary.process, ["SET", "k", "v"], ["WAIT", 1, 5000])).toBe(":1\r\n");
        await primary.process.kill();
        await until("both have the other one", async () => {
          const ports = await Promise.all(watching.map(({ process }) => primaryPort(process)));
          return ports.every((port) => port === replica.tlsPort);
        });
        await until("it is one", async () => (await field(replica.process, "role")) === "master");
        expect(await send(replica.process, ["GET", "k"])).toBe("$1\r\nv\r\n");
      }),
    );
  });
});
