import { type ConfigOptions, ConfigStore } from "@kv/config";
import type { System } from "@kv/engine";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Server, type ServerOptions } from "./server.ts";
import { ask, freePort } from "./testing/server-process.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function start(options: ConfigOptions = {}, more: Partial<ServerOptions> = {}) {
  const config = new ConfigStore();
  config.loadOptions({ port: 0, bind: ["127.0.0.1"], save: "", ...options });
  const said = { log: [] as string[], failures: [] as unknown[], reconfigured: [] as string[] };
  const server = new Server({
    config,
    folder: ".",
    isEmbedded: true,
    anyPort: ["port"],
    log: (_level, message) => said.log.push(message),
    exit: () => {},
    failed: (error) => said.failures.push(error),
    reconfigured(name) {
      said.reconfigured.push(name);
      return undefined;
    },
    ...more,
  });
  servers.push(server);
  expect(await server.listen()).toBe(true);
  await server.load();
  return { server, config, ...said };
}

describe("CONFIG SET of what is the server's", () => {
  test("port: listens there at once, and no longer where it did", async () => {
    const { server, config, reconfigured } = await start();
    const before = server.port;
    const port = await freePort();
    expect(config.configSet([["port", String(port)]])).toBe(undefined);
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
    await expect(ask(before, "PING")).rejects.toThrow("ECONNREFUSED");
    expect(reconfigured).toEqual(["port"]);
  });

  test("a port that is taken changes nothing", async () => {
    const other = await start();
    const { server, config } = await start();
    const before = server.port;
    const refused = config.configSet([["port", String(other.server.port)]]);
    expect(refused?.message).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(config.number("port")).toBe(before);
    expect(await ask(before, "PING")).toBe("+PONG\r\n");
  });

  test("bind, to an address that is not there", async () => {
    const { server, config } = await start();
    const refused = config.configSet([["bind", "203.0.113.7"]]);
    expect(refused?.message).toContain("Failed to bind to specified addresses.");
    expect(await ask(server.port, "PING")).toBe("+PONG\r\n");
    expect(config.configSet([["bind", "* -203.0.113.7"]])).toBe(undefined);
    expect(await ask(server.port, "PING")).toBe("+PONG\r\n");
  });

  test("port 0 closes the door", async () => {
    const { server, config } = await start();
    const { port } = server;
    expect(config.configSet([["port", "0"]])).toBe(undefined);
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
    expect(config.configSet([["port", String(port)]])).toBe(undefined);
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
  });

  test("more clients than there can be descriptors", async () => {
    const { config } = await start();
    const refused = config.configSet([["maxclients", "2000000000"]]);
    expect(refused?.message).toContain(
      "The operating system is not able to handle the specified number of clients, try with ",
    );
    expect(config.configSet([["maxclients", "5"]])).toBe(undefined);
  });
});

describe("the rhythm of the engine", () => {
  test("cron and turns go on by themselves", async () => {
    const counts = { cron: 0, turn: 0 };
    const module: System = {
      name: "counter",
      start: () => ({
        cron: () => void counts.cron++,
        turn: () => void counts.turn++,
        needsTurn: true,
      }),
    };
    const { config } = await start({}, { modules: [module] });
    config.configSet([["hz", "100"]]);
    await vi.waitFor(() => expect(counts.cron).toBeGreaterThan(10), 3000);
    expect(counts.turn).toBeGreaterThan(0);
  });

  test.each(["cron", "turn"] as const)("an error in %s is not swallowed", async (name) => {
    const broken = new Error("on purpose");
    const module: System = {
      name: "broken",
      start: () => ({
        needsTurn: true,
        [name]: () => {
          throw broken;
        },
      }),
    };
    const { failures } = await start({}, { modules: [module] });
    await vi.waitFor(() => expect(failures).toContain(broken), 3000);
  });
});

test("without taking over handles all is the same", async () => {
  const { server } = await start({}, { avoidsTakeover: true });
  expect(await ask(server.port, `ECHO ${"x".repeat(100)}`)).toBe(`$100\r\n${"x".repeat(100)}\r\n`);
  await vi.waitFor(() => expect(server.connectionCount).toBe(0));
});
