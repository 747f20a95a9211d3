/**
 * No state in modules: an engine that nobody holds any more is garbage, its memory included,
 * whatever commands it ran. Two engines in a process then share nothing, either.
 */
import { expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { collectGarbage } from "./collected-bytes.ts";
import { harness } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { slowClock, turns } from "./slow-clock.ts";

/** Those of the named things that are still there after some rounds of collection. */
async function kept(things: ReadonlyMap<string, WeakRef<object>>): Promise<string[]> {
  let names: string[] = [];
  for (let round = 0; round < 10; round++) {
    // What a WeakRef has given out is held until the turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    names = [...things].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name);
    if (names.length === 0) break;
  }
  return names;
}

/** Keys that share a form of value: what was looked at last must lie in the memory that is to go. */
const keySets = [["none", "number"], ["text"], ["long"], ["hash"], ["table"]];

/**
 * Runs every command that is safe to run some times on keys of one kind; refs to what must go with
 * the engine.
 */
function usedEngine(keys: readonly string[], commandNames: string[]): Map<string, WeakRef<object>> {
  const kv = harness();
  const { engine } = kv;
  const chance = new Chance(7);
  for (const row of engine.commands.all) {
    if (row.run === undefined || /^(shutdown|debug|quit|monitor)/.test(row.fullName)) continue;
    for (let round = 0; round < 3; round++) {
      kv.send("SET", "text", "some text");
      kv.send("SET", "number", 41);
      kv.send("SET", "long", "x".repeat(3000));
      kv.send("HSET", "hash", "f", "v", "g", 1);
      kv.send("HSET", "table", "f", "v".repeat(100), "g", 2);
      const client = kv.client();
      client.send(...madeCall(row, chance, { keys }));
      client.destroy();
    }
    commandNames.push(row.fullName);
  }
  const { arena } = engine.keyspace;
  return new Map<string, WeakRef<object>>([
    ["engine", new WeakRef(engine)],
    ["keyspace", new WeakRef(engine.keyspace)],
    ["arena", new WeakRef(arena)],
    ...arena.bytes.map(
      (bytes, index) =>
        [`segment ${index}`, new WeakRef(bytes.buffer)] as [string, WeakRef<object>],
    ),
  ]);
}

test.each(keySets)("an engine that is dropped takes its memory along: %s", async (...keys) => {
  const commandNames: string[] = [];
  const things = usedEngine(keys, commandNames);
  expect(commandNames).toEqual(expect.arrayContaining(["get", "lcs", "hset", "scan", "mset"]));
  expect(things.size).toBeGreaterThan(3);
  expect(await kept(things)).toEqual([]);
});

/** A stopped engine in which a script was still running; a ref to what must go with it. */
async function stoppedEngine(command: "EVAL" | "FCALL"): Promise<Map<string, WeakRef<object>>> {
  const kv = harness({ config: { "busy-reply-threshold": 20 } });
  slowClock(kv);
  const library = "#!lua name=l\nredis.register_function('f', function() while true do end end)";
  kv.send("FUNCTION", "LOAD", library);
  kv.client().send(command, command === "EVAL" ? "while true do end" : "f", 0);
  await turns(kv, 2);
  expect(kv.send("PING")).toEqual(
    expect.objectContaining({ reply: expect.stringMatching("BUSY") }),
  );
  kv.engine.stop();
  return new Map([["keyspace", new WeakRef<object>(kv.engine.keyspace)]]);
}

test.each(["EVAL", "FCALL"] as const)(
  "a script that never ends holds nothing: %s",
  async (name) => {
    expect(await kept(await stoppedEngine(name))).toEqual([]);
  },
);

test("what a module holds on to is seen", async () => {
  const { keyspace } = harness().engine;
  const things = new Map([["keyspace", new WeakRef<object>(keyspace)]]);
  expect(await kept(things)).toEqual(["keyspace"]);
  expect(keyspace.databases.length).toBeGreaterThan(0);
});
