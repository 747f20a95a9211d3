/** What of the server is asked about a script as about a command: pauses, tracking, output limits. */
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const reads = "#!lua flags=no-writes\nreturn redis.call('GET', 'k')";
const writes = "#!lua\nreturn 1";
const library = `#!lua name=lib
redis.register_function{function_name='reads', callback=function() return 1 end, flags={'no-writes'}}
redis.register_function('writes', function() return 1 end)`;

describe("CLIENT PAUSE WRITE", () => {
  test.each([
    { what: "EVAL of a script that only reads", words: ["EVAL", reads, 0], isHeld: false },
    { what: "EVAL of one that may write", words: ["EVAL", writes, 0], isHeld: true },
    { what: "EVAL of one that does not say", words: ["EVAL", "return 1", 0], isHeld: true },
    { what: "EVAL of none", words: ["EVAL", "#!lua flags=x\nreturn 1", 0], isHeld: true },
    { what: "FCALL of a function that only reads", words: ["FCALL", "reads", 0], isHeld: false },
    { what: "FCALL of one that may write", words: ["FCALL", "writes", 0], isHeld: true },
    { what: "EVAL_RO", words: ["EVAL_RO", "return 1", 0], isHeld: false },
  ])("$what: held is $isHeld, alone and in a transaction", ({ words, isHeld }) => {
    const kv = harness();
    const [alone, queueing] = [kv.client(), kv.client()];
    kv.send("FUNCTION", "LOAD", library);
    queueing.send("MULTI");
    expect(queueing.send(...words)).toBe("QUEUED");
    kv.send("CLIENT", "PAUSE", 100_000, "WRITE");
    const replies = [alone.send(...words), queueing.send("EXEC")];
    expect(replies.map((reply) => reply === undefined)).toEqual([isHeld, isHeld]);
  });

  test("EVALSHA is as the script that it names", () => {
    const kv = harness();
    const shas = [reads, writes].map((script) => kv.send("SCRIPT", "LOAD", script) as string);
    kv.send("CLIENT", "PAUSE", 100_000, "WRITE");
    const replies = shas.map((sha) => kv.client().send("EVALSHA", sha, 0));
    expect(replies).toEqual([null, undefined]);
    expect(kv.send("EVALSHA_RO", shas[0] as string, 0)).toBe(null);
  });
});

describe("what a script says of itself is asked before it is queued, or begins", () => {
  const noReplicas = "NOREPLICAS Not enough good replicas to write.";

  test.each([
    { what: "EVAL of a script that only reads", words: ["EVAL", reads, 0], isRefused: false },
    { what: "EVAL of one that may write", words: ["EVAL", writes, 0], isRefused: true },
    { what: "EVAL of one that does not say", words: ["EVAL", "return 1", 0], isRefused: false },
    { what: "FCALL of a function that only reads", words: ["FCALL", "reads", 0], isRefused: false },
    { what: "FCALL of one that may write", words: ["FCALL", "writes", 0], isRefused: true },
  ])("$what without replicas: refused is $isRefused", ({ words, isRefused }) => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", library);
    kv.send("CONFIG", "SET", "min-replicas-to-write", 1);
    kv.send("MULTI");
    expect(kv.send(...words)).toEqual(isRefused ? kv.error(noReplicas) : "QUEUED");
    kv.send("DISCARD");
    kv.send("CONFIG", "RESETSTAT");
    kv.send(...words);
    expect(kv.send("INFO", "commandstats")).toMatch(
      isRefused
        ? /:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,/
        : /:calls=1,.*,rejected_calls=0,/,
    );
  });

  test("before its source is compiled and its keys are counted", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "maxmemory", 1);
    const refused = kv.error("OOM command not allowed when used memory > 'maxmemory'.");
    expect(kv.send("EVAL", "#!lua\nno Lua", 0)).toBe(refused);
    expect(kv.send("EVAL", writes, "x")).toBe(refused);
    expect(kv.send("EVAL_RO", writes, 0)).toBe(refused);
    expect(kv.send("EVAL", "#!lua flags=allow-oom\nreturn 1", 0)).toBe(1);
  });
});

describe("a script that the state of the server forbids", () => {
  const refused = "NOREPLICAS Not enough good replicas to write.";
  const counters = (kv: ReturnType<typeof harness>, name: string) =>
    new RegExp(`cmdstat_${name}:calls=(\\d+),.*rejected_calls=(\\d+),failed_calls=(\\d+)`)
      .exec(kv.send("INFO", "commandstats") as string)
      ?.slice(1)
      .map(Number);

  test.each([
    { words: ["EVAL", writes, 0] },
    { words: ["EVAL_RO", writes, 0] },
    { words: ["FCALL", "writes", 0] },
  ])("is refused as a command is, before it is counted or queued: $words", ({ words }) => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", library);
    kv.send("CONFIG", "SET", "min-replicas-to-write", 1);
    expect(kv.send(...words)).toMatchObject({ message: refused });
    expect(counters(kv, String(words[0]).toLowerCase())).toEqual([0, 1, 0]);
    kv.send("MULTI");
    expect(kv.send(...words)).toMatchObject({ message: refused });
    expect(kv.send("EXEC")).toMatchObject({
      message: "EXECABORT Transaction discarded because of previous errors.",
    });
  });

  test("is queued and run when it says that it only reads", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "min-replicas-to-write", 1);
    kv.send("MULTI");
    expect(kv.send("EVAL", reads, 0)).toBe("QUEUED");
    expect(kv.send("EXEC")).toEqual([null]);
  });
});

test("tracking remembers the keys that a script has read, not those that it was given", () => {
  const kv = harness({ resp: 3 });
  const other = kv.client();
  kv.send("CLIENT", "TRACKING", "ON");
  for (const name of ["EVAL", "EVAL_RO"]) {
    kv.send(name, "redis.call('GET', KEYS[2])", 2, "given", "read");
    other.send("MSET", "given", 1, "read", 2);
    expect(kv.self.pushed()).toEqual([["invalidate", ["read"]]]);
  }
});

test("a client with NOLOOP hears what its scripts do of its prefixes, but not of what it has read", () => {
  const kv = harness({ resp: 3 });
  const writes = (key: string) => ["EVAL", "return redis.call('SET', KEYS[1], 'v')", 1, key];
  kv.send("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP");
  kv.send("SET", "k", "v");
  kv.send(...writes("of script"));
  expect(kv.self.pushed()).toEqual([["invalidate", ["of script"]]]);

  kv.send("MULTI");
  kv.send("SET", "k", "v");
  kv.send(...writes("both"));
  kv.send(...writes("queued"));
  kv.send("SET", "both", "v");
  kv.send("EXEC");
  expect(kv.self.pushed()).toEqual([["invalidate", ["queued"]]]);

  kv.send("CLIENT", "TRACKING", "OFF");
  kv.send("CLIENT", "TRACKING", "ON", "NOLOOP");
  kv.send("GET", "k");
  kv.send(...writes("k"));
  expect(kv.self.pushed()).toEqual([]);
});

describe("the output limit of a client", () => {
  function limited() {
    const kv = harness();
    kv.send("SET", "k", "x".repeat(150_000));
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 100kb 0 0");
    return { kv, client: kv.client() };
  }

  test("is about its reply, not about what its script is answered", () => {
    const { kv, client } = limited();
    expect(client.send("EVAL", "return #redis.call('GET', 'k')", 0)).toBe(150_000);
    expect(client.send("EVAL", "return redis.call('MGET', 'k', 'k')[2]", 0)).toBeUndefined();
    expect(client.closed).toBe(true);
    expect(kv.send("PING")).toBe("PONG");
  });

  test("is passed, and the scripts behind that in the transaction run as ever", () => {
    const { kv, client } = limited();
    client.send("MULTI");
    client.send("GET", "k");
    client.send("EVAL", "redis.call('SET', 'n', #redis.call('GET', 'k'))", 0);
    client.send("INCR", "n");
    expect(client.send("EXEC")).toBeUndefined();
    expect(client.closed).toBe(true);
    expect(kv.send("GET", "n")).toBe("150001");
  });
});

test("CLIENT LIST names the command that a script ran in last, and EXEC where it ran in a transaction", () => {
  const kv = harness();
  const client = kv.client();
  const id = client.send("CLIENT", "ID") as number;
  const last = () => / cmd=(\S+)/.exec(kv.send("CLIENT", "LIST", "ID", id) as string)?.[1];
  client.send("EVAL", "return redis.call('GET', 'k')", 0);
  expect(last()).toBe("eval");
  client.send("MULTI");
  client.send("EVAL", "return redis.call('GET', 'k')", 0);
  client.send("EXEC");
  expect(last()).toBe("exec");
});
