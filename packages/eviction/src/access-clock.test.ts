import { idleBits, NONE } from "@kv/core";
import { describe, expect, test } from "vitest";
import { AccessClock } from "./access-clock.ts";
import { LFU_INIT_VAL, lfuBits } from "./frequency.ts";
import { evictionPolicies } from "./policies.ts";
import { defaultEvictionSettings } from "./settings.ts";
import { KeyFixture } from "./testing/key-fixture.ts";

function clockUnder(policy: string) {
  const fixture = new KeyFixture(1, 1);
  const settings = { ...defaultEvictionSettings(), policy };
  const clock = new AccessClock(settings, evictionPolicies, () => 0); // Always lucky.
  return { arena: fixture.keyspace.arena, clock, fixture, settings };
}

describe("AccessClock", () => {
  test("under LRU a use notes the second", () => {
    const { arena, clock, fixture } = clockUnder("allkeys-lru");
    clock.advance(5_000);
    const entry = fixture.set(0, "k", "v", clock.newKeyBits);
    expect(idleBits(arena, entry)).toBe(5);
    clock.advance(9_000);
    clock.touch(arena, entry);
    expect(idleBits(arena, entry)).toBe(9);
  });

  test("under LFU a use notes the minute and counts", () => {
    const { arena, clock, fixture } = clockUnder("volatile-lfu");
    clock.advance(60_000);
    const entry = fixture.set(0, "k", "v", clock.newKeyBits);
    expect(idleBits(arena, entry)).toBe(lfuBits(LFU_INIT_VAL, 1));
    clock.touch(arena, entry);
    clock.touch(arena, entry);
    expect(idleBits(arena, entry)).toBe(lfuBits(LFU_INIT_VAL + 2, 1));
  });

  test("under LFU an overwritten key keeps its count, a new one starts anew", () => {
    const { arena, clock, fixture } = clockUnder("allkeys-lfu");
    const entry = fixture.set(0, "k", "v", lfuBits(100, 0));
    expect(clock.writtenBits(arena, entry)).toBe(lfuBits(101, 0));
    expect(clock.writtenBits(arena, NONE)).toBe(lfuBits(LFU_INIT_VAL, 0));
  });

  test("keeps time for OBJECT IDLETIME under noeviction too", () => {
    const { clock } = clockUnder("noeviction");
    clock.advance(7_000);
    expect(clock.newKeyBits).toBe(7);
  });

  test("a changed policy counts from the next advance() on", () => {
    const { clock, settings } = clockUnder("allkeys-lru");
    settings.policy = "allkeys-lfu";
    clock.advance(120_000);
    expect(clock.newKeyBits).toBe(lfuBits(LFU_INIT_VAL, 2));
  });

  test("refuses a policy that does not exist", () => {
    expect(() => clockUnder("allkeys-fifo")).toThrow("settings.policy names one of the policies");
  });
});
