/**
 * Memory goes back to the operating system when data goes, and not when a collector happens to run:
 * measured at the process, as an administrator would.
 */
import { existsSync } from "node:fs";
import { requestText, type ServerProcess, type WireClient } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { pause } from "./client-script.ts";
import { ownBytes, residentBytes } from "./process-memory.ts";

const MEGABYTE = 2 ** 20;
/** The runtime's own heap and code grow by this much when the first hundred megabytes pass through. */
const RUNTIME_GROWTH = 60 * MEGABYTE;
const hasProc = existsSync("/proc/self/status");
if (!hasProc) console.log("memory.interop.ts is left out: there is no /proc to read sizes from");

describe.runIf(hasProc)("resident memory", () => {
  let server: ServerProcess;
  let client: WireClient;
  let startBytes = 0;

  async function info(name: string): Promise<number> {
    const text = await client.request("INFO", "everything");
    return Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(text)?.[1]);
  }

  let pid = 0;
  const heldBytes = () => ownBytes(pid);

  /** Waits, without a command, until the process is no larger than this. */
  async function shrinksTo(bytes: number, withinMs: number): Promise<void> {
    for (let waitedMs = 0; waitedMs < withinMs && heldBytes() > bytes; waitedMs += 100)
      await pause(100);
    expect(heldBytes()).toBeLessThan(bytes);
  }

  /** So many keys of 1 KB, by small requests: it is the data whose memory is looked at. */
  async function populate(count: number): Promise<void> {
    for (let from = 0; from < count; from += 2000) {
      const requests = Array.from({ length: 2000 }, (_, i) =>
        requestText(["SETRANGE", `key:${from + i}`, 1023, "x"]),
      );
      client.write(requests.join(""));
      await client.replies(2000);
    }
  }

  async function fill(): Promise<void> {
    await populate(400_000);
    expect(heldBytes()).toBeGreaterThan(startBytes + 400 * MEGABYTE);
  }

  beforeAll(async () => {
    server = await startOurs();
    client = await server.connect();
    pid = await info("process_id");
    startBytes = heldBytes();
  });
  afterAll(() => server?.stop());

  test.each(["SYNC", "ASYNC"])(
    "of 400,000 keys of 1 KB is gone after FLUSHALL %s",
    async (mode) => {
      await fill();
      expect(await client.request("FLUSHALL", mode)).toBe("+OK\r\n");
      await shrinksTo(startBytes + RUNTIME_GROWTH, 5000);
      // And what INFO says follows.
      const error = async () => Math.abs((await info("used_memory_rss")) - residentBytes(pid));
      await expect.poll(error).toBeLessThan(2 * MEGABYTE);
      expect(await info("allocator_resident")).toBeLessThan(17 * MEGABYTE);
      expect(await info("allocator_rss_bytes")).toBeLessThan(17 * MEGABYTE);
    },
  );

  test("of a string of 200 MB is gone after DEL, whatever else there is", async () => {
    await populate(100_000);
    const before = heldBytes();
    for (const removal of ["DEL", "UNLINK"]) {
      expect(await client.request("SETRANGE", "k", 200_000_000, "x")).toBe(":200000001\r\n");
      expect(heldBytes()).toBeGreaterThan(before + 150 * MEGABYTE);
      await client.request(removal, "k");
      await shrinksTo(before + 20 * MEGABYTE, 2000);
    }
    await client.request("FLUSHALL");
  });

  test("that a few keys hold on to is gone after MEMORY PURGE", async () => {
    await fill();
    for (let from = 0; from < 400_000; from += 10_000) {
      const names = Array.from({ length: 10_000 }, (_, i) => `key:${from + i}`);
      await client.request("UNLINK", ...names.filter((_, i) => i % 1000 !== 7));
    }
    expect(await client.request("DBSIZE")).toBe(":400\r\n");
    expect(await client.request("MEMORY", "PURGE")).toBe("+OK\r\n");
    await shrinksTo(startBytes + RUNTIME_GROWTH + 20 * MEGABYTE, 2000);
    expect(await info("mem_fragmentation_ratio")).toBeGreaterThan(0);
    expect(await client.request("STRLEN", "key:7")).toBe(":1024\r\n");
    await client.request("FLUSHALL");
  });
});
