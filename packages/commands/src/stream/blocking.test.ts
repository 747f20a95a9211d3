/** XREAD and XREADGROUP that wait: what wakes them, and what they answer then. */
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const INVALID = "NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option";

describe("XREAD BLOCK", () => {
  test("gets what is added behind the ID that `$` was", () => {
    const kv = harness();
    kv.send("XADD", "k", "1-1", "a", "1");
    const waiting = kv.client();
    expect(waiting.send("XREAD", "BLOCK", 0, "STREAMS", "k", "$")).toBe(undefined);
    expect(waiting.receive()).toBe(undefined);
    kv.send("XADD", "k", "2-2", "b", "2");
    expect(waiting.receive()).toEqual([["k", [["2-2", ["b", "2"]]]]]);
  });

  test("answers nothing when the time is up", () => {
    const kv = harness();
    const waiting = kv.client();
    expect(waiting.send("XREAD", "BLOCK", 50, "STREAMS", "k", "+")).toBe(undefined);
    kv.clock.advance(51);
    kv.engine.turn();
    expect(waiting.receive()).toEqual(null);
  });

  test("is not woken by a key of another type, nor by a group", () => {
    const kv = harness();
    const waiting = kv.client();
    expect(waiting.send("XREAD", "BLOCK", 0, "STREAMS", "k", "0")).toBe(undefined);
    kv.send("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM");
    expect(waiting.receive()).toBe(undefined);
    kv.send("XADD", "k", "1-1", "a", "1");
    expect(waiting.receive()).toEqual([["k", [["1-1", ["a", "1"]]]]]);
  });
});

describe("XREADGROUP BLOCK", () => {
  function waitingIn(kv: ReturnType<typeof harness>) {
    kv.send("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM");
    const waiting = kv.client();
    expect(waiting.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "k", ">")).toBe(
      undefined,
    );
    return waiting;
  }

  test("gets what is added, which is pending then", () => {
    const kv = harness();
    const waiting = waitingIn(kv);
    kv.send("XADD", "k", "2-2", "b", "2");
    expect(waiting.receive()).toEqual([["k", [["2-2", ["b", "2"]]]]]);
    expect(kv.send("XPENDING", "k", "g")).toEqual([1, "2-2", "2-2", [["c", "1"]]]);
  });

  test.each([["DEL", "k"], ["XGROUP", "DESTROY", "k", "g"], ["FLUSHALL"], ["RENAME", "k", "l"]])(
    "is told that the group is gone: %s",
    (...words) => {
      const kv = harness();
      const waiting = waitingIn(kv);
      kv.send(...words);
      expect(waiting.receive()).toEqual(expect.objectContaining({ reply: INVALID }));
    },
  );
});
