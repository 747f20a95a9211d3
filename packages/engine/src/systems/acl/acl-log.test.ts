import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { accessPort } from "./access.ts";
import { AclLog } from "./acl-log.ts";

const refusal = {
  ...({ reason: "auth", context: "toplevel", object: "AUTH" } as const),
  ...{ username: "bob", clientInfo: "id=1" },
};

function logWith(times: readonly number[], lengthMax = 128): AclLog {
  const log = new AclLog();
  for (const nowMs of times) log.add(refusal, nowMs, lengthMax);
  return log;
}

describe("AclLog", () => {
  test("counts the same refusal within a minute as one entry", () => {
    const log = logWith([1000, 2000, 62_000]);
    expect(log.entries).toEqual([
      {
        ...refusal,
        count: 3,
        createdMs: 1000,
        updatedMs: 62_000,
        entryId: 0,
      },
    ]);
  });

  test("begins another entry after that, the newest first", () => {
    const log = logWith([1000, 61_001]);
    expect(log.entries.map(({ entryId }) => entryId)).toEqual([1, 0]);
  });

  test("keeps no more than it may", () => {
    expect(logWith([0, 100_000, 200_000], 2).entries.map(({ entryId }) => entryId)).toEqual([2, 1]);
    expect(logWith([0], 0).entries).toEqual([]);
  });

  test("what was refused is cut off, however long it is", () => {
    const kv = harness();
    kv.send("AUTH", "u".repeat(100_000), "wrong");
    const [entry] = kv.send("ACL", "LOG") as string[][];
    expect(entry?.[9]).toBe("u".repeat(1024));
    expect(kv.engine.of(accessPort).log.keptBytes).toBeLessThan(3000);
  });

  test("no entry costs more because there are many, and all take a bounded room", () => {
    const kv = harness({ config: { "acllog-max-len": Number.MAX_SAFE_INTEGER } as never });
    const aclLog = kv.engine.of(accessPort).log;
    const took = (from: number, to: number) => {
      const startedMs = performance.now();
      for (let i = from; i < to; i++) {
        const another = { ...refusal, username: `${i}`, clientInfo: "" };
        aclLog.add(another, i, Number.MAX_SAFE_INTEGER);
      }
      return (performance.now() - startedMs) / (to - from);
    };
    took(0, 100_000);
    // About one microsecond; looking through all of them takes a thousand. Others use the machine, too.
    const batches = Array.from({ length: 10 }, (_, index) =>
      took(index * 1000, index * 1000 + 1000),
    );
    expect(Math.min(...batches)).toBeLessThan(0.05);
    expect(aclLog.keptBytes).toBeLessThanOrEqual(16 * 2 ** 20);
    expect(aclLog.length).toBeGreaterThan(50_000);
    expect(aclLog.newest(2).map((entry) => entry.username)).toEqual(["9999", "9998"]);
  });

  test("a lower limit takes effect with the next refusal", () => {
    const kv = harness();
    const names = () => (kv.send("ACL", "LOG") as string[][]).map((entry) => entry[9]);
    for (const name of ["a", "b", "c"]) kv.send("AUTH", name, "wrong");
    kv.send("CONFIG", "SET", "acllog-max-len", 2);
    expect(names()).toEqual(["c", "b", "a"]);
    kv.send("AUTH", "d", "wrong");
    expect(names()).toEqual(["d", "c"]);
    kv.send("CONFIG", "SET", "acllog-max-len", 0);
    expect(names()).toEqual(["d", "c"]);
    kv.send("AUTH", "e", "wrong");
    expect(names()).toEqual([]);
  });
});
