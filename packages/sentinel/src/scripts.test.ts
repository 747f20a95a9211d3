/** Scripts of the operator: which are run, with which words, and what becomes of those that fail. */
import { SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const lines = `sentinel monitor mymaster 10.0.0.1 6379 1
sentinel down-after-milliseconds mymaster 3000
sentinel notification-script mymaster /usr/bin/notify
sentinel client-reconfig-script mymaster /usr/bin/reconfigure
`;

async function watching(text = lines) {
  const fleet = new SentinelFleet();
  await fleet.addServer("10.0.0.1:6379");
  await fleet.addServer("10.0.0.2:6379", "10.0.0.1:6379");
  await fleet.network.advance(1000);
  const sentinel = await fleet.addSentinel("10.0.1.1:26379", text);
  await fleet.network.advance(2000);
  return { fleet, sentinel, started: sentinel.programs.started };
}

describe("scripts", () => {
  test("hear of warnings, and of clients that are to go elsewhere", async () => {
    const { fleet, started } = await watching();
    expect(started.map(({ path, words }) => [path, ...words])).toEqual([
      ["/usr/bin/notify", "+monitor", "master mymaster 10.0.0.1 6379 quorum 1"],
    ]);
    fleet.kill("10.0.0.1:6379");
    await fleet.network.advance(8000);
    const calls = started.map(({ path, words }) => [path, ...words].join(" "));
    expect(calls[1]).toBe("/usr/bin/notify +sdown master mymaster 10.0.0.1 6379");
    expect(calls).toContain(
      "/usr/bin/reconfigure mymaster leader start 10.0.0.1 6379 10.0.0.2 6379",
    );
    // What is a notice, such as +slave, is no business of theirs.
    expect(calls.filter((call) => call.includes("+slave"))).toEqual([]);
  });

  test("that fail with 1 or by a signal are tried again, ever later; others are given up", async () => {
    const { fleet, sentinel, started } = await watching();
    started[0]?.end({ exitCode: 1, signal: 0 });
    const [job] = sentinel.send("SENTINEL", "PENDING-SCRIPTS") as unknown[][];
    expect(job).toEqual([
      "argv",
      ["/usr/bin/notify", "+monitor", "master mymaster 10.0.0.1 6379 quorum 1"],
      "flags",
      "scheduled",
      "pid",
      "0",
      "run-delay",
      "30000",
      "retry-num",
      "1",
    ]);
    await fleet.network.advance(29_900);
    expect(started).toHaveLength(1);
    await fleet.network.advance(200);
    expect(started).toHaveLength(2);
    started[1]?.end({ exitCode: 0, signal: 9 });
    await fleet.network.advance(59_000);
    expect(started).toHaveLength(2);
    await fleet.network.advance(2000);
    expect(started).toHaveLength(3);
    sentinel.events();
    started[2]?.end({ exitCode: 2, signal: 0 });
    await fleet.network.advance(100);
    expect(sentinel.events()).toEqual(["-script-error /usr/bin/notify 0 2"]);
    expect(sentinel.send("SENTINEL", "PENDING-SCRIPTS")).toEqual([]);
  });

  test("that do not end are killed", async () => {
    const { fleet, sentinel, started } = await watching();
    await fleet.network.advance(58_000);
    expect(started[0]?.isKilled).toBe(false);
    expect(sentinel.send("INFO", "sentinel")).toContain("sentinel_running_scripts:1\r\n");
    sentinel.events();
    await fleet.network.advance(3000);
    expect(started[0]?.isKilled).toBe(true);
    expect(sentinel.events()).toEqual(["-script-timeout /usr/bin/notify 101"]);
  });

  test("are changed by SENTINEL SET only where the file allows it", async () => {
    const { sentinel } = await watching();
    const set = ["SENTINEL", "SET", "mymaster", "notification-script"] as const;
    expect(`${sentinel.send(...set, "/usr/bin/other")}`).toMatch(/denied for security reasons/);
    const { sentinel: lax } = await watching(`${lines}sentinel deny-scripts-reconfig no\n`);
    expect(lax.send(...set, "/usr/bin/other")).toBe("OK");
    expect(lax.file).toContain("sentinel notification-script mymaster /usr/bin/other\n");
    expect(lax.file).toContain("sentinel deny-scripts-reconfig no\n");
    expect(`${lax.send(...set, "/etc/passwd")}`).toMatch(/non existing or non executable/);
    expect(lax.send(...set, "")).toBe("OK");
    expect(lax.file).not.toContain("notification-script");
  });
});
