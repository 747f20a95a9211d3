/** TLS as clients and operators see it, beside redis-server where that is built with it. */
import { execFile, execFileSync } from "node:child_process";
import { connect } from "node:net";
import * as tls from "node:tls";
import { promisify } from "node:util";
import { freePort, hasRedisServer, type ServerOptions, type ServerProcess } from "@kv/testing";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientOptions, pem, tlsOptions } from "../src/testing/certificates.ts";
import { startOurs, startRedis } from "./both-servers.ts";

const run = promisify(execFile);

function toolsSpeakTls(): boolean {
  if (execFileSync("redis-cli", ["--help"], { stdio: "pipe" }).includes("--tls")) return true;
  console.warn("left out: redis-cli and redis-server are not built with TLS");
  return false;
}

interface TlsServer {
  process: ServerProcess;
  tlsPort: number;
  /** Sends a command on the other port. */
  ask(...words: string[]): Promise<string>;
}

async function startTls(
  start: (options: ServerOptions) => Promise<ServerProcess>,
  config: Record<string, string> = {},
): Promise<TlsServer> {
  const tlsPort = await freePort();
  const process = await start({ config: { ...tlsOptions(), ...config, "tls-port": tlsPort } });
  const client = await process.connect();
  return { process, tlsPort, ask: (...words) => client.request(...words) };
}

/** What redis-cli prints; "refused" when it ends with an error, or by a signal while it writes. */
async function cli(port: number, who: string | null, ...words: string[]) {
  const shown = who === null ? [] : ["--cert", pem(who), "--key", pem(`${who}-key`)];
  const trusted = ["--tls", "--cacert", pem("ca"), ...shown];
  const options = { timeout: 20_000 };
  return run("redis-cli", ["-p", String(port), ...trusted, ...words], options).then(
    ({ stdout }) => stdout.trim(),
    () => "refused",
  );
}

/** Connects by TLS, sends a PING and tells what comes: the version that was agreed on and a reply. */
function visit(port: number, options: tls.ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({ ...options, port });
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    socket.on("data", (bytes) => {
      resolve(`${socket.getProtocol()} ${bytes.toString().trim()}`);
      socket.destroy();
    });
    socket.write("PING\r\n");
  });
}

describe.runIf(hasRedisServer() && toolsSpeakTls())("TLS on both servers", () => {
  let ours: TlsServer;
  let redis: TlsServer;
  beforeAll(async () => {
    redis = await startTls(startRedis);
    ours = await startTls(startOurs);
  });
  afterAll(async () => {
    await Promise.all([redis?.process.stop(), ours?.process.stop()]);
  });

  /** What both answer, which must be the same. */
  async function same<Answer>(question: (server: TlsServer) => Promise<Answer>): Promise<Answer> {
    const [theirs, own] = [await question(redis), await question(ours)];
    expect(own).toEqual(theirs);
    return own;
  }

  test("redis-cli, by what it shows and what is asked for", async () => {
    const table: Record<string, string> = {};
    for (const checks of ["yes", "optional", "no"]) {
      await same(({ ask }) => ask("CONFIG", "SET", "tls-auth-clients", checks));
      for (const who of [null, "client", "stranger", "expired"])
        table[`${checks}, ${who}`] = await same(({ tlsPort }) => cli(tlsPort, who, "PING"));
    }
    await same(({ ask }) => ask("CONFIG", "SET", "tls-auth-clients", "yes"));
    const [inside, refused] = ["PONG", "refused"];
    expect(table).toEqual({
      "yes, null": refused,
      "yes, client": inside,
      "yes, stranger": refused,
      "yes, expired": refused,
      "optional, null": inside,
      "optional, client": inside,
      "optional, stranger": refused,
      "optional, expired": refused,
      "no, null": inside,
      "no, client": inside,
      "no, stranger": inside,
      "no, expired": inside,
    });
    const reasons = await same(async ({ process }) =>
      [...process.log.matchAll(/Error accepting a client connection: (error:\w+:[\w :]+)/g)].map(
        ([, reason]) => reason.trim(),
      ),
    );
    expect(reasons).toHaveLength(5);
  });

  test("protocols", async () => {
    for (const protocols of ["TLSv1.2", "TLSv1.3", "TLSv1.2 TLSv1.3", ""]) {
      await same(({ ask }) => ask("CONFIG", "SET", "tls-protocols", protocols));
      for (const version of ["TLSv1.1", "TLSv1.2", "TLSv1.3"] as const) {
        // The oldest needs ciphers that nobody else is to be offered.
        const ciphers = version === "TLSv1.1" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {};
        const options = {
          ...clientOptions(),
          ...ciphers,
          minVersion: version,
          maxVersion: version,
        };
        const answer = await same(({ tlsPort }) => visit(tlsPort, options));
        const isSpoken = (protocols || "TLSv1.2 TLSv1.3").split(" ").includes(version);
        expect(answer).toBe(isSpoken ? `${version} +PONG` : "closed");
      }
    }
  });

  test("ciphers, by the order of the client or of the server", async () => {
    const cipherOf = (port: number) =>
      new Promise<string>((resolve) => {
        const socket = tls.connect({
          ...clientOptions(),
          port,
          maxVersion: "TLSv1.2",
          ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
        });
        socket.once("error", (error) => resolve(error.message));
        socket.once("secureConnect", () => {
          resolve(socket.getCipher().name);
          socket.destroy();
        });
      });
    const set = (name: string, value: string) =>
      same(({ ask }) => ask("CONFIG", "SET", name, value));
    await set("tls-ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
    expect(await same(({ tlsPort }) => cipherOf(tlsPort))).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
    await set("tls-prefer-server-ciphers", "yes");
    expect(await same(({ tlsPort }) => cipherOf(tlsPort))).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
    await set("tls-prefer-server-ciphers", "no");
    await set("tls-ciphers", "");
    await set("tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256");
    await set("tls-ciphersuites", "");
  });

  test("CONFIG SET", async () => {
    const steps = [
      ["tls-cert-file", pem("other-server")],
      ["tls-cert-file", pem("other-server"), "tls-key-file", pem("other-server-key")],
      ["tls-key-file", "/nope"],
      ["tls-key-file", pem("server-locked-key"), "tls-cert-file", pem("server")],
      ["tls-key-file-pass", "secret"],
      [
        ...["tls-key-file-pass", "secret", "tls-key-file", pem("server-locked-key")],
        ...["tls-cert-file", pem("server")],
      ],
      ["tls-key-file", pem("server-key"), "tls-key-file-pass", ""],
      ["tls-protocols", "SSLv3"],
      ["tls-protocols", "tlsv1.2 TLSV1.3"],
      ["tls-protocols", ""],
      ["tls-ciphers", "nope"],
      ["tls-ciphersuites", "nope"],
      ["tls-dh-params-file", "/nope"],
      ["tls-dh-params-file", pem("ca")],
      ["tls-dh-params-file", pem("dh")],
      ["tls-dh-params-file", ""],
      ["tls-ca-cert-file", "/nope"],
      ["tls-ca-cert-file", ""],
      ["tls-ca-cert-file", "", "tls-ca-cert-dir", "/nope"],
      ["tls-ca-cert-file", pem("ca"), "tls-ca-cert-dir", ""],
      ["tls-session-caching", "no"],
      ["tls-session-caching", "yes"],
      ["tls-session-cache-timeout", "1"],
      ["tls-port", "1x"],
    ];
    for (const step of steps) {
      const start = ours.process.log.length;
      const startOfRedis = redis.process.log.length;
      await same(({ ask }) => ask("CONFIG", "SET", ...step));
      // Times and process ids differ, and so may the reason that a library gives for a password.
      const tidy = (log: string) =>
        log
          .split("\n")
          .filter((line) => line.includes(" # "))
          .map((line) => line.replace(/^.* # /, "").replace(/^(.*locked.*: )error:.*/, "$1"));
      expect(tidy(ours.process.log.slice(start)), step.join(" ")).toEqual(
        tidy(redis.process.log.slice(startOfRedis)),
      );
    }
    expect(await same(({ tlsPort }) => cli(tlsPort, "client", "PING"))).toBe("PONG");
  });

  test("a start that cannot be had", async () => {
    const broken: Record<string, string | null>[] = [
      { "tls-cert-file": null },
      { "tls-key-file": null },
      { "tls-ca-cert-file": null },
      { "tls-cert-file": "/nope" },
      { "tls-key-file": pem("client-key") },
      { "tls-protocols": "nope" },
    ];
    for (const config of broken) {
      const [theirs, own] = await Promise.all(
        [startRedis, startOurs].map(async (start) => {
          const server = await start({
            config: { ...tlsOptions(), ...config, "tls-port": await freePort() },
            awaitReady: false,
          });
          expect((await server.exited).code).toBe(1);
          await server.stop();
          const said = server.log.split("\n").filter((line) => /TLS|tls|Failed/.test(line));
          return said.map((line) => line.replace(/^.* # /, ""));
        }),
      );
      expect(theirs).toHaveLength(2);
      expect(own).toEqual(theirs);
    }
  });

  test("ioredis", async () => {
    const answers = await same(async ({ tlsPort }) => {
      const redis = new Redis({ port: tlsPort, host: "127.0.0.1", tls: clientOptions() });
      const other = redis.duplicate();
      const heard = new Promise((resolve) => other.on("message", (_, text) => resolve(text)));
      await other.subscribe("news");
      await redis.flushall();
      const large = "0123456789abcdef".repeat(2 ** 16);
      const all = [
        await redis.set("k", large),
        (await redis.get("k")) === large,
        await redis.multi().incr("n").incr("n").exec(),
        await redis.publish("news", "hello"),
        await heard,
        await Promise.all(Array.from({ length: 2000 }, () => redis.incr("m"))),
      ];
      redis.disconnect();
      other.disconnect();
      return all;
    });
    expect(answers.slice(0, 2)).toEqual(["OK", true]);
  });

  test("node-redis", async () => {
    await same(async ({ tlsPort }) => {
      const options = { port: tlsPort, ...clientOptions(), host: "127.0.0.1", tls: true } as const;
      const client = await createClient({ socket: options }).connect();
      await client.flushAll();
      const all = [
        await client.set("k", "v"),
        await client.get("k"),
        await client.multi().incr("n").incr("n").exec(),
        await Promise.all(Array.from({ length: 2000 }, () => client.incr("m"))),
      ];
      client.destroy();
      return all;
    });
  });

  test("redis-benchmark", async () => {
    const words = ["--tls", "--cacert", pem("ca"), "--cert", pem("client")];
    const more = ["--key", pem("client-key"), "-t", "set,get", "-n", "20000", "-P", "16", "--csv"];
    const args = ["-p", String(ours.tlsPort), ...words, ...more];
    const { stdout, stderr } = await run("redis-benchmark", args, { timeout: 50_000 });
    expect(stderr).toBe("");
    expect(stdout.split("\n").filter((line) => /^"(SET|GET)","[1-9]/.test(line))).toHaveLength(2);
  });

  test("a thousand come at once, and all are served", async () => {
    // The certificates are read once for all.
    const { host, ...certificates } = clientOptions();
    const options = { host, secureContext: tls.createSecureContext(certificates) };
    const visits = Array.from({ length: 1000 }, () => visit(ours.tlsPort, options));
    expect([...new Set(await Promise.all(visits))]).toEqual(["TLSv1.3 +PONG"]);
    await expect
      .poll(() => ours.ask("INFO", "clients"), { timeout: 5000 })
      .toContain("connected_clients:1\r\n");
  });

  test("certificates change while clients come, go and work", async () => {
    let isOver = false;
    const seen = new Set<string>();
    const problems: unknown[] = [];
    const visitor = async () => {
      while (!isOver) {
        const redis = new Redis({
          ...{ port: ours.tlsPort, host: "127.0.0.1", tls: clientOptions() },
          retryStrategy: () => null,
        });
        redis.on("error", (error) => problems.push(error));
        await redis.ping().catch((error) => problems.push(error));
        const socket = redis.stream as tls.TLSSocket;
        seen.add(String(socket.getPeerX509Certificate()?.subject));
        redis.disconnect();
      }
    };
    const stays = new Redis({ port: ours.tlsPort, host: "127.0.0.1", tls: clientOptions() });
    const visitors = Array.from({ length: 8 }, visitor);
    for (let count = 0; count < 60; count++) {
      const name = count % 2 === 0 ? "other-server" : "server";
      const set = ["tls-cert-file", pem(name), "tls-key-file", pem(`${name}-key`)];
      expect(await ours.ask("CONFIG", "SET", ...set)).toBe("+OK\r\n");
      expect(await stays.incr("n")).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    isOver = true;
    await Promise.all(visitors);
    stays.disconnect();
    expect(problems).toEqual([]);
    expect(seen.size).toBe(2);
  });

  test("a thousand who never speak count as clients, and are in nobody's way otherwise", async () => {
    const silent = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const socket = connect(ours.tlsPort, "127.0.0.1");
        socket.on("error", () => {});
        await new Promise((resolve) => socket.once("connect", resolve));
        return socket;
      }),
    );
    expect(await cli(ours.tlsPort, "client", "PING")).toBe("PONG");
    expect(await ours.ask("CONFIG", "SET", "maxclients", "1001")).toBe("+OK\r\n");
    // The one that asks here, and a thousand that may become clients.
    expect(await cli(ours.tlsPort, "client", "PING")).toBe("refused");
    for (const socket of silent) socket.destroy();
    await expect.poll(() => cli(ours.tlsPort, "client", "PING"), { timeout: 10_000 }).toBe("PONG");
    await ours.ask("CONFIG", "SET", "maxclients", "4000");
  });
});

describe.runIf(hasRedisServer() && toolsSpeakTls())("replication by TLS", () => {
  test.each([
    ["redis-server", "ours", startRedis, startOurs],
    ["ours", "redis-server", startOurs, startRedis],
    ["ours", "ours", startOurs, startOurs],
  ] as const)("%s leads, %s follows", async (_leader, _follower, startPrimary, startReplica) => {
    const primary = await startTls(startPrimary, { "repl-diskless-sync-delay": "0" });
    // The other certificate is good for servers only.
    const client = {
      "tls-client-cert-file": pem("client"),
      "tls-client-key-file": pem("client-key"),
    };
    const replica = await startTls(startReplica, { "tls-replication": "yes", ...client });
    try {
      await primary.ask("SET", "k", "v");
      await replica.ask("REPLICAOF", "localhost", String(primary.tlsPort));
      await expect.poll(() => replica.ask("GET", "k"), { timeout: 15_000 }).toBe("$1\r\nv\r\n");
      await primary.ask("SET", "k", "w");
      expect(await primary.ask("WAIT", "1", "5000")).toBe(":1\r\n");
      expect(await replica.ask("GET", "k")).toBe("$1\r\nw\r\n");
      const link = await primary.ask("CLIENT", "LIST", "TYPE", "replica");
      expect(link).toContain(`:${primary.tlsPort} `);
    } finally {
      await Promise.all([primary.process.stop(), replica.process.stop()]);
    }
  });
});
