import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const monitored = () => harness({ config: { "latency-monitor-threshold": 10 } as never });

test("freeing what expired or was evicted is measured while the monitor is on", () => {
  const kv = harness({ config: { "latency-monitor-threshold": 1 } as never });
  const database = kv.engine.keyspace.databases[0];
  const remove = database?.remove.bind(database);
  if (database === undefined || remove === undefined) throw new Error("there is a database 0");
  database.remove = (...given) => {
    kv.host.advance(7);
    remove(...given);
  };
  kv.send("SET", "k", "v", "PX", 10);
  kv.host.advance(20);
  kv.send("GET", "k");
  kv.send("SET", "k", "v");
  kv.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", 1);
  const events = kv.send("LATENCY", "LATEST") as [string, number, number, number][];
  const worst = new Map(events.map(([event, , , max]) => [event, max]));
  expect(worst.get("expire-del")).toBe(7);
  expect(worst.get("eviction-del")).toBe(7);
});

describe("LATENCY", () => {
  test("LATEST, HISTORY and RESET tell of events over the threshold", () => {
    const kv = monitored();
    kv.send("DEBUG", "SLEEP", "0.5");
    kv.clock.advance(2000);
    kv.send("DEBUG", "SLEEP", "0.3");
    const [[name, , latency, worst]] = kv.send("LATENCY", "LATEST") as [
      [string, number, number, number],
    ];
    expect([name, latency, worst]).toEqual(["command", 300, 500]);
    const history = kv.send("LATENCY", "HISTORY", "command") as [number, number][];
    expect(history.map(([, ms]) => ms)).toEqual([500, 300]);
    expect(kv.send("LATENCY", "RESET", "nope")).toBe(0);
    expect(kv.send("LATENCY", "RESET", "command", "nope")).toBe(1);
    expect(kv.send("LATENCY", "LATEST")).toEqual([]);
  });

  test("GRAPH draws bars over their ages", () => {
    const kv = monitored();
    kv.send("DEBUG", "SLEEP", "0.5");
    kv.clock.advance(90_000);
    kv.send("DEBUG", "SLEEP", "0.3");
    const graph = kv.send("LATENCY", "GRAPH", "command") as string;
    expect(graph.split("\n").slice(0, 2)).toEqual([
      "command - high 500 ms, low 300 ms (all time high 500 ms)",
      "-".repeat(80),
    ]);
    // The first bar is full, the second is the lowest there is; 90 and 0 seconds ago.
    expect(graph.split("\n").slice(2)).toEqual(["#", "#", "#", "#_", "", "10", "ms", ""]);
  });

  test("DOCTOR always has something to say", () => {
    expect(harness().send("LATENCY", "DOCTOR")).toContain("latency-monitor-threshold");
    const kv = monitored();
    expect(kv.send("LATENCY", "DOCTOR")).toContain("All is well");
    kv.send("DEBUG", "SLEEP", "0.5");
    expect(kv.send("LATENCY", "DOCTOR")).toMatch(/command: 1 latency spikes.*500 ms[\s\S]*SLOWLOG/);
  });

  test("HISTOGRAM counts the calls of commands and subcommands", () => {
    const kv = harness({ resp: 3 });
    kv.send("SET", "k", "v");
    kv.send("SET", "k", "v");
    kv.send("CONFIG", "GET", "hz");
    kv.send("CONFIG", "RESETSTAT");
    kv.send("SET", "k", "v");
    kv.send("CONFIG", "GET", "hz");
    const found = kv.send("LATENCY", "HISTOGRAM", "set", "nope", "config") as Map<
      string,
      Map<string, unknown>
    >;
    expect([...found.keys()]).toEqual(["set", "config|get", "config|resetstat"]);
    expect(found.get("set")?.get("calls")).toBe(1);
    const steps = found.get("set")?.get("histogram_usec") as Map<number, number>;
    expect([...steps.values()]).toEqual([1]);
    expect([...(kv.send("LATENCY", "HISTOGRAM") as Map<string, unknown>).keys()]).toContain("set");
    expect(kv.send("LATENCY", "HISTOGRAM", "config|get")).toBeInstanceOf(Map);
  });

  test("latency-tracking off measures nothing", () => {
    const kv = harness({ config: { "latency-tracking": "no" } as never });
    kv.send("SET", "k", "v");
    kv.send("PING");
    expect(kv.send("LATENCY", "HISTOGRAM")).toEqual([]);
  });
});
