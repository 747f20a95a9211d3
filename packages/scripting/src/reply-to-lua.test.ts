import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** What a script makes of DEBUG PROTOCOL, and what clients of both protocols are sent. */
function seen(kind: string, speaks: 2 | 3): [resp2: unknown, resp3: unknown] {
  const script = `redis.setresp(${speaks}) return redis.call('DEBUG', 'PROTOCOL', '${kind}')`;
  const reply = (resp: 2 | 3) => {
    const kv = harness({ resp });
    kv.send("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1);
    const client = kv.client();
    client.takeRaw();
    client.sendBytes(`EVAL "${script}" 0\r\n`);
    return client.takeRaw();
  };
  return [reply(2), reply(3)];
}

describe("what a command answered, as a script hands it on", () => {
  test.each([
    { kind: "double", in2: ["$5\r\n3.141\r\n", "$5\r\n3.141\r\n"] },
    { kind: "double", in3: ["$5\r\n3.141\r\n", ",3.141\r\n"] },
    { kind: "null", in2: ["$-1\r\n", "_\r\n"], in3: ["$-1\r\n", "_\r\n"] },
    { kind: "true", in2: [":1\r\n", ":1\r\n"], in3: [":1\r\n", "#t\r\n"] },
    { kind: "false", in2: [":0\r\n", ":0\r\n"], in3: [":0\r\n", "#f\r\n"] },
    { kind: "set", in2: ["*3\r\n", "*3\r\n"], in3: ["*3\r\n", "~3\r\n"] },
    { kind: "map", in2: ["*6\r\n", "*6\r\n"], in3: ["*6\r\n", "%3\r\n"] },
    { kind: "verbatim", in3: ["$25\r\nThis", "=29\r\ntxt:This"] },
    { kind: "bignum", in3: ["$37\r\n12345", "(12345"] },
    // What stands in front of the reply is not for scripts.
    { kind: "attrib", in2: ["$39\r\nSome", "$39\r\nSome"], in3: ["$39\r\nSome", "$39\r\nSome"] },
    { kind: "push", in3: ["$40\r\nSome", "$40\r\nSome"] },
  ])("$kind", ({ kind, in2, in3 }) => {
    for (const [speaks, begins] of [
      [2, in2],
      [3, in3],
    ] as const) {
      if (begins === undefined) continue;
      const [resp2, resp3] = seen(kind, speaks);
      expect(resp2).toMatch(new RegExp(`^${begins[0]?.replace("$", "\\$").replace("*", "\\*")}`));
      expect(resp3).toMatch(new RegExp(`^${begins[1]?.replace(/[$*(]/, "\\$&")}`));
    }
  });
});

test("a script comes upon the keys of a map and of a set as if it had put them there itself", () => {
  const kv = harness();
  const fields = ["name", "consumers", "pending", "last-delivered-id", "lag"];
  const order = "local s = '' for k in pairs(t) do s = s..k..' ' end return s";
  const filled = kv.send(
    "EVAL",
    `local t = {} for _, k in ipairs(ARGV) do t[k] = 1 end ${order}`,
    0,
    ...fields,
  );
  kv.send("HSET", "h", ...fields.flatMap((field) => [field, 1]));
  kv.send("SADD", "s", ...fields);
  const seen = (words: string, part: string) =>
    kv.send("EVAL", `redis.setresp(3) local t = redis.call(${words}).${part} ${order}`, 0);
  expect(seen("'HGETALL', 'h'", "map")).toBe(filled);
  expect(seen("'SMEMBERS', 's'", "set")).toBe(filled);
});

describe("DEBUG SET-DISABLE-DENY-SCRIPTS", () => {
  const refused = /not allowed from script/;
  const call = (...words: string[]) =>
    `return redis.pcall(${words.map((word) => `'${word}'`).join(",")})`;

  test("lets a script run what is not for scripts, until it is taken back", () => {
    const kv = harness();
    const list = call("CLIENT", "LIST");
    expect(String(kv.send("EVAL", list, 0))).toMatch(refused);
    kv.send("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1);
    expect(kv.send("EVAL", list, 0)).toMatch(/^id=1 /);
    kv.send("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 0);
    expect(String(kv.send("EVAL", list, 0))).toMatch(refused);
  });

  test.each([
    ["EVAL", "return 1", "0"],
    ["SCRIPT", "FLUSH"],
    ["FUNCTION", "FLUSH"],
    ["MULTI"],
    ["EXEC"],
    ["SHUTDOWN"],
    ["RESET"],
    ["QUIT"],
  ])("does not let it run %s, which would take away what runs", (...words) => {
    const kv = harness();
    kv.send("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1);
    expect(String(kv.send("EVAL", call(...words), 0))).toMatch(refused);
    expect(kv.send("PING")).toBe("PONG");
  });
});

test("commands that wait for what is to come wait for nothing in scripts and in EXEC", () => {
  const kv = harness();
  kv.send("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  const read = "'xread', 'BLOCK', 0, 'STREAMS', KEYS[1], '$'";
  const group = "'XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', KEYS[1], '>'";
  expect(kv.send("EVAL", `return redis.pcall(${read})`, 1, "s")).toBe(null);
  expect(kv.send("EVAL", `return redis.pcall(${group})`, 1, "s")).toBe(null);
  kv.send("MULTI");
  kv.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$");
  expect(kv.send("EXEC")).toEqual([null]);
  expect(kv.send("EVAL", "return redis.call('BZPOPMIN', KEYS[1], 0)", 1, "z")).toBe(null);
  kv.send("XADD", "s", "1-1", "f", "v");
  const entries = [["s", [["1-1", ["f", "v"]]]]];
  expect(kv.send("EVAL", `return redis.pcall(${group})`, 1, "s")).toEqual(entries);
  expect(kv.send("EVAL", `return redis.pcall(${group})`, 1, "s")).toBe(null);
});

describe("an error of a command counts once, wherever a script takes it", () => {
  const set = "'SET', KEYS[1], 'v'";
  const select = "'SELECT', 99";
  test.each([
    { why: "raised", script: `return redis.call(${select})`, code: "ERR", of: "select", run: 1 },
    { why: "caught", script: `redis.pcall(${select}) return 1`, code: "ERR", of: "select", run: 0 },
    {
      why: "handed on",
      script: `return redis.pcall(${select})`,
      code: "ERR",
      of: "select",
      run: 1,
    },
    {
      why: "raised again",
      script: `error(redis.pcall(${select}))`,
      code: "ERR",
      of: "select",
      run: 1,
    },
    { why: "inside", script: `return {redis.pcall(${select})}`, code: "ERR", of: "select", run: 1 },
    { why: "refused", script: `return redis.call(${set})`, code: "OOM", of: "set", run: 1 },
    { why: "refused, caught", script: `redis.pcall(${set})`, code: "OOM", of: "set", run: 0 },
    { why: "arity", script: "return redis.call('GET')", code: "ERR", of: "get", run: 1 },
    { why: "unknown", script: "return redis.call('NIX')", code: "ERR", of: "", run: 1 },
    { why: "its own", script: "return redis.error_reply('MINE x')", code: "MINE", of: "", run: 1 },
    { why: "Lua's", script: "return nil .. 'x'", code: "ERR", of: "", run: 1 },
  ])("$why", ({ why, script, code, of, run }) => {
    const kv = harness();
    if (code === "OOM") kv.send("CONFIG", "SET", "maxmemory", 1);
    kv.send("CONFIG", "RESETSTAT");
    kv.send("EVAL", script, 1, "k");
    const info = kv.send("INFO", "stats", "commandstats", "errorstats") as string;
    expect(info).toContain(`total_error_replies:1\r\n`);
    expect(info).toContain(`errorstat_${code}:count=1\r\n`);
    expect(info).toMatch(
      new RegExp(`cmdstat_eval:calls=1,.*rejected_calls=0,failed_calls=${run}\r`),
    );
    if (of === "") return;
    const isRun = of === "select";
    expect(info, why).toMatch(
      new RegExp(
        `cmdstat_${of}:calls=${isRun ? 1 : 0},.*rejected_calls=${isRun ? 0 : 1},failed_calls=${isRun ? 1 : 0}\r`,
      ),
    );
  });
});

describe("a table of a reply has the length that it has in redis-server, whatever is missing in it", () => {
  test.each([
    ["RESP2", "local t = redis.call('LRANGE', 'l', 0, -1) t[2] = nil t[4] = nil return #t", 1],
    ["RESP2", "local t = redis.call('MGET', 'a', 'none', 'a') return #t", 3],
    ["RESP3", "local t = redis.call('MGET', 'a', 'none', 'a') return #t", 1],
    ["RESP3", "local t = redis.call('MGET', 'a', 'a', 'none', 'none', 'a') return #t", 2],
    ["RESP3", "local t = redis.call('LRANGE', 'l', 0, -1) return #t", 5],
  ])("%s: %s", (protocol, script, length) => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("RPUSH", "l", 1, 2, 3, 4, 5);
    expect(kv.send("EVAL", `redis.setresp(${protocol.slice(4)}) ${script}`, 0)).toBe(length);
  });

  test("nor do the tables that a function is given differ", () => {
    const kv = harness();
    const code =
      "#!lua name=lib\nredis.register_function('f', function(keys) keys[2] = nil return #keys end)";
    kv.send("FUNCTION", "LOAD", code);
    expect(kv.send("FCALL", "f", 3, "a", "b", "c")).toBe(1);
  });
});

test("pairs() shows the format of a verbatim string ahead of the string, as redis-server's does", () => {
  const kv = harness();
  kv.send("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1);
  const script = `redis.setresp(3)
    local names = {}
    for name in pairs(redis.call('DEBUG', 'PROTOCOL', 'verbatim').verbatim_string) do
      names[#names + 1] = name
    end
    return names`;
  expect(kv.send("EVAL", script, 0)).toEqual(["format", "string"]);
});

test.each([1, 9, 10, 256, 257, 1000])("an array of %i strings is a table of them", (count) => {
  const kv = harness();
  const words = Array.from({ length: count }, (_, index) => "x".repeat(index % 300));
  kv.send("RPUSH", "l", ...words);
  expect(kv.send("EVAL", "return redis.call('LRANGE', KEYS[1], 0, -1)", 1, "l")).toEqual(words);
  kv.send("RPUSH", "l", "a longer one".repeat(5000));
  expect(
    kv.send("EVAL", "return #redis.call('LRANGE', KEYS[1], 0, -1)[ARGV[1] + 1]", 1, "l", count),
  ).toBe(60_000);
  expect(kv.send("EVAL", "return redis.call('HMGET', 'h', 'a', 'b')", 0)).toEqual([null, null]);
  kv.send("HSET", "h", "b", 1);
  expect(
    kv.send("EVAL", "local t = redis.call('HMGET', 'h', 'b', 'a', 'b') return {#t, t[2], t[3]}", 0),
  ).toEqual([3, null, "1"]);
});

test("what Lua has no memory for is not sent to the script's client instead", () => {
  const kv = harness();
  const client = kv.client();
  kv.send("SETRANGE", "large", 16 * 2 ** 20, "x");
  const script = `
    local kept, isThere, value = {}, true
    while isThere do
      isThere, value = pcall(redis.call, 'GETRANGE', 'large', #kept, -1)
      kept[#kept + 1] = value
    end
    local count = #kept
    kept = nil
    return {count > 10 and 'many' or count, value}`;
  client.takeRaw();
  client.sendBytes(`EVAL "${script.replaceAll("\n", " ")}" 0\r\nPING\r\n`);
  expect(client.takeRaw()).toBe("*2\r\n$4\r\nmany\r\n$17\r\nnot enough memory\r\n+PONG\r\n");
});
