/**
 * A system from outside is nothing special: one of the engine's own, taken out and handed in as a
 * module, does what it did; a new one brings commands, directives, INFO rows, guards and hooks.
 */
import { readdirSync, readFileSync } from "node:fs";
import { CommandError } from "@kv/commands";
import { ConfigStore } from "@kv/config";
import { FakeHost, harness, TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { checkStatements, engineDirectives } from "../configuration.ts";
import { createEngine } from "../engine.ts";
import * as door from "../index.ts";
import { engineCommand } from "../module/engine-call.ts";
import { Port } from "../module/ports.ts";
import type { Running, System } from "../module/system.ts";
import { ownSystems } from "./index.ts";
import { trackingSystem } from "./tracking/system.ts";

function startedWith(modules: readonly System[], systems = ownSystems, text = 'save ""') {
  const config = new ConfigStore();
  checkStatements(config, modules);
  config.load(text);
  const engine = createEngine({ host: new FakeHost(1), config, modules, systems });
  let port = 50_000;
  return { engine, config, client: () => new TestClient(engine, port++) };
}

describe("client-side caching", () => {
  const without = ownSystems.filter((system) => system !== trackingSystem);

  test("taken out, leaves a server that knows nothing of it", () => {
    const kv = startedWith([], without);
    const client = kv.client();
    expect(String(client.send("CLIENT", "TRACKING", "ON"))).toMatch(
      "ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.",
    );
    expect(client.send("CLIENT", "ID")).toBe(1);
    expect(client.send("CLIENT", "INFO")).toMatch(/ redir=-1 /);
    expect(client.send("INFO", "stats")).not.toMatch("tracking_total_keys");
    expect(String(client.send("CLIENT", "HELP"))).not.toMatch("TRACKING");
  });

  test.each([
    { where: "out and in again as a module", modules: [trackingSystem], systems: without },
    { where: "where it belongs", modules: [], systems: ownSystems },
  ])("works $where", ({ modules, systems }) => {
    const kv = startedWith(modules, systems);
    const reader = kv.client();
    const writer = kv.client();
    reader.send("HELLO", 3);
    expect(reader.send("CLIENT", "TRACKING", "ON")).toBe("OK");
    reader.send("GET", "k");
    expect(reader.send("INFO", "stats")).toMatch("tracking_total_keys:1");
    expect(reader.send("INFO", "clients")).toMatch("tracking_clients:1");
    expect(reader.send("CLIENT", "INFO")).toMatch(/ flags=t .* redir=0 /);
    expect(String(reader.send("CLIENT", "HELP"))).toMatch("TRACKING");
    writer.send("SET", "k", "v");
    kv.engine.turn();
    expect(reader.pushed()).toEqual([["invalidate", ["k"]]]);
    expect(writer.send("CONFIG", "SET", "tracking-table-max-keys", 1)).toBe("OK");
    reader.send("GET", "a");
    reader.send("GET", "b");
    expect(reader.pushed()).toEqual([["invalidate", [expect.stringMatching(/^[ab]$/)]]]);
    expect(reader.send("RESET")).toBe("RESET");
    expect(writer.send("INFO", "clients")).toMatch("tracking_clients:0");
  });

  test("imports nothing but what the door of the engine offers", () => {
    const folder = new URL("./tracking/", import.meta.url);
    const offered = new Set(Object.keys(door));
    const missing: string[] = [];
    for (const file of readdirSync(folder)) {
      if (file.endsWith(".test.ts")) continue;
      const text = readFileSync(new URL(file, folder), "utf8");
      for (const [, type, names = ""] of text.matchAll(
        /import (type )?\{([^}]*)\} from "[.][.]\/[^"]*"/g,
      ))
        for (const name of names.split(",").map((each) => each.trim()))
          if (type === undefined && name !== "" && !name.startsWith("type ") && !offered.has(name))
            missing.push(`${file}: ${name}`);
    }
    expect(missing).toEqual([]);
  });
});

class Counter implements Running {
  count = 0;
  readonly clientsSeen: number[] = [];
  readonly guards = {
    busy: () => (this.count > 2 ? new CommandError("BUSY counting") : null),
  };

  clientClosed({ id }: { id: number }): void {
    this.clientsSeen.push(id);
  }

  resetStatistics(): void {
    this.count = 0;
  }
}

const counterPort = new Port<Counter>("counter");

/** Counts; and has READWRITE, which is a placeholder otherwise, as its command. */
const counting: System = {
  name: "counting",
  ports: [counterPort],
  commands: [
    engineCommand({
      name: "readwrite",
      group: "server",
      since: "3.0.0",
      summary: "Counts.",
      complexity: "O(1)",
      arity: 1,
      flags: ["noscript"],
      run({ engine, reply }) {
        reply.integer(++engine.of(counterPort).count);
      },
    }),
  ],
  directives: [
    {
      names: ["geo-limit-of-nobody"],
    },
  ],
  info: [
    {
      name: "counting",
      title: "Counting",
      isDefault: true,
      fields: [{ name: "counted", value: (ports) => ports.of(counterPort).count }],
    },
  ],
  start: () => new Counter(),
};

describe("a system from outside", () => {
  test("has commands that take the places of placeholders, and rows of INFO", () => {
    const kv = harness({ modules: [counting] });
    expect(kv.send("READWRITE")).toBe(1);
    expect(kv.send("INFO")).toMatch("# Counting\r\ncounted:1\r\n");
    expect(kv.send("CONFIG", "RESETSTAT")).toBe("OK");
    expect(kv.send("READWRITE")).toBe(1);
    expect(String(harness().send("READWRITE"))).toMatch("cluster support disabled");
  });

  test("has guards, and hears of clients that go", () => {
    const kv = harness({ modules: [counting] });
    const other = kv.client();
    for (let i = 0; i < 3; i++) kv.send("READWRITE");
    expect(kv.send("MULTI")).toBe("OK");
    expect(kv.send("GET", "k")).toBe(kv.error("BUSY counting"));
    other.destroy();
    expect(kv.engine.of(counterPort).clientsSeen).toHaveLength(1);
  });

  test("its commands can be renamed, and its directives count as implemented", () => {
    const kv = startedWith([counting], ownSystems, 'rename-command READWRITE COUNT\nsave ""');
    const client = kv.client();
    expect(client.send("COUNT")).toBe(1);
    expect(String(client.send("READWRITE", "k"))).toMatch("unknown command 'READWRITE'");
    expect(engineDirectives([counting])).toContain("geo-limit-of-nobody");
    expect(engineDirectives()).not.toContain("geo-limit-of-nobody");
  });

  test("a port that nobody offers is said by name", () => {
    expect(() => harness().engine.of(counterPort)).toThrow("no system offers 'counter'");
  });
});

test("every system has a name of its own, and says what it is", () => {
  const names = ownSystems.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe("a system that makes another kind of server", () => {
  const limiting: System = {
    name: "limiting",
    commands: counting.commands ?? [],
    ports: counting.ports ?? [],
    info: [
      {
        name: "counter",
        title: "Counter",
        isDefault: true,
        fields: [{ name: "count", value: (ports) => ports.of(counterPort).count }],
      },
    ],
    limits: { commands: ["ping", "hello", "info"], sections: ["counter", "server"] },
    start: (ports) => {
      ports.identity.mode = "counting";
      return new Counter();
    },
  };

  test("has its own commands and sections, and those of others that it names", () => {
    const kv = startedWith([limiting]).client();
    expect(kv.send("READWRITE")).toBe(1);
    expect(kv.send("PING")).toBe("PONG");
    for (const name of ["GET", "CONFIG", "MULTI", "SLAVEOF"])
      expect(`${kv.send(name)}`).toContain(`unknown command '${name}'`);
    const info = kv.send("INFO", "everything") as string;
    expect(info.match(/^# .*/gm)).toEqual(["# Server", "# Counter"]);
    expect(info).toContain("redis_mode:counting\r\n");
    expect((kv.send("HELLO") as unknown[]).slice(8)).toEqual(["mode", "counting", "modules", []]);
  });

  test("knows no other commands when its file is read", () => {
    const config = new ConfigStore();
    checkStatements(config, [limiting]);
    expect(() => config.load("rename-command GET other")).toThrow("No such command");
    config.load("rename-command PING other");
  });
});
