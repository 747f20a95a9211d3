/**
 * A law over the whole command table: whatever number stands where a command takes an integer, and
 * however long a value would have to become, other keys survive. Sizes around 2^29, 2^31 and 2^32
 * are where they once did not. Nothing here names a command but the examples at the end.
 */
import { type Argument, type CommandRow, errors, FLAG_BITS } from "@kv/commands";
import { BLOCK_BYTES_MAX } from "@kv/core";
import { walkedBytes } from "@kv/core/testing";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { contentsOf } from "./simulation.ts";

const edges: readonly string[] = [
  ...[29, 30, 31, 32, 33, 52, 53, 62, 63, 64].flatMap((exponent) =>
    [-1n, 0n, 1n].flatMap((beside) => [
      `${2n ** BigInt(exponent) + beside}`,
      `${-(2n ** BigInt(exponent)) + beside}`,
    ]),
  ),
  // What is left of these in 32 bits is a small size, or none.
  ...["4293918759", "4294967295", "4294967304", "8589934592", "1073737727", "1073737728"],
  ...["0", "-1"],
];
/** Commands whose effect is to take, or to stop, all there is; and one that waits for another server. */
const leftOut = /^(flush|swapdb|shutdown|debug|function|client|failover|replicaof|slaveof|migrate)/;

const { all } = harness().engine.commands;
const hasInteger = (args: readonly Argument[]): boolean =>
  args.some(({ type, args: inner = [] }) => type === "integer" || hasInteger(inner));
const cases = all
  .filter(({ bits, run, fullName, command }) => {
    const touchesData = (bits & (FLAG_BITS.write | FLAG_BITS.readonly)) !== 0;
    const waits = (bits & FLAG_BITS.blocking) !== 0;
    return run && touchesData && !waits && hasInteger(command.args) && !leftOut.test(fullName);
  })
  .map((row) => ({ name: row.fullName, row }));

/** A server with the largest limit, little memory, and many small keys with gaps between them. */
function crowded(): Harness {
  const kv = harness({ config: { "proto-max-bulk-len": "4gb" } });
  kv.engine.keyspace.arena.limitBytes = 24 * 2 ** 20;
  for (let i = 0; i < 500; i++) kv.send("SET", `small:${i}`, `value ${i}`);
  for (let i = 0; i < 500; i += 2) kv.send("DEL", `small:${i}`);
  kv.send("SET", "k", "v".repeat(2000));
  kv.send("HSET", "h", "f", 1, "g", "2");
  kv.send("HSET", "t", "f", "v".repeat(2000), "g", "2");
  kv.send("SET", "n", "9223372036854775806");
  return kv;
}

/** The keys that no call names. */
function others(kv: Harness): string[] {
  return [...contentsOf(kv.engine.keyspace)]
    .filter(([name]) => name.includes("small:"))
    .map(([name, value]) => `${name} ${value}`)
    .sort();
}

function checkWhole(kv: Harness, context: string): void {
  kv.check();
  let strays = 0;
  for (const database of kv.engine.keyspace.databases)
    database.dict.eachEntry((entry) => {
      if (entry === 0) strays++;
    });
  expect(strays, context).toBe(0);
  expect(walkedBytes(kv.engine.keyspace), context).toBeLessThan(24 * 2 ** 20);
}

function surviveAll(row: CommandRow): void {
  const kv = crowded();
  const before = others(kv);
  const bystander = kv.client();
  let seed = 0;
  for (const edge of edges) {
    for (let i = 0; i < 3; i++) {
      const chance = new Chance(++seed);
      const words = madeCall(row, chance, {
        keys: ["k", "h", "t", "n", "none"],
        wordFor: ({ type, name }) =>
          type === "integer" && name !== "numkeys" && chance.percent(80) ? edge : undefined,
      });
      const context = words.join(" ").slice(0, 100);
      const reply = kv.send(...words);
      expect(reply, context).not.toBe(undefined);
      if (typeof reply === "number" && /^(append|setrange|strlen|setbit)$/.test(row.fullName))
        expect(reply, context).toBeGreaterThanOrEqual(0);
      expect(bystander.send("GET", "small:1"), context).toBe("value 1");
    }
    checkWhole(kv, `${row.fullName} ${edge}`);
    expect(others(kv), `${row.fullName} ${edge}`).toEqual(before);
  }
}

describe("other keys survive whatever number is given to", () => {
  test.each(cases)("$name", ({ row }) => surviveAll(row), 60_000);
});

describe("a value that no block can hold", () => {
  test("is refused before anything is touched, when SETRANGE would make it", () => {
    const kv = crowded();
    const before = contentsOf(kv.engine.keyspace);
    const { usedBytes } = kv.engine.keyspace.arena;
    for (const offset of [4_293_918_759, 2 ** 32 - 1, 2 ** 32, BLOCK_BYTES_MAX, 2 ** 31]) {
      expect(kv.send("SETRANGE", "k", offset, "x")).toBe(errors.stringTooLong);
      expect(kv.send("SETRANGE", "none", offset, "x")).toBe(errors.stringTooLong);
    }
    // Less than that has no room in this arena.
    for (const offset of [BLOCK_BYTES_MAX - 1, 2 ** 29])
      expect(kv.send("SETRANGE", "k", offset, "x")).toMatchObject({ reply: /^OOM/ });
    expect(contentsOf(kv.engine.keyspace)).toEqual(before);
    expect(kv.engine.keyspace.arena.usedBytes).toBe(usedBytes);
    kv.check();
  });

  test("is refused when APPEND would make it: the limit is the directive's or the block's", () => {
    const kv = crowded();
    expect(kv.engine.settings.stringBytesMax).toBe(BLOCK_BYTES_MAX);
    kv.send("CONFIG", "SET", "proto-max-bulk-len", "1mb");
    expect(kv.engine.settings.stringBytesMax).toBe(2 ** 20);
    kv.send("SETRANGE", "k", 2 ** 20 - 2, "x");
    expect(kv.send("APPEND", "k", "yz")).toBe(errors.stringTooLong);
    expect(kv.send("APPEND", "k", "y")).toBe(2 ** 20);
  });

  test("grows to its last byte of room, if not with room to spare", () => {
    const kv = harness({ segmentBytes: 16 * 2 ** 20 });
    const { arena } = kv.engine.keyspace;
    kv.send("SET", "k", "v".repeat(100_000));
    arena.limitBytes = arena.segmentBytes;
    expect(kv.send("SETRANGE", "other", 6.5 * 2 ** 20, "x")).toBe(6.5 * 2 ** 20 + 1);
    // Nine MiB fit beside the two, and no ten.
    expect(kv.send("SETRANGE", "k", 9 * 2 ** 20, "x")).toBe(9 * 2 ** 20 + 1);
    expect(kv.send("APPEND", "k", "y")).toBe(9 * 2 ** 20 + 2);
    kv.check();
  });
});
