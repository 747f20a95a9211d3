import { type EvictionPolicy, evictionPolicies } from "@kv/eviction";
import { harness } from "@kv/testing";
import { expect, test, vi } from "vitest";

// One entry more in the table of policies, as a contributor would write it.
vi.mock("../../eviction/src/policies.ts", async (load) => {
  const original = await load<{ evictionPolicies: Record<string, EvictionPolicy> }>();
  const toy: EvictionPolicy = {
    keys: "all",
    usage: "lru",
    judgesUse: false,
    score: (_arena, entry) => entry,
  };
  return { ...original, evictionPolicies: { ...original.evictionPolicies, "toy-policy": toy } };
});

test("a policy is one entry: maxmemory-policy takes every name in the table", () => {
  const kv = harness();
  const names = Object.keys(evictionPolicies);
  expect(names).toContain("toy-policy");
  for (const name of names) {
    expect(kv.send("CONFIG", "SET", "maxmemory-policy", name)).toBe("OK");
    expect(kv.send("CONFIG", "GET", "maxmemory-policy")).toEqual(["maxmemory-policy", name]);
  }
  expect(kv.send("CONFIG", "SET", "maxmemory-policy", "lru")).toBe(
    kv.error(
      "ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - " +
        `argument(s) must be one of the following: ${names.join(", ")}`,
    ),
  );
});

test("and the entry is what evicts", () => {
  const kv = harness({ config: { "maxmemory-policy": "toy-policy" } });
  for (let index = 0; index < 100; index++) kv.send("SET", `key:${index}`, "v".repeat(1000));
  kv.send("CONFIG", "SET", "maxmemory", kv.engine.memory.usedBytes - 20_000);
  expect(kv.send("SET", "last", "v")).toBe("OK");
  expect(kv.engine.memory.evictor.evictedCount).toBeGreaterThan(10);
});
