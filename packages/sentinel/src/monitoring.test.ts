/** What a sentinel finds out about the servers that it watches, and what it tells of it. */
import { SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const [one, two] = ["10.0.0.1:6379", "10.0.0.2:6379"] as const;

/** A primary with a replica, and who watches them. */
async function watched(lines?: string) {
  const fleet = new SentinelFleet();
  fleet.addServer(one);
  fleet.addServer(two, one);
  const sentinel = await fleet.addSentinel("10.0.1.1:26379", lines);
  return { fleet, sentinel };
}

describe("a sentinel", () => {
  test("finds the replicas of its primary and other sentinels, and writes them down", async () => {
    const { fleet, sentinel } = await watched();
    const other = await fleet.addSentinel("10.0.1.2:26379");
    await fleet.network.advance(5000);
    const id = other.send("SENTINEL", "MYID");
    expect(sentinel.events()).toEqual([
      "+slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379",
      `+sentinel sentinel ${id} 10.0.1.2 26379 @ mymaster 10.0.0.1 6379`,
    ]);
    expect(sentinel.file).toContain("sentinel known-replica mymaster 10.0.0.2 6379\n");
    expect(sentinel.file).toContain(`sentinel known-sentinel mymaster 10.0.1.2 26379 ${id}\n`);
    expect(sentinel.file).toMatch(/^port 26379\nsentinel monitor mymaster 10.0.0.1 6379 2\n/);
  });
});
