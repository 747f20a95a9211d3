import { copyFileSync } from "node:fs";
import * as net from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import { type ConfigOptions, ConfigStore } from "@kv/config";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createServer } from "./create-server.ts";
import { Server } from "./server.ts";
import { clientOptions, pem, tlsOptions } from "./testing/certificates.ts";
import { ask, freePort, temporaryFolder } from "./testing/server-process.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Enough for those who come. Where this server goes to, the other side is checked. */
const trustsNobody = { "tls-auth-clients": "no", "tls-ca-cert-file": "" } as const;

/** A server with both kinds of ports, unless told otherwise. */
async function start(options: ConfigOptions = {}) {
  const config = new ConfigStore();
  config.loadOptions({ port: 0, bind: ["127.0.0.1"], save: "", ...tlsOptions(), ...options });
  const log: string[] = [];
  const server = new Server({
    config,
    folder: undefined,
    isEmbedded: true,
    anyPort: ["port", "tls-port"],
    log: (_level, message) => log.push(message),
    exit: () => {},
    failed(error) {
      throw error;
    },
  });
  closing.push(() => server.close());
  const isListening = await server.listen();
  await server.load();
  const set = (...pairs: [string, string][]) => config.configSet(pairs)?.message;
  return { server, config, log, set, isListening };
}

/** A client that speaks TLS: sends inline commands, reads what comes. */
async function enter(port: number, options = clientOptions()) {
  const below = net.connect(port, options.host);
  closing.push(() => below.destroy());
  const socket = tls.connect({ ...options, socket: below });
  closing.push(() => socket.destroy());
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  await new Promise((resolve) => {
    socket.once("secureConnect", resolve);
    socket.once("close", resolve);
  });
  return {
    socket,
    below,
    closed,
    async ask(command: string) {
      text = "";
      socket.write(`${command}\r\n`);
      await vi.waitFor(() => expect(text.endsWith("\r\n")).toBe(true));
      return text;
    },
  };
}

const failed = (name: string, reason: string) =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
const notUpdated = "Unable to update TLS configuration. Check server logs.";

describe("a server with a port for TLS", () => {
  test("serves both ports, and says so", async () => {
    const { server } = await start();
    expect(server.transports).toEqual(["tcp", "tls"]);
    const { ask: askTls } = await enter(server.tlsPort);
    expect(await askTls("SET k v")).toBe("+OK\r\n");
    expect(await ask(server.port, "GET k")).toBe("$1\r\nv\r\n");
    const info = await askTls("INFO server");
    expect(info).toContain(`listener2:name=tls,bind=127.0.0.1,port=${server.tlsPort}\r\n`);
    const list = await askTls("CLIENT LIST");
    expect(list).toContain(`laddr=127.0.0.1:${server.tlsPort} `);
    expect(list).toMatch(/ fd=[1-9]\d* /);
    const memory = Number(/ tot-mem=(\d+) /.exec(list)?.[1]);
    expect(memory).toBeGreaterThan(48 * 1024);
  });

  test("does not start without a certificate", async () => {
    const { log, isListening, server } = await start({ "tls-cert-file": "" });
    expect(isListening).toBe(false);
    expect(log).toEqual([
      "No tls-cert-file configured!",
      "Failed to configure TLS. Check logs for more info.",
    ]);
    expect(server.transports).toEqual([]);
  });

  test("does not start where it could not go to others with TLS", async () => {
    const { log, isListening, server } = await start({ ...trustsNobody, "tls-replication": "yes" });
    expect(isListening).toBe(false);
    expect(log[0]).toMatch(/^Either tls-ca-cert-file or tls-ca-cert-dir must be specified/);
    expect(server.failure?.place).toBe("tls-replication");
  });

  test("does not start when somebody else has the port", async () => {
    const other = await start();
    const { log, isListening } = await start({ "tls-port": other.server.tlsPort });
    expect(isListening).toBe(false);
    expect(log.at(-1)).toBe(`Failed listening on port ${other.server.tlsPort} (tls), aborting.`);
  });

  test("those at their handshakes count as clients, whichever way others come", async () => {
    const { server } = await start({ maxclients: 3 });
    const silent = await Promise.all(
      [1, 2].map(async () => {
        const socket = net.connect(server.tlsPort, "127.0.0.1");
        closing.push(() => socket.destroy());
        await new Promise((resolve) => socket.once("connect", resolve));
        return socket;
      }),
    );
    const client = await enter(server.tlsPort);
    expect(await client.ask("PING")).toBe("+PONG\r\n");
    expect(await ask(server.port, "PING")).toBe("-ERR max number of clients reached\r\n");
    expect(await (await enter(server.tlsPort)).closed).toBe("");
    expect(await client.ask("INFO stats")).toContain("rejected_connections:2\r\n");
    for (const socket of silent) socket.destroy();
    await vi.waitFor(async () => expect(await ask(server.port, "PING")).toBe("+PONG\r\n"));
  });

  test("a reader that never reads is cut off at its limit, with bounded memory", async () => {
    const { server, config } = await start();
    config.configSet([["client-output-buffer-limit", "normal 8mb 0 0"]]);
    await ask(server.port, `SET k ${"x".repeat(60_000)}`);
    const { socket, closed } = await enter(server.tlsPort);
    socket.pause();
    socket.write("GET k\r\n".repeat(1000));
    await vi.waitFor(async () => {
      expect(await ask(server.port, "CLIENT LIST")).not.toContain(`:${server.tlsPort} `);
    }, 5000);
    socket.resume();
    expect((await closed).length).toBeLessThan(60_000 * 1000);
  });

  test("who comes from elsewhere is told of protected mode", async (context) => {
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const outer = addresses.find(({ internal, family }) => !internal && family === "IPv4");
    if (outer === undefined) return context.skip("this machine has the loopback interface alone");
    const { server } = await start({ bind: ["*"] });
    const options = { host: outer.address, checkServerIdentity: () => undefined };
    const { closed } = await enter(server.tlsPort, { ...clientOptions(), ...options });
    expect(await closed).toMatch(/^-DENIED Redis is running in protected mode/);
  });

  test("a connection that ends below TLS is the end of its client", async () => {
    const { server } = await start();
    const { below, ask: askTls } = await enter(server.tlsPort);
    expect(await askTls("PING")).toBe("+PONG\r\n");
    below.end();
    await vi.waitFor(() => expect(server.connectionCount).toBe(0));
  });

  test("nothing is executed behind QUIT, also of the bytes that came with it", async () => {
    const { server } = await start();
    const { socket, closed } = await enter(server.tlsPort);
    // More than a record holds, so that some of it is deciphered when the client has gone.
    socket.write(`INCR n\r\nQUIT\r\n${"INCR n\r\n".repeat(10_000)}`);
    expect(await closed).toBe(":1\r\n+OK\r\n");
    expect(await ask(server.port, "GET n")).toBe("$1\r\n1\r\n");
  });

  test("a client that is killed while bytes of it wait is gone once", async () => {
    const { server } = await start();
    const { socket, closed, ask: askTls } = await enter(server.tlsPort);
    const id = Number((await askTls("CLIENT ID")).slice(1));
    for (let count = 0; count < 100; count++) socket.write("INCR n\r\n".repeat(4000));
    expect(await ask(server.port, `CLIENT KILL ID ${id}`)).toBe(":1\r\n");
    await closed;
    const count = await ask(server.port, "GET n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await ask(server.port, "GET n")).toBe(count);
    await vi.waitFor(() => expect(server.connectionCount).toBeLessThanOrEqual(1));
  });

  test("a reply of many megabytes comes whole, and QUIT behind it waits for it", async () => {
    const { server } = await start();
    await ask(server.port, "SETRANGE k 30000000 x");
    const { socket, closed } = await enter(server.tlsPort);
    socket.write("GET k\r\nQUIT\r\n");
    const text = await closed;
    expect(text.length).toBe("$30000001\r\n".length + 30_000_001 + 2 + "+OK\r\n".length);
    expect(text.endsWith("x\r\n+OK\r\n")).toBe(true);
  });
});

describe("CONFIG SET", () => {
  test("of certificates: new ones for those who come, and who is inside stays", async () => {
    using folder = temporaryFolder();
    const certificate = join(folder.path, "server.pem");
    const key = join(folder.path, "key.pem");
    copyFileSync(pem("server"), certificate);
    copyFileSync(pem("server-key"), key);
    const { server, set } = await start({ "tls-cert-file": certificate, "tls-key-file": key });
    const before = await enter(server.tlsPort);
    // Renewed where they are: the same names are set again.
    copyFileSync(pem("other-server"), certificate);
    copyFileSync(pem("other-server-key"), key);
    expect(set(["tls-cert-file", certificate], ["tls-key-file", key])).toBe(undefined);
    const after = await enter(server.tlsPort);
    expect(after.socket.getPeerX509Certificate()?.subject).toContain("CN=other-server");
    expect(await before.ask("PING")).toBe("+PONG\r\n");
  });

  test.each([
    ["tls-cert-file", pem("other-server"), /^Failed to load private key: .*key values mismatch$/],
    ["tls-key-file", "/nope", /^Failed to load private key: \/nope: /],
    ["tls-ca-cert-file", "", /^Either tls-ca-cert-file or tls-ca-cert-dir must be specified/],
    ["tls-protocols", "SSLv3", /^Invalid tls-protocols specified/],
    ["tls-ciphers", "nope", /^Failed to configure ciphers: nope$/],
  ])("of %s to what cannot be had changes nothing", async (name, value, line) => {
    const { server, config, set, log } = await start();
    const before = config.print(name);
    log.length = 0;
    expect(set([name, value])).toBe(failed(name, notUpdated));
    expect(log[0]).toMatch(line);
    expect(config.print(name)).toBe(before);
    const { ask: askTls } = await enter(server.tlsPort);
    expect(await askTls("PING")).toBe("+PONG\r\n");
  });

  test("of what encrypts connections to others is refused where that cannot be had", async () => {
    const { config, set } = await start(trustsNobody);
    for (const name of ["tls-replication", "tls-cluster"] as const) {
      expect(set([name, "yes"])).toBe(failed(name, notUpdated));
      expect(config.boolean(name)).toBe(false);
    }
    expect(set(["tls-ca-cert-file", pem("ca")], ["tls-replication", "yes"])).toBe(undefined);
    const lost: [string, string] = ["tls-client-cert-file", "/nope"];
    expect(set(lost)).toBe(failed(lost[0], notUpdated));
    expect(config.text(lost[0])).toBe("");
  });

  test("of tls-auth-clients is taken without a look at the files, as in Redis", async () => {
    const { server, set } = await start({ "tls-auth-clients": "no", "tls-ca-cert-file": "" });
    expect(await (await enter(server.tlsPort, clientOptions(null))).ask("PING")).toBe("+PONG\r\n");
    expect(set(["tls-auth-clients", "yes"])).toBe(undefined);
    expect(await (await enter(server.tlsPort)).closed).toBe("");
    expect(set(["tls-ca-cert-file", pem("ca")])).toBe(undefined);
    expect(await (await enter(server.tlsPort)).ask("PING")).toBe("+PONG\r\n");
  });

  test("of tls-port opens, moves and closes it at once", async () => {
    const { server, set } = await start();
    const [first, second] = [server.tlsPort, await freePort()];
    expect(set(["tls-port", String(second)])).toBe(undefined);
    expect(await (await enter(second)).ask("PING")).toBe("+PONG\r\n");
    await expect(ask(first, "PING")).rejects.toThrow("ECONNREFUSED");
    expect(set(["tls-port", "0"])).toBe(undefined);
    await expect(ask(second, "PING")).rejects.toThrow("ECONNREFUSED");
    expect(server.transports).toEqual(["tcp"]);

    // What is said of TLS while nobody speaks it is looked at when somebody is to.
    expect(set(["tls-cert-file", "/nope"])).toBe(undefined);
    expect(set(["tls-port", String(second)])).toBe(failed("tls-port", notUpdated));
    expect(server.transports).toEqual(["tcp"]);
    expect(set(["tls-cert-file", pem("server")], ["tls-port", String(second)])).toBe(undefined);
    expect(await (await enter(second)).ask("PING")).toBe("+PONG\r\n");
  });

  test("of tls-port to one that is taken leaves it where it was", async () => {
    const { server, config, set } = await start();
    const before = server.tlsPort;
    expect(set(["tls-port", String(server.port)])).toBe(
      failed("tls-port", "Unable to listen on this port. Check server logs."),
    );
    expect(config.number("tls-port")).toBe(before);
    expect(await (await enter(before)).ask("PING")).toBe("+PONG\r\n");
  });

  test("of bind moves both", async () => {
    const { server, set } = await start();
    const { port, tlsPort } = server;
    expect(set(["bind", "127.0.0.2"])).toBe(undefined);
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
    await expect(ask(tlsPort, "PING")).rejects.toThrow("ECONNREFUSED");
    const { ask: askTls } = await enter(tlsPort, {
      ...clientOptions(),
      host: "127.0.0.2",
      checkServerIdentity: () => undefined,
    });
    expect(await askTls("PING")).toBe("+PONG\r\n");
    expect(set(["bind", "192.0.2.1"])).toBe(
      failed("bind", "Failed to bind to specified addresses."),
    );
    expect(server.host).toBe("127.0.0.2");
    expect(await askTls("PING")).toBe("+PONG\r\n");
  });
});

describe("createServer with TLS", () => {
  test("tls-port alone is the only port", async () => {
    await using server = await createServer({ "tls-port": 0, ...tlsOptions() });
    expect(server.port).toBe(0);
    expect(server.tlsPort).toBeGreaterThan(1024);
    expect(server.url).toBe(`rediss://127.0.0.1:${server.tlsPort}`);
    expect(await (await enter(server.tlsPort)).ask("PING")).toBe("+PONG\r\n");
  });

  test("port beside it is another", async () => {
    await using server = await createServer({ port: 0, "tls-port": 0, ...tlsOptions() });
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await ask(server.port, "PING")).toBe("+PONG\r\n");
    expect(await (await enter(server.tlsPort)).ask("PING")).toBe("+PONG\r\n");
  });

  test("certificates without tls-port change nothing", async () => {
    await using server = await createServer(tlsOptions());
    expect(server.tlsPort).toBe(0);
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
  });

  test.each([
    [
      "a file that is not there",
      { "tls-cert-file": "/nope" },
      "ENOENT",
      "Failed to load certificate: /nope: error:80000002:system library::No such file or directory",
    ],
    [
      "what is no certificate",
      { "tls-cert-file": pem("client-key") },
      "ERR_OPTIONS",
      /Failed to load certificate: .*no start line$/,
    ],
    ["no key", { "tls-key-file": "" }, "ERR_OPTIONS", "No tls-key-file configured!"],
  ])("%s: rejects", async (_what, options, code, reason) => {
    const error = await createServer({ "tls-port": 0, ...tlsOptions(), ...options }).catch(
      (error) => error,
    );
    expect(error.name).toBe("ServerError");
    expect(error.code).toBe(code);
    expect(error.message).toMatch(reason);
  });

  test("close() ends those inside, and nothing keeps the process", async () => {
    const server = await createServer({ "tls-port": 0, ...tlsOptions() });
    const { closed } = await enter(server.tlsPort);
    await server.close();
    await closed;
    await expect(ask(server.tlsPort, "PING")).rejects.toThrow();
  });
});
