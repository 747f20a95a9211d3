import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("DEL and UNLINK", () => {
  test.each(["DEL", "UNLINK"])("%s counts what was there, each key once", (name) => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 2);
    expect(kv.send(name, "a", "a", "b", "none")).toBe(2);
    expect(kv.send("EXISTS", "a", "b")).toBe(0);
    expect(kv.send(name, "a")).toBe(0);
  });

  test("one event for each key that goes; both are called del", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 2);
    kv.events.length = 0;
    kv.send("DEL", "a", "none");
    kv.send("UNLINK", "b");
    expect(kv.events).toEqual(["del a", "del b"]);
  });

  test("what removed nothing is not propagated", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.propagated.length = 0;
    kv.send("DEL", "none");
    kv.send("DEL", "a", "none");
    expect(kv.propagated).toEqual([["DEL", "a", "none"]]);
  });

  test("a key whose time has passed was not there", () => {
    const kv = harness();
    kv.send("SET", "a", 1, "PX", 10);
    kv.clock.advance(11);
    expect(kv.send("DEL", "a")).toBe(0);
    expect(kv.send("DBSIZE")).toBe(0);
  });
});

describe("EXISTS and TOUCH", () => {
  test.each(["EXISTS", "TOUCH"])("%s counts a key as often as it is named", (name) => {
    const kv = harness();
    kv.send("SET", "a", 1);
    expect(kv.send(name, "a", "none", "a")).toBe(2);
  });

  test("TOUCH ends the idle time, EXISTS and TYPE do not", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.clock.advance(30_000);
    kv.send("EXISTS", "a");
    expect(kv.send("TYPE", "a")).toBe("string");
    expect(kv.send("OBJECT", "IDLETIME", "a")).toBe(30);
    kv.send("TOUCH", "a");
    expect(kv.send("OBJECT", "IDLETIME", "a")).toBe(0);
  });
});
