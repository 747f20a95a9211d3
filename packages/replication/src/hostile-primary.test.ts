/**
 * A primary that means no good, or is none. Whatever it says: the data that were there stay until there are
 * whole ones to take their place, the log says what was wrong, the link is tried again, memory is bounded,
 * and others are served.
 */
import { type Harness, type HarnessOptions, harness, infoField, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";

type Config = NonNullable<HarnessOptions["config"]>;
type Bytes = string | Uint8Array;

const id = "a".repeat(40);
const mark = "m".repeat(40);
const request = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** The file of a server that was told this. */
function fileOf(...requests: string[][]): string {
  const kv = harness();
  for (const words of requests) kv.send(...words);
  kv.send("SAVE");
  return String.fromCharCode(...(kv.host.disk.contents("dump.rdb") as Uint8Array));
}

const file = fileOf(["SET", "new", "v"]);
const counted = (data: string) => `$${data.length}\r\n${data}`;
const marked = (data: string) => `$EOF:${mark}\r\n${data}${mark}`;

/** Says what every primary says, until the data set, which is this; with the stream behind it. */
const polite =
  (data: string, full = `+FULLRESYNC ${id} 0`) =>
  (words: string[]) => {
    if (words[0] === "PING") return "+PONG\r\n";
    if (words[0] === "REPLCONF") return words[1] === "ACK" ? undefined : "+OK\r\n";
    return `${full}\r\n${data}`;
  };

/** A server with data of its own that follows such a primary. */
async function against(say: (words: string[]) => Bytes | undefined, config: Config = {}) {
  const kv = harness({ config });
  kv.send("SET", "old", "v");
  const network = new Network();
  network.attach("n1:6379", kv);
  network.listen("evil:6379", say);
  kv.send("REPLICAOF", "evil", 6379);
  await network.advance(3500);
  return { kv, network };
}

const tries = (kv: Harness) => kv.log.filter((line) => line.endsWith("sync started")).length;

/** The old data are there, others are served, and it goes on trying. */
async function expectUnharmed({ kv, network }: { kv: Harness; network: Network }, log: RegExp) {
  expect(kv.send("GET", "old")).toBe("v");
  expect(kv.log).toContainEqual(expect.stringMatching(log));
  const before = tries(kv);
  await network.advance(4000);
  expect(tries(kv)).toBeGreaterThan(before);
  expect(kv.host.exitCode).toBe(null);
  expect(infoField(kv, "role")).toBe("slave");
  // Of the present one, at most.
  const temporary = (await kv.host.storage.list()).filter((name) => name.startsWith("temp-"));
  expect(temporary.length).toBeLessThan(2);
  kv.check();
}

describe("before the data set", () => {
  const answers = (at: string, answer: string) => (words: string[]) =>
    words.join(" ").startsWith(at) ? answer : polite("")(words);

  test.each([
    ["PING", "-ERR no\r\n", /^Error reply to PING from master: '-ERR no'/],
    ["PING", "+PONG", /^Timeout connecting to the MASTER/],
    ["PING", "\r\n\n\n\n", /^Timeout connecting to the MASTER/],
    ["PING", "x".repeat(100_000), /a line that is too long/],
    ["PING", "\0\0\0\r\n", /^Error reply to PING/],
    ["AUTH", "-WRONGPASS no\r\n", /^Unable to AUTH to MASTER: -WRONGPASS no/],
    ["PSYNC", "-ERR no\r\n", /^Unexpected reply to PSYNC from master: -ERR no/],
    ["PSYNC", "-LOADING later\r\n", /^Master is currently unable to PSYNC/],
    ["PSYNC", "+CONTINUE x y z\r\n", /^Unexpected reply to PSYNC/],
    ["PSYNC", `+CONTINUE ${"b".repeat(41)}\r\n`, /^Unexpected reply to PSYNC/],
    ["PSYNC", "+FULLRESYNC\r\n", /^Master replied with wrong \+FULLRESYNC syntax/],
    ["PSYNC", `+FULLRESYNC ${id} -1\r\n`, /wrong \+FULLRESYNC syntax/],
    ["PSYNC", `+FULLRESYNC ${id} 9223372036854775807\r\n`, /wrong \+FULLRESYNC syntax/],
    ["PSYNC", `+FULLRESYNC ${id} 1e9\r\n`, /wrong \+FULLRESYNC syntax/],
    ["PSYNC", "$5\r\nhello\r\n", /^Unexpected reply to PSYNC/],
    ["PSYNC", "-ERR unknown command\r\n-ERR no\r\n", /aborted replication with an error: ERR no/],
  ])("to %s: %j", async (at, answer, log) => {
    const config = { masterauth: "secret", "repl-timeout": 2 };
    await expectUnharmed(await against(answers(at, answer), config), log);
  });

  test("does not listen, or ends at once", async () => {
    const kv = harness();
    kv.send("SET", "old", "v");
    const network = new Network();
    network.attach("n1:6379", kv);
    kv.send("REPLICAOF", "nobody", 6379);
    await network.advance(3500);
    await expectUnharmed({ kv, network }, /Error condition on socket for SYNC: Connection refused/);
  });
});

describe.each(["disabled", "swapdb", "on-empty-db"] as const)("the data set, %s", (load) => {
  const config: Config = { "repl-diskless-load": load, "repl-timeout": 2 };
  const wrongEnd = `${file.slice(0, -1)}${file.endsWith("\0") ? "\u0001" : "\0"}`;
  const body = (text: string) => `${file.slice(0, 9)}${text}`;

  test.each([
    ["no data set", "hello\r\n", /^Bad protocol from MASTER/],
    ["a length that is none", "$12x\r\n", /^Bad protocol from MASTER/],
    ["a negative length", "$-5\r\n", /^Bad protocol from MASTER/],
    ["an absurd length", `$99999999999999999999\r\n${file}`, /^Bad protocol from MASTER/],
    [
      "a length that never comes",
      `$999999999999999\r\n${file}`,
      /^(Timeout receiving|Failed trying)/,
    ],
    ["a mark that is too short", `$EOF:${"m".repeat(39)}\r\n`, /^Bad protocol from MASTER/],
    ["nothing", "$0\r\n", /^Failed trying to load/],
    ["half of it", counted(file.slice(0, 30)), /^Failed trying to load/],
    ["half of it, marked", marked(file.slice(0, 30)), /^Failed trying to load/],
    ["no end", `$EOF:${mark}\r\n${file.slice(0, 40)}`, /^Timeout receiving bulk data/],
    ["garbage", counted("x".repeat(5000)), /^Failed trying to load/],
    ["a wrong checksum", counted(wrongEnd), /^Failed trying to load .*[Cc]hecksum|CRC/],
    ["a version of the far future", counted(`REDIS9999${file.slice(9)}`), /^Failed trying to load/],
    ["an unknown type", counted(body("\u00c8\u0001k\u0001v\u00ff")), /^Failed trying to load/],
    [
      "a key twice",
      counted(body("\0\u0001k\u0001v\0\u0001k\u0001w\u00ff")),
      /^Failed trying to load/,
    ],
    [
      "a string of gigabytes",
      counted(body("\0\u0001k\u0081\0\0\u00ff\0\0\0\0\0v")),
      /^Failed trying/,
    ],
    [
      "functions that are none",
      marked(body("\u00f5\u0003abc\u00ff")),
      /^Failed trying to load|function/,
    ],
    ["an error in its place", "-ERR no\r\n", /aborted replication with an error: ERR no/],
    ["newlines without end", "\n".repeat(100_000), /^Timeout receiving bulk data/],
  ])("%s", async (_what, data, log) => {
    await expectUnharmed(await against(polite(data), config), log);
  });

  test("half of it, and no more: the log says how far it came", async () => {
    const { kv } = await against(polite(`$EOF:${mark}\r\n${file.slice(0, 60)}`), config);
    const line = /^Internal error in RDB reading offset \d+, .* -> Unexpected EOF/;
    // With data of one's own that are to go first, or stay: only swapdb reads it as it comes.
    const isThere = kv.log.some((text) => line.test(text));
    expect(isThere).toBe(load === "swapdb");
  });

  test("without end: the disk is full, or memory", async () => {
    const { kv, network } = await against(polite(`$999999999999999\r\n${file.slice(0, 9)}`), {
      ...config,
      "repl-timeout": 60,
    });
    const { disk } = kv.host;
    const full = { at: disk.operations.length + 3, code: "ENOSPC", message: "No space left" };
    disk.fault = full;
    const { arena } = kv.engine.keyspace;
    arena.limitBytes = arena.segmentBytes;
    const pieces = load === "swapdb" ? 70 : 8;
    // A string, again and again, each under another key.
    for (let key = 0; key < pieces; key++) {
      const name = `key${String(key).padStart(5, "0")}`;
      network.say("evil:6379", `\0\u0008${name}\u0080\0\u0004\0\0${"v".repeat(2 ** 18)}`);
      await network.settle();
    }
    await expectUnharmed({ kv, network }, /Failed trying to (write|load) .*(No space left|OOM)/);
    expect(kv.engine.memory.usedBytes).toBeLessThan(4 * 2 ** 20);
  });
});

describe("the stream", () => {
  /** A primary that is followed: what it says from now on is done. */
  async function followed(config: Config = {}) {
    const { kv, network } = await against(polite(counted(file)), config);
    expect(infoField(kv, "master_link_status")).toBe("up");
    kv.host.logLines.length = 0;
    const say = async (text: string) => {
      network.say("evil:6379", text);
      await network.settle();
    };
    return { kv, network, say };
  }

  test.each([
    ["what is no command", "*1\r\nhello\r\n", /^MASTER sends what is no command: Protocol error/],
    ["an absurd count", "*99999999999\r\n", /^MASTER sends what is no command/],
    ["a negative length", "*2\r\n$3\r\nGET\r\n$-5\r\n", /^MASTER sends what is no command/],
    ["a length of a terabyte", "*2\r\n$3\r\nGET\r\n$999999999999\r\n", /what is no command/],
    ["a line without end", "x".repeat(100_000), /^MASTER sends what is no command: .*inline/],
    ["newlines", "\n\n\n\n", /^MASTER sends bytes that belong to no command/],
    ["no arguments", `*0\r\n${request("SET", "a", "1")}`, /^MASTER sends bytes that belong to no/],
    [
      "MULTI without end",
      request("MULTI") + request("SET", "a", "x".repeat(900)).repeat(1200),
      /^MASTER sends a transaction that does not end/,
    ],
    [
      "a command that is too large",
      `*2\r\n$3\r\nGET\r\n$9000000\r\n${"x".repeat(1_100_000)}`,
      /^MASTER sends more than a command may be/,
    ],
  ])("%s: all data are asked for again", async (_what, text, log) => {
    const { kv, network, say } = await followed();
    kv.engine.primaryLimits.queryBufferMax = 2 ** 20;
    for (let from = 0; from < text.length; from += 2 ** 16)
      await say(text.slice(from, from + 2 ** 16));
    expect(kv.log).toContainEqual(expect.stringMatching(log));
    expect(kv.send("GET", "new")).toBe("v");
    expect(infoField(kv, "master_link_status")).toBe("down");
    await network.advance(2500);
    expect(kv.log).toContain("Partial resynchronization not possible (no cached master)");
    expect(infoField(kv, "master_link_status")).toBe("up");
    expect(kv.engine.memory.usedBytes).toBeLessThan(2 ** 20);
    kv.check();
  });

  test.each([
    ["half a command", "*3\r\n$3\r\nSET\r\n$1\r\n"],
    ["MULTI without end", request("MULTI") + request("SET", "half", "1")],
  ])(
    "%s, and no more: nothing of it is done, and it goes on where it stood",
    async (_what, text) => {
      const { kv, network, say } = await followed({ "repl-timeout": 3 });
      await say(request("SET", "a", "1"));
      const offset = infoField(kv, "master_repl_offset");
      await say(text);
      await network.advance(6000);
      expect(kv.log).toContain("MASTER timeout: no data nor PING received...");
      expect(kv.log).toContain(
        `Trying a partial resynchronization (request ${id}:${Number(offset) + 1}).`,
      );
      expect(kv.send("EXISTS", "half")).toBe(0);
    },
  );

  test.each([
    ["an unknown command", ["WHATEVER", "a"]],
    ["a wrong number of arguments", ["SET", "a"]],
    ["a wrong type", ["LPUSH", "new", "a"]],
    ["a database that is not there", ["SELECT", "99"]],
    ["REPLICAOF", ["REPLICAOF", "NO", "ONE"]],
    ["SLAVEOF", ["SLAVEOF", "other", "1"]],
    ["FAILOVER", ["FAILOVER"]],
    ["SHUTDOWN", ["SHUTDOWN", "NOSAVE"]],
    ["CONFIG SET", ["CONFIG", "SET", "dbfilename", "evil.so"]],
    ["CONFIG REWRITE", ["CONFIG", "REWRITE"]],
    ["DEBUG", ["DEBUG", "SLEEP", "5"]],
    ["MODULE LOAD", ["MODULE", "LOAD", "/tmp/evil.so"]],
    ["ACL SETUSER", ["ACL", "SETUSER", "evil", "on", "nopass", "+@all", "~*"]],
    ["SAVE", ["SAVE"]],
    ["BGREWRITEAOF", ["BGREWRITEAOF"]],
    ["CLIENT KILL", ["CLIENT", "KILL", "TYPE", "normal"]],
    ["CLIENT PAUSE", ["CLIENT", "PAUSE", "100000"]],
    ["CLIENT REPLY", ["CLIENT", "REPLY", "OFF"]],
    ["MONITOR", ["MONITOR"]],
    ["SUBSCRIBE", ["SUBSCRIBE", "a"]],
    ["SYNC", ["SYNC"]],
    ["PSYNC", ["PSYNC", "?", "-1"]],
    ["AUTH", ["AUTH", "secret"]],
    ["HELLO", ["HELLO", "3"]],
    ["RESET", ["RESET"]],
    ["QUIT", ["QUIT"]],
    ["WAIT", ["WAIT", "1", "0"]],
    ["KEYS in a script that is no Lua", ["EVAL", "what", "0"]],
  ])("%s: fails, is told, and counts", async (_what, words) => {
    const { kv, say } = await followed();
    const before = Number(infoField(kv, "master_repl_offset"));
    const other = kv.client();
    const texts = [request(...words), request("MULTI") + request(...words) + request("EXEC")];
    for (const text of [...texts, request("SET", "behind", "v")]) await say(text);
    expect(kv.log).toContainEqual(
      expect.stringMatching(/^== CRITICAL == This replica is sending an error to its master/),
    );
    expect(infoField(kv, "master_link_status")).toBe("up");
    expect(infoField(kv, "role")).toBe("slave");
    expect(kv.send("GET", "behind")).toBe("v");
    expect(other.send("PING")).toBe("PONG");
    expect(kv.host.exitCode).toBe(null);
    expect(kv.send("CONFIG", "GET", "dbfilename")).toEqual(["dbfilename", "dump.rdb"]);
    expect(kv.send("ACL", "USERS")).toEqual(["default"]);
    const length = texts.join("").length + request("SET", "behind", "v").length;
    expect(infoField(kv, "master_repl_offset")).toBe(`${before + length}`);
  });

  test("does what others say as well: inline, blocking, in any database", async () => {
    const { kv, say } = await followed();
    await say("SET inline 1\r\n");
    await say(request("BLPOP", "nothing", "0") + request("SELECT", "3") + request("INCR", "n"));
    await say(request("PUBLISH", "channel", "message") + request("SCRIPT", "LOAD", "return 1"));
    expect(kv.send("GET", "inline")).toBe("1");
    kv.send("SELECT", 3);
    expect(kv.send("GET", "n")).toBe("1");
    expect(infoField(kv, "master_link_status")).toBe("up");
  });

  test("asks how far we are and does not listen: it is told no more", async () => {
    const { kv, network } = await followed();
    const deaf = kv.engine.clients;
    const [link] = [...deaf.values()].filter((client) => client.kind === "master");
    const { connection } = link as NonNullable<typeof link>;
    network.deafen("evil:6379");
    for (let round = 0; round < 20; round++) {
      network.say("evil:6379", request("REPLCONF", "GETACK", "*").repeat(500));
      await network.settle();
    }
    expect(connection.pendingBytes).toBeLessThan(70_000);
    expect(kv.send("PING")).toBe("PONG");
  });

  test("may stand in a database that is none, as far as its file says", async () => {
    const text = (name: string, value: string) =>
      `\u00fa${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
    for (const database of ["1.5", "-1", "99", "1e9", "x"]) {
      const data = `REDIS0009${text("repl-stream-db", database)}\u00ff${"\0".repeat(8)}`;
      const { kv, network } = await against(polite(counted(data)));
      network.say("evil:6379", request("SET", "a", "1"));
      await network.settle();
      expect(kv.send("GET", "a")).toBe("1");
    }
  });

  test("neither a password of our own nor rules for strangers are in a primary's way", async () => {
    const { kv, network, say } = await followed();
    kv.send("ACL", "SETUSER", "admin", "on", "nopass", "+@all", "~*", "&*");
    kv.send("AUTH", "admin", "any");
    kv.send("ACL", "SETUSER", "default", "resetpass", ">secret", "-@all", "resetkeys");
    for (const round of ["1", "2"]) {
      await say(request("SET", "large", round.repeat(100_000)));
      await say(request("MULTI") + request("SET", "inside", round) + request("EXEC"));
      await say(request("EVAL", `redis.call('SET', 'by-script', '${round}')`, "0"));
      expect(kv.send("STRLEN", "large")).toBe(100_000);
      expect(kv.send("MGET", "inside", "by-script")).toEqual([round, round]);
      // And once more by another connection.
      kv.send("CLIENT", "KILL", "TYPE", "master");
      await network.advance(2000);
    }
  });
});
