/** The configuration file: what it may say, and what of a sentinel survives its end. */
import { ConfigStore } from "@kv/config";
import { checkStatements, directiveRows } from "@kv/engine";
import { FakePrograms, SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { SentinelStartError } from "./state-lines.ts";
import { sentinelSystems } from "./system.ts";

const usual = "sentinel monitor mymaster 10.0.0.1 6379 2";

describe("the file", () => {
  test("keeps the operator's lines as they are, in their places", async () => {
    const fleet = new SentinelFleet();
    const text = `# Ours.
port 26379
logfile log.txt

sentinel down-after-milliseconds mymaster 5000
${usual}
dir /tmp
# The end.
`;
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", text);
    sentinel.send("SENTINEL", "SET", "mymaster", "quorum", 3);
    expect(sentinel.file.startsWith(text.replace("6379 2", "6379 3"))).toBe(true);
    const added = sentinel.file
      .slice(text.length)
      .split("\n")
      .filter((line) => line !== "");
    expect(added.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "# Generated",
      "user default",
      "sentinel myid",
      "sentinel config-epoch",
      "sentinel leader-epoch",
      "sentinel current-epoch",
    ]);
  });

  test("brings a sentinel back as it was: who it is, whom it knows, whom it voted for", async () => {
    const fleet = new SentinelFleet();
    await fleet.addServer("10.0.0.1:6379");
    await fleet.addServer("10.0.0.2:6379", "10.0.0.1:6379");
    await fleet.network.advance(1000);
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    await fleet.addSentinel("10.0.1.2:26379");
    await fleet.network.advance(3000);
    sentinel.send("SENTINEL", "SET", "mymaster", "auth-user", "me", "auth-pass", 'a "b" #c');
    sentinel.send("SENTINEL", "SET", "mymaster", "rename-command", "config", "CFG");
    sentinel.send("SENTINEL", "CONFIG", "SET", "announce-port", 1234, "sentinel-pass", "p q");
    sentinel.send("SENTINEL", "MONITOR", "two words\r\n", "10.0.0.9", 6379, 1);
    const votes = ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", 6379] as const;
    const one = "1".repeat(40);
    expect(sentinel.send(...votes, 7, one)).toEqual([0, one, 7]);
    const before = sentinel.file;
    fleet.kill("10.0.1.1:26379");

    const again = await fleet.addSentinel("10.0.1.1:26379", before);
    expect(again.file).toBe(before);
    expect(again.send("SENTINEL", "MYID")).toBe(sentinel.send("SENTINEL", "MYID"));
    // Nobody gets a second vote in an epoch, whatever happened in between.
    expect(again.send(...votes, 7, "2".repeat(40))).toEqual([0, "*", 7]);
    expect(again.send(...votes, 8, one)).toEqual([0, one, 8]);
    expect(again.send("ROLE")).toEqual(["sentinel", ["mymaster", "two words\r\n"]]);
    expect(again.send("SENTINEL", "CONFIG", "GET", "*p*rt", "sentinel-pass")).toEqual([
      "announce-port",
      "1234",
      "sentinel-pass",
      "p q",
    ]);
    expect(again.send("INFO", "sentinel")).toContain("slaves=1,sentinels=2\r\n");
  });

  test("has what it can read of Redis's own", async () => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel(
      "10.0.1.1:26379",
      `sentinel known-slave mymaster 10.0.0.2 6379
sentinel known-sentinel mymaster 10.0.1.2 26379
${usual}
sentinel myid ${"a".repeat(40)}
sentinel leader-epoch mymaster 4
sentinel current-epoch 4
`,
    );
    expect(sentinel.send("SENTINEL", "MYID")).toBe("a".repeat(40));
    expect(sentinel.file).toContain("sentinel known-replica mymaster 10.0.0.2 6379\n");
    expect(sentinel.file).not.toContain("known-slave");
  });

  test("that has gone or was emptied is written anew, with all that is in force", async () => {
    const fleet = new SentinelFleet();
    const { kv, send } = await fleet.addSentinel(
      "10.0.1.1:26379",
      `port 5000\nmaxclients 77\n${usual}`,
    );
    const path = kv.host.facts.configFile;
    const whole = kv.host.readText(path);
    for (const lose of [() => kv.host.writeText(path, "\n"), () => kv.host.texts.delete(path)]) {
      lose();
      expect(send("SENTINEL", "FLUSHCONFIG")).toBe("OK");
      const lines = kv.host.readText(path).split("\n");
      for (const line of whole.split("\n")) expect(lines).toContain(line);
      expect(lines.filter((line) => line.startsWith("save"))).toEqual([]);
    }
  });

  test("that cannot be written is said, and the change is not called done", async () => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    sentinel.kv.host.writeText = () => {
      throw new Error("No space left on device");
    };
    expect(sentinel.send("SENTINEL", "FLUSHCONFIG")).toBe(
      sentinel.kv.error("ERR Failed to save config file. Check server logs."),
    );
    expect(sentinel.kv.log.at(-1)).toBe(
      "WARNING: Sentinel was not able to save the new configuration on disk!!!: No space left on device",
    );
  });

  test("is needed", async () => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    sentinel.kv.host.facts.configFile = "";
    expect(await sentinel.kv.engine.load()).toBe(false);
    expect(sentinel.kv.log.at(-1)).toBe(
      "Sentinel needs config file on disk to save state. Exiting...",
    );
  });
});

test("a number of a line is what its word begins with", async () => {
  const lines = `sentinel monitor mymaster 10.0.0.1 6379x 2nd
sentinel down-after-milliseconds mymaster 5000ms
sentinel failover-timeout mymaster 1e3
sentinel parallel-syncs mymaster many
sentinel current-epoch -1
`;
  const sentinel = await new SentinelFleet().addSentinel("10.0.1.1:26379", lines);
  for (const line of [
    "monitor mymaster 10.0.0.1 6379 2",
    "down-after-milliseconds mymaster 5000",
    "failover-timeout mymaster 1",
    "parallel-syncs mymaster 0",
    "current-epoch 0",
  ])
    expect(sentinel.file).toContain(`sentinel ${line}\n`);
});

describe("a line is refused", () => {
  test.each([
    ["sentinel nosuch x", "Unrecognized sentinel configuration statement."],
    ["sentinel __proto__ x", "Unrecognized sentinel configuration statement."],
    ["sentinel monitor m", "Unrecognized sentinel configuration statement."],
    ["sentinel monitor m 10.0.0.1 1 0", "Quorum must be 1 or greater."],
    ["sentinel monitor m 10.0.0.1 70000 1", "Invalid port number."],
    ["sentinel monitor m 10.0.0.1 -1 1", "Invalid port number."],
    ["sentinel known-replica m 10.0.0.1 -1", "Invalid port number."],
    ["sentinel known-sentinel m 10.0.0.1 -1 id", "Invalid port number."],
    ["sentinel master-reboot-down-after-period m -1", "negative time parameter."],
    ["sentinel down-after-milliseconds m 0", "negative or zero time parameter."],
    ["sentinel failover-timeout m x", "negative or zero time parameter."],
    ["sentinel myid short", "Malformed Sentinel id in myid option."],
    ["sentinel resolve-hostnames x", "Please specify yes or no for the resolve-hostnames option."],
  ])("while the file is read: %s", (line, problem) => {
    const config = new ConfigStore(directiveRows);
    checkStatements(config, [], sentinelSystems(new FakePrograms()));
    expect(() => config.load(line, { sentinel: true })).toThrow(problem);
  });

  test.each([
    ["sentinel quorum mymaster 1", /Unrecognized/],
    ["sentinel monitor mymaster 10.0.0.1 1 1", "Duplicate master name."],
    ["sentinel monitor other nosuch.host 1 1", "Can't resolve instance hostname."],
    ["sentinel parallel-syncs other 1", "No such master with specified name."],
    [
      "sentinel notification-script mymaster /etc/passwd",
      "Notification script seems non existing or non executable.",
    ],
    [
      "sentinel known-replica mymaster 10.0.0.2 1\nsentinel known-replica mymaster 10.0.0.2 1",
      "Duplicate hostname and port for replica.",
    ],
  ])("when all is known: %s", async (lines, problem) => {
    const fleet = new SentinelFleet();
    const start = fleet.addSentinel("10.0.1.1:26379", `${usual}\n${lines}\n`);
    await expect(start).rejects.toThrow(problem);
    if (typeof problem === "string") await expect(start).rejects.toThrow(SentinelStartError);
  });
});
