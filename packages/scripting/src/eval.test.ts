import { createHash } from "node:crypto";
import { ClientState, EngineState } from "@kv/engine";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const sha1Of = (text: string) => createHash("sha1").update(text).digest("hex");

describe("a script", () => {
  test("gets keys and arguments, and answers with what it returns", () => {
    const kv = harness();
    expect(kv.send("EVAL", "return {KEYS[1], KEYS[2], ARGV[1]}", 2, "a", "b", "c")).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(kv.send("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, "k", "v")).toBe("OK");
    expect(kv.send("GET", "k")).toBe("v");
  });

  test("takes and gives bytes as they are", () => {
    const kv = harness();
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
    const binary = Uint8Array.from(bytes, (letter) => letter.charCodeAt(0));
    expect(
      kv.send(
        "EVAL",
        "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])",
        1,
        "k",
        binary,
      ),
    ).toBe(bytes);
  });

  test("calls commands with numbers in all their digits, and thousands of them", () => {
    const kv = harness();
    const digits = `redis.call('RPUSH', KEYS[1], 7, -1, 2^60, 0.5, 1/3, 1e300, -0, 2^31, 1e17,
      12345678901234567890, 1e-7, 3.0e-5)`;
    kv.propagated.length = 0;
    expect(kv.send("EVAL", digits, 1, "k")).toBeNull();
    const written = ["7", "-1", "1152921504606846976", "0.5", "0.3333333333333333"];
    const large = ["1e+300", "0", "2147483648", "100000000000000000", "12345678901234567000"];
    const words = [...written, ...large, "1e-7", "0.00003"];
    expect(kv.send("LRANGE", "k", 0, -1)).toEqual(words);
    expect(kv.propagated).toEqual([["RPUSH", "k", ...words]]);
    const many = `local n = {} for i = 1, 4000 do n[i] = i + 0.25 end
      redis.call('DEL', KEYS[1])
      redis.call('RPUSH', KEYS[1], unpack(n))
      return {redis.call('LLEN', KEYS[1]), redis.call('LINDEX', KEYS[1], 3999)}`;
    for (let time = 0; time < 3; time++)
      expect(kv.send("EVAL", many, 1, "k")).toEqual([4000, "4000.25"]);
    expect(kv.propagated.at(-2)?.length).toBe(4002);
  });

  test("is found by its SHA-1 once it was run, and until the cache is flushed", () => {
    const kv = harness();
    const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    const missing = kv.error("NOSCRIPT No matching script. Please use EVAL.");
    expect(kv.send("EVALSHA", sha, 0)).toBe(missing);
    expect(kv.send("EVAL", "return 1", 0)).toBe(1);
    expect(kv.send("EVALSHA", sha, 0)).toBe(1);
    expect(kv.send("EVALSHA", sha.toUpperCase(), 0)).toBe(1);
    expect(kv.send("SCRIPT", "FLUSH")).toBe("OK");
    expect(kv.send("EVALSHA", sha, 0)).toBe(missing);
    // Only what is as long as a SHA-1 is worth a look at the number of keys.
    expect(kv.send("EVALSHA", sha.slice(1), "none")).toBe(missing);
    expect(kv.send("EVALSHA_RO", "1", "s")).toBe(missing);
    expect(kv.send("EVALSHA", sha, "none")).toBe(
      kv.error("ERR value is not an integer or out of range"),
    );
  });

  test("of EVAL makes room for newer ones, but not one that was loaded", () => {
    const kv = harness();
    const loaded = kv.send("SCRIPT", "LOAD", "return 'loaded'") as string;
    const first = "return 'first'";
    const sha = kv.send("EVAL", `return redis.sha1hex(ARGV[1])`, 0, first) as string;
    kv.send("EVAL", first, 0);
    for (let i = 0; i < 600; i++) kv.send("EVAL", `return ${i}`, 0);
    expect(kv.send("SCRIPT", "EXISTS", loaded, sha)).toEqual([1, 0]);
    expect(kv.send("EVALSHA", loaded, 0)).toBe("loaded");
    expect(kv.send("INFO", "memory")).toContain("number_of_cached_scripts:501\r\n");
    // That of the SHA-1 and the first one went as well.
    expect(kv.send("INFO", "stats")).toContain("evicted_scripts:102\r\n");
  });

  test("that was used again stays, however it was asked for", () => {
    const kv = harness();
    const shas: string[] = [];
    for (let i = 0; i < 500; i++) {
      kv.send("EVAL", `return ${i}`, 0);
      shas.push(sha1Of(`return ${i}`));
    }
    expect(kv.send("EVAL", "return 0", 0)).toBe(0);
    expect(kv.send("EVALSHA", shas[2], 0)).toBe(2);
    expect(kv.send("EVALSHA", shas[4]?.toUpperCase(), 0)).toBe(4);
    kv.send("SCRIPT", "LOAD", "return 6");
    const areThere = () => kv.send("SCRIPT", "EXISTS", ...shas.slice(0, 10));
    // 6 counts no more, so that there is room for one.
    kv.send("EVAL", "return 'a'", 0);
    expect(areThere()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    for (const text of ["b", "c", "d", "e"]) kv.send("EVAL", `return '${text}'`, 0);
    expect(areThere()).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 1]);
    for (let i = 0; i < 500; i++) kv.send("EVAL", `return -${i}`, 0);
    expect(areThere()).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    expect(kv.send("EVALSHA", shas[6], 0)).toBe(6);
    expect(kv.send("INFO", "memory")).toContain("number_of_cached_scripts:501\r\n");
  });

  test("changes the database for itself alone", () => {
    const kv = harness();
    kv.send("EVAL", "redis.call('SELECT', 3) redis.call('SET', 'k', 'there')", 0);
    expect(kv.send("GET", "k")).toBeNull();
    kv.send("SELECT", 3);
    expect(kv.send("GET", "k")).toBe("there");
  });

  test("leaves nothing behind that another one would see", () => {
    const kv = harness();
    const refused = expect.objectContaining({
      reply: expect.stringContaining("Attempt to modify a readonly table"),
    });
    for (const attempt of [
      "x = 1",
      "redis.call = 1",
      "string.rep = nil",
      "rawset(_G, 'x', 1)",
      "table.insert(redis, 1)",
      "KEYS = nil",
    ])
      expect(kv.send("EVAL", attempt, 0)).toEqual(refused);
    kv.send("EVAL", "KEYS[1] = 'mine' ARGV.x = 1", 1, "k");
    expect(kv.send("EVAL", "return {#KEYS, ARGV.x == nil and 1 or 0}", 0)).toEqual([0, 1]);
  });

  test("has the members of a set in the same order everywhere when it asks SORT for no order", () => {
    const kv = harness();
    kv.send("SADD", "s", "z", "aa", "b", "a");
    for (const command of ["SORT", "SORT_RO"])
      expect(
        kv.send("EVAL", `return redis.call('${command}', KEYS[1], 'BY', 'none')`, 1, "s"),
      ).toEqual(["a", "aa", "b", "z"]);
    expect(kv.send("SORT", "s", "BY", "none")).toEqual(["z", "aa", "b", "a"]);
  });

  test("has one time for all of it", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 100);
    const script =
      "local a = redis.call('PTTL', KEYS[1]) local i = 0 while i < 3e5 do i = i + 1 end return a - redis.call('PTTL', KEYS[1])";
    expect(kv.send("EVAL", script, 1, "k")).toBe(0);
  });
});

describe("what a script changes", () => {
  test("is propagated together when it is over, and the script is not", () => {
    const kv = harness();
    kv.propagated.length = 0;
    kv.send("EVAL", "redis.call('SET', 'a', 1) redis.call('INCR', 'n') redis.call('GET', 'a')", 0);
    expect(kv.propagated).toEqual([["MULTI"], ["SET", "a", "1"], ["INCR", "n"], ["EXEC"]]);
    kv.propagated.length = 0;
    kv.send("EVAL", "redis.call('SET', 'a', 1)", 0);
    kv.send("EVAL", "return redis.call('GET', 'a')", 0);
    expect(kv.propagated).toEqual([["SET", "a", "1"]]);
  });

  test("goes where the script says", () => {
    const kv = harness();
    kv.propagated.length = 0;
    kv.send("EVAL", "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'a', 1)", 0);
    expect(kv.propagated).toEqual([]);
    kv.send("SET", "b", "1");
    expect(kv.propagated).toEqual([["SET", "b", "1"]]);
  });

  test("has no say in what is told of a key that had expired", () => {
    const kv = harness();
    kv.send("SET", "a", "1", "PX", 10);
    kv.host.advance(11);
    kv.propagated.length = 0;
    kv.send("EVAL", "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'a', 2)", 0);
    expect(kv.propagated).toEqual([["DEL", "a"]]);
  });

  test("stays when the script fails behind it", () => {
    const kv = harness();
    expect(kv.send("EVAL", "redis.call('SET', 'a', 1) error('enough')", 0)).toEqual(
      expect.objectContaining({ reply: expect.stringContaining("enough") }),
    );
    expect(kv.send("GET", "a")).toBe("1");
  });

  test("wakes who waits for it when the script is over", () => {
    const kv = harness();
    const waiting = kv.client();
    waiting.send("BLPOP", "l", 0);
    kv.send("EVAL", "redis.call('RPUSH', 'l', 'a') redis.call('RPUSH', 'l', 'b')", 0);
    while (kv.engine.turn());
    expect(waiting.pushed()).toEqual([["l", "a"]]);
  });

  test("counts for watchers, and in a transaction", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("WATCH", "k");
    other.send("EVAL", "redis.call('SET', 'k', 1)", 0);
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toBeNull();
    kv.send("MULTI");
    kv.send("EVAL", "return redis.call('INCR', 'k')", 0);
    expect(kv.send("EXEC")).toEqual([2]);
  });
});

describe("what a script may not", () => {
  const failing = (text: string) =>
    expect.objectContaining({ reply: expect.stringContaining(text) });

  test("is what its user may not", () => {
    const kv = harness();
    kv.send("ACL", "SETUSER", "u", "on", "nopass", "~mine:*", "+eval", "+get", "+set");
    const user = kv.client();
    user.send("AUTH", "u", "x");
    expect(user.send("EVAL", "return redis.call('SET', 'mine:1', 'v')", 0)).toBe("OK");
    expect(user.send("EVAL", "return redis.call('GET', 'other')", 0)).toEqual(
      failing("ERR ACL failure in script: No permissions to access a key"),
    );
    expect(user.send("EVAL", "return redis.call('DEL', 'mine:1')", 0)).toEqual(
      failing("ERR ACL failure in script: User u has no permissions to run the 'del' command"),
    );
    expect(
      user.send(
        "EVAL",
        "return {redis.acl_check_cmd('GET', 'mine:2'), redis.acl_check_cmd('GET', 'x')}",
        0,
      ),
    ).toEqual([1, null]);
    expect(user.send("EVAL", "return 1", 1, "other")).toEqual(failing("NOPERM"));
  });

  test("is to write where memory is used up, unless it has begun to", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.send("EVAL", "return redis.call('SET', 'a', 1)", 0)).toEqual(failing("OOM"));
    expect(kv.send("EVAL", "return redis.call('GET', 'k')", 0)).toBe("v");
    expect(kv.send("EVAL", "redis.call('DEL', 'none') return redis.call('SET', 'a', 1)", 0)).toBe(
      "OK",
    );
    expect(kv.send("EVAL", "#!lua\nreturn 1", 0)).toEqual(failing("OOM command not allowed"));
    expect(kv.send("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', 'b', 1)", 0)).toBe(
      "OK",
    );
  });

  test("is to write on a read-only server", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.READ_ONLY, true);
    expect(kv.send("EVAL", "return redis.call('SET', 'a', 1)", 0)).toEqual(failing("READONLY"));
    expect(kv.send("EVAL", "#!lua\nreturn 1", 0)).toEqual(failing("READONLY You can't write"));
    expect(kv.send("EVAL", "#!lua flags=no-writes\nreturn 1", 0)).toBe(1);
  });

  test("is to make its client wait", () => {
    const kv = harness();
    expect(kv.send("EVAL", "return redis.call('BLPOP', 'l', 0)", 0)).toBeNull();
    expect(kv.self.client?.is(ClientState.WAITING)).toBe(false);
  });
});

describe("the text of an error", () => {
  test("becomes one line, however many it had", () => {
    const kv = harness({ resp: 3 });
    const many = "'x' .. string.rep('\\r\\n', 2e5) .. 'y\\n'";
    const line = `x${" ".repeat(4e5)}y`;
    kv.self.isRaw = true;
    for (const script of [`return {err = ${many}}`, `error({err = ${many}})`]) {
      kv.self.takeRaw();
      kv.self.sendBytes(`*3\r\n$4\r\nEVAL\r\n$${script.length}\r\n${script}\r\n$1\r\n0\r\n`);
      expect(kv.self.takeRaw().startsWith(`-${line}`)).toBe(true);
    }
  });

  test("counts under its first word, if that is no longer than codes are", () => {
    const kv = harness();
    for (const length of [30, 31, 1000])
      kv.send("EVAL", `return {err = ('x'):rep(${length}) .. ' y'}`, 0);
    kv.send("EVAL", "return {err = 'one'}", 0);
    expect(kv.send("INFO", "errorstats")).toBe(
      `# Errorstats\r\nerrorstat_ERR:count=3\r\nerrorstat_${"x".repeat(30)}:count=1\r\n`,
    );
  });
});

describe("a machine that a script has used up", () => {
  test("is made anew, and the next script knows nothing of it", () => {
    const kv = harness();
    const sha = kv.send("SCRIPT", "LOAD", "return 'still here'") as string;
    const hungry =
      "local t, i, x = {}, 0, string.rep('x', 1e6) while true do i = i + 1 t[i] = x .. i end";
    expect(kv.send("EVAL", hungry, 0)).toEqual(
      expect.objectContaining({ reply: expect.stringContaining("memory") }),
    );
    expect(kv.send("EVALSHA", sha, 0)).toBe("still here");
    expect(kv.send("EVAL", "local function f() return 1 + f() end return f()", 0)).toEqual(
      expect.objectContaining({ reply: expect.stringContaining("overflow") }),
    );
    expect(kv.send("EVALSHA", sha, 0)).toBe("still here");
  });
});

describe("the time of a script", () => {
  test("is all that it took, that of its commands is theirs alone, and EXEC has all of both", () => {
    const kv = harness();
    let nowUs = 0;
    kv.host.monotonicUs = () => (nowUs += 10);
    const took = () => {
      const stats = kv.send("INFO", "commandstats") as string;
      const rows = stats.matchAll(/cmdstat_(\w+):calls=(\d+),usec=(\d+)/g);
      return Object.fromEntries(Array.from(rows, ([, name, calls, us]) => [name, [calls, us]]));
    };
    kv.send("CONFIG", "RESETSTAT");
    const script = "redis.call('SET', 'k', 1) redis.call('GET', 'k') return redis.call('GET', 'k')";
    kv.send("EVAL", script, 0);
    // A look at the clock before each command and one behind it.
    expect(took()).toMatchObject({ set: ["1", "10"], get: ["2", "20"], eval: ["1", "70"] });
    kv.send("CONFIG", "RESETSTAT");
    kv.send("MULTI");
    kv.send("EVAL", script, 0);
    kv.send("EXEC");
    const { eval: ofScript, exec, set } = took();
    expect([set?.[1], ofScript?.[1], exec?.[1]]).toEqual(["10", "70", "80"]);
    kv.send("CONFIG", "RESETSTAT");
    // Lua's own looks at the clock, before and between, are the script's.
    kv.send("EVAL", `os.clock() ${script.replaceAll(") ", ") os.clock() ")}`, 0);
    expect(took()).toMatchObject({ set: ["1", "10"], get: ["2", "20"], eval: ["1", "100"] });
  });
});

test("MONITOR has the line of a script ahead of those of its commands, even if none is run", () => {
  const kv = harness();
  const monitor = kv.client();
  const library =
    "#!lua name=l\nredis.register_function('f', function(k) redis.call('GET', k[1]) end)";
  kv.send("FUNCTION", "LOAD", library);
  monitor.send("MONITOR");
  monitor.takeRaw();
  kv.send("EVAL", "redis.call('SELECT', 3) return redis.call('SET', 'k', 1)", 0);
  kv.send("EVALSHA_RO", "none", 0);
  kv.send("MULTI");
  kv.send("FCALL", "f", 1, "k");
  kv.send("FCALL_RO", "none", 0);
  kv.send("EXEC");
  const lines = monitor.takeRaw().split("\r\n").slice(0, -1);
  const self = kv.self.address;
  expect(lines.map((line) => line.slice(line.indexOf(" ") + 1))).toEqual([
    `[0 ${self}] "EVAL" "redis.call('SELECT', 3) return redis.call('SET', 'k', 1)" "0"`,
    '[3 lua] "SELECT" "3"',
    '[3 lua] "SET" "k" "1"',
    `[0 ${self}] "EVALSHA_RO" "none" "0"`,
    `[0 ${self}] "MULTI"`,
    `[0 ${self}] "FCALL" "f" "1" "k"`,
    '[0 lua] "GET" "k"',
    `[0 ${self}] "FCALL_RO" "none" "0"`,
    `[0 ${self}] "EXEC"`,
  ]);
});
