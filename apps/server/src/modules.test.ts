/** Modules in an embedded server, written against the public doors alone. */
import { ConfigStore, directive, integer } from "@kv/config";
import {
  type Client,
  createEngine,
  engineCommand,
  Port,
  type Ports,
  type Running,
  type System,
  Target,
} from "@kv/engine";
import { FakeHost } from "@kv/testing";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { createServer, type ServerError } from "./index.ts";

/** Writes down what it hears of. */
class Audit implements Running {
  limit = 0;
  readonly heard: string[] = [];
  readonly sink = {
    targets: Target.REPLICAS,
    append: (_database: number, bytes: Uint8Array, start: number, end: number) =>
      this.hears(Buffer.from(bytes.subarray(start, end)).toString().split("\r\n")[2] ?? ""),
  };
  readonly changeListener = {
    wantsChanges: true,
    keyChanged: (_by: Client | null, _in: unknown, bytes: Uint8Array, ...rest: unknown[]) =>
      this.hears(`key ${Buffer.from(bytes.subarray(...(rest.slice(1) as [number, number])))}`),
    databaseChanged: () => this.hears("databases"),
  };

  private hears(what: string): void {
    this.heard.push(what);
  }

  clientClosed = () => this.hears("closed");
  clientReset = () => this.hears("reset");
  allFlushed(): boolean {
    this.hears("flushed");
    return false;
  }
  async load(): Promise<boolean> {
    this.hears("load");
    return true;
  }
  stopping(): boolean {
    this.hears("stopping");
    return true;
  }
  stop(): void {
    this.hears("stop");
  }
}

const auditPort = new Port<Audit>("audit");

const audit: System = {
  name: "audit",
  ports: [auditPort],
  commands: [
    engineCommand({
      name: "audit.count",
      group: "server",
      since: "1.0.0",
      summary: "Counts what was heard.",
      complexity: "O(1)",
      arity: 1,
      flags: ["fast"],
      extension: "Shows what a module hears of.",
      run: ({ engine, reply }) => reply.integer(engine.of(auditPort).heard.length),
    }),
  ],
  directives: [
    {
      names: [
        directive({
          name: "audit.limit",
          kind: integer(0, 100),
          default: 7,
          summary: "How much is audited.",
          extension: "Limits what a module hears of.",
        }),
      ],
      apply(config, ports) {
        const limit = config.number("audit.limit");
        if (limit === 13) return "bad luck";
        ports.of(auditPort).limit = limit;
        return undefined;
      },
    },
  ],
  info: [
    {
      name: "audit",
      title: "Audit",
      isDefault: true,
      fields: [{ name: "audit_limit", value: (ports) => ports.of(auditPort).limit }],
    },
  ],
  start: () => new Audit(),
};

/** The same, and the Audit that it has started. */
function audited(): { module: System; started: () => Audit } {
  let started: Audit | undefined;
  const start = (_ports: Ports) => (started = new Audit());
  return { module: { ...audit, start }, started: () => started as Audit };
}

test("a module has commands, directives as options, and rows of INFO", async () => {
  await using server = await createServer({ "audit.limit": 9 }, { modules: [audit] });
  const redis = new Redis(server.port);
  expect(await redis.info("audit")).toBe("# Audit\r\naudit_limit:9\r\n");
  expect(await redis.config("SET", "audit.limit", "50")).toBe("OK");
  expect(await redis.config("GET", "audit.*")).toEqual(["audit.limit", "50"]);
  expect(await redis.info()).toMatch("audit_limit:50");
  await expect(redis.config("SET", "audit.limit", "13")).rejects.toThrow("bad luck");
  await expect(redis.config("SET", "audit.limit", "101")).rejects.toThrow("between 0 and 100");
  expect(await redis.call("AUDIT.COUNT")).toBeGreaterThan(0);
  redis.disconnect();
});

test("it hears of everything from the load, without a folder too, to the stop, once each", async () => {
  const { module, started } = audited();
  const server = await createServer({}, { modules: [module] });
  const redis = new Redis(server.port);
  await redis.set("a", 1);
  await redis.flushall();
  await redis.reset();
  await redis.quit();
  await expect.poll(() => started().heard).toContain("closed");
  await server.close();
  expect(started().heard).toEqual([
    "load",
    ...["key a", "set"],
    ...["databases", "flushed", "flushall"],
    "reset",
    "closed",
    ...["stopping", "stop"],
  ]);
});

test("what has no effect is said in the log: options, and CONFIG SET", async () => {
  const log: string[] = [];
  const options = {
    "cluster-migration-barrier": 50,
    "audit.limit": 9,
    "tcp-keepalive": 10,
    maxclients: 20,
  };
  const embedding = { modules: [audit], log: (_level: string, text: string) => log.push(text) };
  await using server = await createServer(options, embedding);
  const said = () =>
    log.filter((text) => text.includes("no effect")).map((text) => text.split("'")[1]);
  expect(said()).toEqual(["cluster-migration-barrier"]);
  const redis = new Redis(server.port);
  await redis.config("SET", "audit.limit", 10);
  await redis.config("SET", "crash-memcheck-enabled", "no");
  expect(said()).toEqual(["cluster-migration-barrier", "crash-memcheck-enabled"]);
  redis.disconnect();
});

test("what is the program's affair is told as that, and not as something that is still missing", async () => {
  const log: string[] = [];
  const told = (_level: string, text: string) => log.push(text);
  const options = { logfile: "kv.log", "watchdog-period": 500, "cluster-port": 7 };
  await using server = await createServer(options, { log: told });
  expect(server.port).toBeGreaterThan(0);
  const reasons = log.filter((text) => text.includes("no effect here"));
  const why = "is accepted but has no effect here.";
  expect(reasons).toEqual([
    `'logfile' ${why} It is left to the program that the server runs in.`,
    `'cluster-port' ${why} It is not implemented yet.`,
    `'watchdog-period' ${why} It is left to the program that the server runs in.`,
  ]);
});

/** What such a module makes of the start. */
async function failure(module: Partial<System>): Promise<ServerError> {
  const modules = [{ name: "faulty", ...module }];
  return await createServer({}, { modules }).then(
    async (server) => {
      await server.close();
      throw new Error("it has started");
    },
    (error) => error,
  );
}

test.each<[string, Partial<System>, string, string]>([
  [
    "a directive of a name that Redis has",
    {
      directives: [
        { names: [directive({ name: "port", kind: integer(0, 1), default: 0, summary: "Port." })] },
      ],
    },
    "ERR_OPTIONS",
    "directive 'port' is declared twice",
  ],
  [
    "a load that does not work out",
    { start: () => ({ load: async () => false }) },
    "ERR_DATA_SET",
    "The data set cannot be loaded: a module says no",
  ],
  [
    "a load that throws",
    { start: () => ({ load: () => Promise.reject(new Error("no such bucket")) }) },
    "ERR_DATA_SET",
    "The data set cannot be loaded: no such bucket",
  ],
])("%s rejects", async (_what, module, code, message) => {
  expect(await failure(module)).toMatchObject({ name: "ServerError", code, message });
});

test("a hook that throws leaves nothing open", async () => {
  const stopping = () => {
    throw new Error("no");
  };
  const modules = [{ name: "faulty", start: () => ({ stopping }) }];
  const server = await createServer({}, { modules });
  const { port } = server;
  await expect(server.close()).rejects.toThrow("no");
  await using again = await createServer({ port });
  expect(again.port).toBe(port);
});

test("a configuration without its directives is said to be the reason", () => {
  const start = () =>
    createEngine({ host: new FakeHost(1), config: new ConfigStore(), modules: [audit] });
  expect(start).toThrow("its ConfigStore is to be made with directivesFor(modules)");
});
