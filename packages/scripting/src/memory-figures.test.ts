/** What INFO and MEMORY STATS say of the memory of scripts and functions. */
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** The figures of INFO memory about scripts, and how MEMORY STATS calls two of them. */
const figures = [
  "used_memory_lua",
  "used_memory_vm_eval",
  "used_memory_scripts_eval",
  "used_memory_vm_functions",
  "used_memory_vm_total",
  "used_memory_functions",
  "used_memory_scripts",
  "lua.caches",
  "functions.caches",
] as const;

type Figures = Record<(typeof figures)[number] | "used_memory" | "overhead" | "dataset", number>;

function measured(kv: Harness): Figures {
  const rows = String(kv.send("INFO", "memory")).split("\r\n");
  const stats = kv.send("MEMORY", "STATS") as Map<string, number>;
  const of = (name: string) =>
    stats.get(name) ?? Number(rows.find((row) => row.startsWith(`${name}:`))?.split(":")[1]);
  const found = Object.fromEntries([...figures, "used_memory"].map((name) => [name, of(name)]));
  return {
    ...(found as Figures),
    overhead: of("overhead.total"),
    dataset: of("dataset.bytes"),
  };
}

/** A library whose function keeps so many bytes. */
const library = (size: number) => `#!lua name=l
local kept
redis.register_function('f', function()
  kept = kept or string.rep('x', ${size})
  return #kept
end)`;
const blank = Object.fromEntries(figures.map((name) => [name, 0]));

describe("memory of", () => {
  test("scripts grows with each, its machine with what they hold, and SCRIPT FLUSH gives all back", () => {
    const kv = harness({ resp: 3 });
    const before = measured(kv);
    expect(before).toMatchObject(blank);
    kv.send("EVAL", "return 1", 0);
    const one = measured(kv);
    const text = `return 2 -- ${"x".repeat(5000)}`;
    kv.send("SCRIPT", "LOAD", text);
    const two = measured(kv);
    const growth = two.used_memory_scripts_eval - one.used_memory_scripts_eval;
    expect(growth).toBe(one.used_memory_scripts_eval - "return 1".length + text.length);
    for (const { used_memory_scripts_eval, ...each } of [one, two]) {
      expect(each.used_memory_scripts).toBe(used_memory_scripts_eval);
      expect(each["lua.caches"]).toBe(used_memory_scripts_eval);
      expect(each.used_memory_vm_eval).toBeGreaterThan(10_000);
      expect(each.used_memory_vm_total).toBe(each.used_memory_vm_eval);
      expect(each.used_memory_lua).toBe(each.used_memory_vm_eval);
      expect([each.used_memory_functions, each["functions.caches"]]).toEqual([0, 0]);
    }
    kv.send("SCRIPT", "FLUSH");
    expect(measured(kv)).toEqual(before);
  });

  test("functions grows with each library, its machine with what they hold, and FUNCTION FLUSH gives all back", () => {
    const kv = harness({ resp: 3 });
    const before = measured(kv);
    kv.send("FUNCTION", "LOAD", library(1000));
    expect(kv.send("FCALL", "f", 0)).toBe(1000);
    const small = measured(kv);
    kv.send("FUNCTION", "LOAD", "REPLACE", library(1_000_000));
    expect(kv.send("FCALL", "f", 0)).toBe(1_000_000);
    const large = measured(kv);
    expect(large.used_memory_vm_functions - small.used_memory_vm_functions).toBeGreaterThan(
      900_000,
    );
    expect(large.used_memory_functions - small.used_memory_functions).toBe("000".length);
    for (const { used_memory_functions, ...each } of [small, large]) {
      expect(each["functions.caches"]).toBe(used_memory_functions);
      expect(each.used_memory_scripts).toBe(used_memory_functions);
      expect(each.used_memory_vm_total).toBe(each.used_memory_vm_functions);
      expect([each.used_memory_lua, each["lua.caches"]]).toEqual([0, 0]);
    }
    kv.send("SCRIPT", "FLUSH");
    expect(measured(kv)).toEqual(large);
    kv.send("FUNCTION", "FLUSH");
    expect(measured(kv)).toEqual(before);
  });

  test("what is kept of both is in use, and no part of the data; their values are not", () => {
    const kv = harness({ resp: 3 });
    kv.send("SET", "key", "value");
    const before = measured(kv);
    kv.send("EVAL", "return 1", 0);
    kv.send("FUNCTION", "LOAD", library(1000));
    const after = measured(kv);
    const taken = after.used_memory - before.used_memory;
    expect(after.used_memory_vm_total).toBeGreaterThan(10_000);
    expect(taken).toBe(after.used_memory_scripts);
    expect(after.overhead - before.overhead).toBe(taken);
    expect(after.dataset).toBe(before.dataset);
  });

  test("values costs no key its life", () => {
    const kv = harness({ config: { maxmemory: 2 ** 20, "maxmemory-policy": "allkeys-lru" } });
    kv.send("SET", "key", "value");
    const large = "local t = {} for i = 1, 100000 do t[i] = 'value ' .. i end return #t";
    expect(kv.send("EVAL", large, 0)).toBe(100_000);
    expect(kv.send("SET", "other", "value")).toBe("OK");
    expect(kv.send("EXISTS", "key", "other")).toBe(2);
  });
});
