/**
 * A law over the whole command table: an error means that nothing has happened. Calls are made up
 * from each command's declaration and run once for every allocation that they make, with that one
 * refused. A new command is under the law as soon as it is in the table; nothing here names one.
 */
import { type Call, CommandError, type CommandRow, FLAG_BITS } from "@kv/commands";
import { putBytes } from "@kv/core";
import { walkedBytes, withoutRoom } from "@kv/core/testing";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { contentsOf } from "./simulation.ts";

/** Calls of each command that are tried; KV_LAW_CALLS=200 for a longer look. */
const CALLS = Number(process.env.KV_LAW_CALLS ?? 8);
const long = "v".repeat(2000);
/** So many fields a hash has as a listpack, and each call is told of all keys many times. */
const FIELDS_MAX = 32;
const config = { "hash-max-listpack-entries": FIELDS_MAX };
const keys =
  "text number long hash list nodes full table wide mortal dying zset ordered stream brief none"
    .split(" ")
    .concat("");

/** A key of every kind, with and without expiries. */
const data: readonly (readonly (string | number)[])[] = [
  ["SET", "text", "some text"],
  ["SET", "number", "41"],
  ["SET", "long", long, "PX", 100_000],
  ["SET", "brief", "7", "PX", 100_000],
  ["HSET", "hash", "f", "v", "g", "1"],
  ["HSET", "table", "f", long, "g", "2", "12", "3"],
  ["HSETEX", "mortal", "PX", 100_000, "FIELDS", 2, "f", "v", "g", "1"],
  ["HSETEX", "dying", "PX", 100_000, "FIELDS", 3, "f", long, "g", "2", "12", "3"],
  ["ZADD", "zset", 1, "f", "2.5", "g", 3, "12"],
  ["ZADD", "ordered", ...Array.from({ length: 300 }, (_, index) => `${index}`)],
  ["RPUSH", "list", "f", "1", "g"],
  // Several nodes, some of them plain; one that the next element does not fit.
  ["RPUSH", "nodes", ...Array.from({ length: 700 }, (_, index) => `element ${index % 90}`), long],
  ["RPUSH", "full", ...Array.from({ length: 4 }, () => long)],
  ["XADD", "stream", "1-1", "f", "v"],
  // One more field, and it is a table.
  ["HSET", "wide", ...Array.from({ length: 2 * FIELDS_MAX }, (_, index) => index)],
];

/** More entries of the stream, two groups, and what is pending for a consumer of the first. */
const groups: readonly (readonly (string | number)[])[] = [
  ["XADD", "stream", "1-2", "f", long],
  ["XADD", "stream", "1-3", "f", "v", "g", "w"],
  ["XGROUP", "CREATE", "stream", "g", "0"],
  ["XGROUP", "CREATE", "stream", "h", "0"],
  ["XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "stream", ">"],
];

const STREAM_IDS = ["1-1", "1-2", "1-3", "2-2", "0", "2-*", ">"];

/** Values as DUMP writes them. */
const payloads = data.map((words) => {
  const kv = harness({ config });
  kv.send(...words);
  return kv.send("DUMP", words[1] as string) as string;
});

const { all } = harness({ config }).engine.commands;
const cases = all
  .filter(({ bits, run }) => run !== undefined && (bits & FLAG_BITS.write) !== 0)
  .map((row) => ({ name: row.fullName, row }));

/** All keys and, in every database, so many more that some tables are about to grow. */
function fill(kv: Harness, padding: number): void {
  kv.send("SELECT", 0);
  for (const words of [...data, ...groups]) kv.send(...words);
  for (let index = 0; index < 4; index++) {
    kv.send("SELECT", index);
    for (let each = 0; each < padding; each++) kv.send("SET", `pad${each}`, each, "PX", 100_000);
  }
  kv.send("SELECT", 0);
}

/** Names of the keys that are not the same in both. */
function changes(one: Map<string, string>, other: Map<string, string>): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => one.get(name) !== other.get(name));
}

function empty(kv: Harness): void {
  kv.send("FLUSHALL", "SYNC");
  while (kv.engine.turn());
}

/** Bytes in use that no key explains, with what a flush needs next and may not have got. */
function unexplainedBytes({ engine: { keyspace } }: Harness): number {
  for (const database of keyspace.databases) database.prepareFlush();
  return keyspace.arena.usedBytes - walkedBytes(keyspace);
}

function holds(kv: Harness, words: readonly string[], padding: number, once: boolean): void {
  const { keyspace } = kv.engine;
  empty(kv);
  const overheadBytes = unexplainedBytes(kv);
  for (let failing = 1, isHindered = true; isHindered; failing++) {
    fill(kv, padding);
    const before = contentsOf(keyspace);
    kv.propagated.length = 0;
    kv.events.length = 0;
    let reply: unknown;
    isHindered = withoutRoom(keyspace.arena, failing, once, () => {
      reply = kv.send(...words);
    });
    // Who waits is remembered in the arena, too: no longer than that.
    if (reply === undefined) kv.clock.advance(2);
    const context = `${words.join(" ").slice(0, 100)}, allocation ${failing}, ${padding} more keys`;
    kv.check();
    while (kv.engine.turn());
    if (reply instanceof CommandError) {
      expect(changes(before, contentsOf(keyspace)), context).toEqual([]);
      expect(kv.propagated, context).toEqual([]);
      expect(kv.events, context).toEqual([]);
    }
    expect(unexplainedBytes(kv), context).toBe(overheadBytes);
    empty(kv);
    expect(unexplainedBytes(kv), context).toBe(overheadBytes);
  }
}

function hold(row: CommandRow): void {
  const kv = harness({ config });
  for (let seed = 1; seed <= CALLS; seed++) {
    const chance = new Chance(seed);
    const isStream = row.command.group === "stream";
    const wordFor = ({ name }: { name: string }) => {
      if (name === "timeout") return "0.001";
      if (name === "serialized-value") return chance.of(payloads);
      if (isStream && name === "group") return chance.of(["g", "h"]);
      if (isStream && name === "consumer") return chance.of(["c", "d"]);
      if (isStream && name === "min-idle-time") return "0";
      return isStream && /id$|^start$|threshold/.test(name) ? chance.of(STREAM_IDS) : undefined;
    };
    const words = madeCall(row, chance, { keys, wordFor });
    holds(kv, words, chance.below(8), chance.percent(30));
  }
}

describe("an error means that nothing has happened", () => {
  test.each(cases)("$name", ({ row }) => hold(row), 120_000);

  test.each([
    { name: "MSET", head: () => ["MSET"], seed: 1 },
    {
      name: "HSET",
      head: (chance: Chance) => ["HSET", `h${chance.below(40)}`],
      seed: 2,
    },
  ])("$name in an arena that really has an end", ({ head, seed }) => {
    const kv = harness({ config, segmentBytes: 3 * 2 ** 20 });
    const { keyspace } = kv.engine;
    keyspace.arena.limitBytes = keyspace.arena.segmentBytes;
    const chance = new Chance(seed);
    let refused = 0;
    for (let round = 0; refused < 12; round++) {
      expect(round).toBeLessThan(5000);
      kv.propagated.length = 0;
      kv.events.length = 0;
      const words = Array.from({ length: 2 * (1 + chance.below(60)) }, (_, index) =>
        index % 2 === 0 ? `k${chance.below(5000)}` : "v".repeat(chance.below(9) ** 4),
      );
      const before = contentsOf(keyspace);
      const reply = kv.send(...head(chance), ...words);
      if (!(reply instanceof CommandError)) continue;
      refused++;
      expect(reply.reply).toMatch(/^OOM/);
      expect(changes(before, contentsOf(keyspace)), `round ${round}`).toEqual([]);
      kv.check();
      // Some room, in many places.
      for (let i = 0; i < 150; i++)
        kv.send("DEL", `k${chance.below(5000)}`, `h${chance.below(400)}`);
    }
    kv.check();
  });

  test.each([
    ["HPEXPIRE", "hash", "5000", "FIELDS", "2", "f", "g"],
    ["HPEXPIRE", "table", "5000", "FIELDS", "3", "f", "g", "12"],
    ["HPEXPIRE", "mortal", "5000", "FIELDS", "2", "g", "f"],
    ["HGETEX", "wide", "PX", "5000", "FIELDS", "3", "0", "2", "4"],
    ["HSETEX", "none", "PX", "5000", "FIELDS", "2", "a", long, "b", "x"],
    ["HSETEX", "table", "PX", "5000", "FIELDS", "3", "f", long, "new", long, "g", "x"],
    ["HSETEX", "hash", "PX", "5000", "FIELDS", "2", "f", "x", "new", long],
    ["HSETEX", "dying", "KEEPTTL", "FIELDS", "2", "f", "short", "g", long],
    ["HSET", "mortal", "f", "x", "g", "y"],
    ["HSET", "dying", "f", long, "g", "y", "new", long],
    ["HINCRBY", "dying", "g", "5000000000"],
    ["COPY", "dying", "none"],
    ["RENAME", "mortal", "dying"],
    ["MOVE", "dying", "9"],
    ["SET", "dying", long],
  ])("of fields that expire: %s %s %s %s", (...words) =>
    holds(harness({ config }), words, 3, false),
  );

  test("also when a full arena is to be emptied", () => {
    const kv = harness({ config });
    fill(kv, 3);
    withoutRoom(kv.engine.keyspace.arena, 1, false, () => {
      expect(kv.send("FLUSHALL", "SYNC")).toBe("OK");
    });
    expect(contentsOf(kv.engine.keyspace).size).toBe(0);
    kv.check();
  });

  test("the law sees a command that stops half way", () => {
    const kv = harness({ config });
    const set = kv.engine.commands.byName.get("mset") as { run: unknown };
    const { run } = set;
    set.run = (call: Call) => {
      for (let i = 1; i < call.argc; i += 2)
        putBytes(call.database, call.argument(i), call.argument(i + 1));
      call.reply.ok();
    };
    try {
      expect(() => holds(kv, ["MSET", "none", long, "", long], 3, false)).toThrow(/allocation/);
    } finally {
      set.run = run;
    }
  });
});
