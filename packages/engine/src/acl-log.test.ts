import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { AclLog } from "./acl-log.ts";

const refusal = { reason: "auth", object: "AUTH", username: "bob", clientInfo: "id=1" } as const;

function logWith(times: readonly number[], lengthMax = 128): AclLog {
  const { client } = harness().self;
  if (client === null) throw new Error("the harness has a client");
  const log = new AclLog();
  for (const nowMs of times) log.add(refusal, client, nowMs, lengthMax);
  return log;
}

describe("AclLog", () => {
  test("counts the same refusal within a minute as one entry", () => {
    const log = logWith([1000, 2000, 62_000]);
    expect(log.entries).toEqual([
      {
        ...refusal,
        context: "toplevel",
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
});
