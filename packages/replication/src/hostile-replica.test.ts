/**
 * A replica that means no good, or is none. Whatever it says or leaves undone: others are served, memory is
 * bounded, the log says why it was let go, and nothing of it is left.
 */
import {
  follower,
  type Harness,
  type HarnessOptions,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
  type TestClient,
} from "@kv/testing";
import { describe, expect, test } from "vitest";

type Config = NonNullable<HarnessOptions["config"]>;

const { eof, psync2 } = replicaOptions;
const MIB = 2 ** 20;

const primary = (config: Config = {}) => {
  const kv = harness({ config: { "repl-diskless-sync-delay": 0, ...config } });
  kv.send("SET", "k", "v");
  return kv;
};

const offsetOf = (kv: Harness) => Number(infoField(kv, "master_repl_offset"));

/** Others are served, and there is nobody left who follows. */
async function expectRidOf(kv: Harness) {
  for (let turn = 0; turn < 100; turn++) {
    kv.engine.turn();
    await Promise.resolve();
  }
  expect(infoField(kv, "connected_slaves")).toBe("0");
  expect(kv.send("GET", "k")).toBe("v");
  expect(kv.engine.isSettled).toBe(true);
  expect(await kv.host.storage.list()).not.toContainEqual(expect.stringMatching(/sync-/));
  // One block of the backlog may stay.
  expect(Number(infoField(kv, "mem_total_replication_buffers"))).toBeLessThan(2 * MIB);
  kv.check();
}

describe("what it asks for", () => {
  test.each([
    ["an offset below zero", (id: string) => [id, "-5"]],
    ["no offset", (id: string) => [id, "0"]],
    ["one far beyond the end", (id: string) => [id, "9007199254740991"]],
    ["one just beyond the end", (id: string, end: number) => [id, `${end + 2}`]],
    ["another history", () => ["b".repeat(40), "1"]],
    ["a history with a name without end", () => ["b".repeat(100_000), "1"]],
    ["one of no name", () => ["", "1"]],
    ["the zeros that stand for none", () => ["0".repeat(40), "1"]],
  ])("%s: it gets the data set", (_what, words) => {
    const kv = primary();
    const { id } = follower(kv);
    kv.send("SET", "k", "v");
    const client = replicaClient(kv, eof, psync2);
    client.send("PSYNC", ...words(id, offsetOf(kv)));
    kv.clock.advance(100);
    expect(client.takeRaw()).toMatch(/^\+FULLRESYNC /);
    expect(infoField(kv, "sync_partial_ok")).toBe("0");
  });

  test.each([
    ["an offset that is no number", ["PSYNC", "?", "NaN"]],
    ["a fraction", ["PSYNC", "?", "1.5"]],
    ["one beyond all numbers", ["PSYNC", "?", "99999999999999999999"]],
    ["the lead, of a primary", ["PSYNC", "?", "1", "FAILOVER"]],
    ["too little", ["PSYNC", "?"]],
    ["a port that is none", ["REPLCONF", "listening-port", "x"]],
    ["an address without end", ["REPLCONF", "ip-address", "1".repeat(300)]],
    ["an option that is none", ["REPLCONF", "what", "1"]],
    ["half an option", ["REPLCONF", "capa"]],
  ])("%s: an error, and it may go on", (_what, words) => {
    const kv = primary();
    const client = replicaClient(kv, eof);
    client.send(...words);
    expect(client.takeRaw()).toMatch(/^-[^\r]+\r\n$/);
    client.send("PSYNC", "?", "-1");
    kv.clock.advance(100);
    expect(client.takeRaw()).toMatch(/^\+FULLRESYNC /);
  });

  test("within a transaction or a script: nothing", () => {
    const kv = primary();
    kv.send("MULTI");
    expect(`${kv.send("PSYNC", "?", -1)}`).toMatch(/not allowed/i);
    expect(`${kv.send("EXEC")}`).toMatch(/EXECABORT/);
    expect(`${kv.send("EVAL", "return redis.call('PSYNC', '?', '-1')", 0)}`).toMatch(/script/);
    expect(infoField(kv, "sync_full")).toBe("0");
  });

  test("twice, in each state: the second time counts for nothing", () => {
    const kv = primary({ "repl-diskless-sync-delay": 2 });
    const client = replicaClient(kv, eof, psync2);
    client.send("PSYNC", "?", -1);
    client.send("PSYNC", "?", -1);
    client.send("SYNC");
    kv.clock.advance(3000);
    expect(client.takeRaw().match(/FULLRESYNC/g)).toHaveLength(1);
    client.send("REPLCONF", "ACK", 0);
    client.takeRaw();
    client.send("PSYNC", "?", -1);
    kv.clock.advance(100);
    expect(client.takeRaw()).toBe("");
    expect(infoField(kv, "sync_full")).toBe("1");
    expect(infoField(kv, "connected_slaves")).toBe("1");
  });
});

describe("what it says", () => {
  test.each([
    ["nothing", []],
    ["words", ["what"]],
    ["less than nothing", ["-5"]],
    ["more than can be", ["99999999999999999999"]],
    ["more than there is", ["9007199254740991"]],
    ["a fraction", ["1.5"]],
    ["that it is on disk, more than there is", ["0", "FACK", "9007199254740991"]],
    ["and half a word", ["0", "FACK"]],
  ])("ACK with %s: nobody believes it", (_what, words) => {
    const kv = primary();
    const { client } = follower(kv);
    const writer = kv.client();
    client.send("REPLCONF", "ACK", ...words);
    writer.send("SET", "k", "w");
    client.takeRaw();
    expect(writer.send("WAIT", 1, 0)).toBe(undefined);
    const raw = client.takeRaw();
    expect(raw === "" || raw.startsWith("*3\r\n$8\r\nREPLCONF")).toBe(true);
    client.send("REPLCONF", "ACK", offsetOf(kv));
    kv.clock.advance(1);
    if (client.closed) expect(kv.log).toContainEqual(expect.stringMatching(/generated a reply/));
    else expect(writer.receive()).toBe(1);
  });

  test("an offset that is none is refused, and the log says who asked", () => {
    const kv = primary();
    const client = kv.client();
    client.send("REPLCONF", "listening-port", 7009);
    expect(client.send("PSYNC", "?", "here")).toEqual(
      kv.error("ERR value is not an integer or out of range"),
    );
    expect(kv.log).toContain(
      "Replica 127.0.0.1:7009 asks for synchronization but with a wrong offset",
    );
    expect(infoField(kv, "connected_slaves")).toBe("0");
  });

  test("ACKs without end: they cost nothing", () => {
    const kv = primary();
    const { client } = follower(kv);
    const before = kv.engine.memory.usedBytes;
    for (let round = 0; round < 20; round++)
      client.sendBytes("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n1\r\n".repeat(1000));
    expect(client.takeRaw()).toBe("");
    expect(kv.engine.memory.usedBytes - before).toBeLessThan(100_000);
    expect(infoField(kv, "connected_slaves")).toBe("1");
  });

  test.each([
    [["SET", "k", "evil"]],
    [["GET", "k"]],
    [["FLUSHALL"]],
    [["MULTI"]],
    [["SUBSCRIBE", "a"]],
    [["MONITOR"]],
    [["BLPOP", "nothing", "0"]],
    [["WAIT", "1", "0"]],
    [["EVAL", "return redis.call('SET', 'k', 'evil')", "0"]],
    [["CLIENT", "REPLY", "OFF"]],
    [["RESET"]],
    [["HELLO", "3"]],
    [["SELECT", "5"]],
    [["WHATEVER"]],
    [["SET"]],
    [["REPLICAOF", "n1", "1"]],
    [["QUIT"]],
  ])("%j: it gets no word among the changes", (words) => {
    const kv = primary();
    const { client } = follower(kv);
    const other = follower(kv, 7002).client;
    client.takeRaw();
    other.takeRaw();
    client.send(...words);
    kv.send("SET", "l", "1");
    kv.clock.advance(100);
    // Both get the same, if the first is still there.
    const raw = client.takeRaw();
    expect(other.takeRaw().startsWith(raw)).toBe(true);
    expect(raw !== "" || client.closed).toBe(true);
    expect(kv.send("PING")).toBe("PONG");
    expect(infoField(kv, "role")).toBe("master");
  });

  test.each([
    [["GET", "k"], "ERR Replica can't interact with the keyspace", "get"],
    [["CLIENT", "KILL"], "ERR wrong number of arguments for 'client|kill' command", "client|kill"],
  ])("%j: the log says which error it is let go for", (words, error, command) => {
    const kv = primary();
    const { client } = follower(kv);
    client.send(...words);
    expect(client.closed).toBe(true);
    const lines = kv.log.map((line) => line.replace(/: id=.*/, ""));
    expect(lines.slice(-4)).toContain(
      `== CRITICAL == This master is sending an error to its replica: '${error}' after processing the command '${command}'`,
    );
    expect(lines.slice(-4)).toContain(
      `Replica generated a reply to command '${command}', disconnecting it`,
    );
    expect(infoField(kv, "unexpected_error_replies")).toBe("1");
  });

  test.each(["*1\r\nx\r\n", "*-5\r\n$-7\r\n", "x".repeat(100_000), "*3\r\n$999999999999\r\n"])(
    "what is no command, %#: it is let go",
    async (text) => {
      const kv = primary();
      const { client } = follower(kv);
      client.takeRaw();
      client.sendBytes(text);
      client.destroy();
      await expectRidOf(kv);
    },
  );
});

describe("what it leaves undone", () => {
  const large = (kv: Harness) => {
    for (let key = 0; key < 20; key++) kv.send("SET", `large:${key}`, "x".repeat(100_000));
  };

  test.each([{ "repl-diskless-sync": "yes" }, { "repl-diskless-sync": "no" }] as const)(
    "reading its data set, %j: it is let go, and what was kept is freed",
    async (config) => {
      const kv = primary({ ...config, "repl-timeout": 3 });
      large(kv);
      const clients: TestClient[] = [];
      for (let count = 0; count < 30; count++) {
        const client = replicaClient(kv, eof, psync2);
        client.isStuck = true;
        client.send("PSYNC", "?", -1);
        clients.push(client);
      }
      for (let second = 0; second < 16; second++) {
        kv.clock.advance(1000);
        for (let turn = 0; turn < 50; turn++) {
          kv.engine.turn();
          await Promise.resolve();
        }
        // Each has a window of its own; what waits for them is there once.
        expect(Number(infoField(kv, "mem_total_replication_buffers"))).toBeLessThan(16 * MIB);
        expect(kv.send("GET", "k")).toBe("v");
      }
      expect(kv.log).toContainEqual(
        expect.stringMatching(/^Disconnecting timedout replica \(full sync\)/),
      );
      expect(clients.every(({ closed }) => closed)).toBe(true);
      await expectRidOf(kv);
    },
  );

  test("reading what changes, though it says that it does: the limit ends that", async () => {
    const kv = primary({ "client-output-buffer-limit": "replica 1mb 0 0" });
    const { client } = follower(kv);
    client.isStuck = true;
    let most = 0;
    for (let write = 0; write < 100 && !client.closed; write++) {
      kv.send("SET", "large", "x".repeat(100_000));
      client.send("REPLCONF", "ACK", offsetOf(kv));
      kv.clock.advance(100);
      most = Math.max(most, Number(infoField(kv, "mem_total_replication_buffers")));
    }
    expect(client.closed).toBe(true);
    expect(most).toBeLessThan(4 * MIB);
    expect(kv.log).toContainEqual(expect.stringMatching(/output buffer limits/));
    kv.send("CONFIG", "SET", "repl-backlog-size", 1);
    kv.clock.advance(100);
    await expectRidOf(kv);
  });

  test("saying that it lives", async () => {
    const kv = primary({ "repl-timeout": 3 });
    follower(kv);
    kv.clock.advance(5000);
    expect(kv.log).toContain("Disconnecting timedout replica (streaming sync): 127.0.0.1:7001");
    await expectRidOf(kv);
  });

  test.each([
    { "repl-diskless-sync": "yes" },
    { "repl-diskless-sync": "no" },
    { "repl-diskless-sync-delay": 5 },
  ] as const)("staying, at any moment, %j", async (config) => {
    for (let moment = 0; moment < 60; moment += 7) {
      const kv = primary(config);
      large(kv);
      const client = replicaClient(kv, eof, psync2);
      client.isStuck = moment % 2 === 0;
      client.send("PSYNC", "?", -1);
      for (let turn = 0; turn < moment; turn++) {
        kv.engine.turn();
        await Promise.resolve();
      }
      client.destroy();
      await expectRidOf(kv);
      expect(kv.log).toContainEqual(expect.stringMatching(/^Connection with replica .* lost\.$/));
    }
  });
});
