import { describe, expect, test } from "vitest";
import type { EvictionPolicy } from "./policies.ts";
import { evictionPolicies } from "./policies.ts";
import { policyContract } from "./testing/policy-contract.ts";

test("the policies of Redis are there, in the order in which its error lists them", () => {
  expect(Object.keys(evictionPolicies).slice(0, 8)).toEqual([
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
  ]);
});

describe.each(Object.entries(evictionPolicies))("%s keeps the contract:", (name, policy) => {
  for (const { title, run } of policyContract(name, policy)) test(title, run);
});

describe("the contract finds a policy that", () => {
  const broken = (policy: EvictionPolicy) =>
    policyContract("broken", policy)
      .filter(({ run }) => {
        try {
          run();
          return false;
        } catch {
          return true;
        }
      })
      .map(({ title }) => title);

  test("gives no number", () => {
    const found = broken({ keys: "all", usage: "lru", judgesUse: false, score: () => Number.NaN });
    expect(found).toContain("a score is a number, the same each time it is asked for");
  });

  test("answers differently each time", () => {
    let calls = 0;
    const found = broken({ keys: "all", usage: "lru", judgesUse: false, score: () => calls++ });
    expect(found).toContain("a score is a number, the same each time it is asked for");
  });

  test("prefers what was used", () => {
    const found = broken({
      ...evictionPolicies["allkeys-lru"],
      score: (arena, entry, time) => -evictionPolicies["allkeys-lru"].score(arena, entry, time),
    });
    expect(found).toEqual(["using a key never makes it a better candidate"]);
  });
});
