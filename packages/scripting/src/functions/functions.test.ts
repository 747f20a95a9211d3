import { ClientState, EngineState } from "@kv/engine";
import { type Harness, type HarnessOptions, harness, slowClock, turns } from "@kv/testing";
import { describe, expect, test } from "vitest";

const library = (code: string, name = "l") => `#!lua name=${name}\n${code}`;
const register = (name: string, body: string, flags = "") =>
  `redis.register_function{function_name='${name}', callback=function(keys, args) ${body} end, flags={${flags}}}`;
const failing = (text: string | RegExp) =>
  expect.objectContaining({
    reply: text instanceof RegExp ? expect.stringMatching(text) : expect.stringContaining(text),
  });
const load = (kv: Harness, ...functions: string[]) =>
  expect(kv.send("FUNCTION", "LOAD", "REPLACE", library(functions.join("\n")))).toBe("l");
const memory = (kv: Harness, name: string) =>
  Number(new RegExp(`^${name}:(\\d+)\r$`, "m").exec(kv.send("INFO", "memory") as string)?.[1]);

describe("a function", () => {
  test("gets keys and arguments as what it is called with, and its reply is that of a script", () => {
    const kv = harness();
    load(kv, register("f", "return {keys[1], args[1], #keys, #args}"));
    expect(kv.send("FCALL", "f", 1, "k", "a", "b")).toEqual(["k", "a", 1, 2]);
  });

  test("keeps what its library keeps, through SCRIPT FLUSH and FLUSHALL, until it is loaded anew", () => {
    const kv = harness();
    const counting = `local n = 0 ${register("count", "n = n + 1 return n")}`;
    load(kv, counting);
    expect(kv.send("FCALL", "count", 0)).toBe(1);
    kv.send("EVAL", "return 1", 0);
    kv.send("SCRIPT", "FLUSH");
    kv.send("FLUSHALL");
    expect(kv.send("FCALL", "count", 0)).toBe(2);
    load(kv, counting);
    expect(kv.send("FCALL", "count", 0)).toBe(1);
  });

  test.each([
    "",
    "keys.own = 1",
    "keys[#keys + 1] = 'own' args[1] = 'own'",
    "keys[1] = nil",
    "setmetatable(keys, {__index = function() return 'own' end})",
    "for i = 1, 50 do args[i] = i end",
    "keys.own = args args.own = keys error('in its middle')",
  ])("sees the words of its own call alone, whatever one before has done: %s", (attempt) => {
    const kv = harness();
    const shown = `local t = {} for _, of in ipairs({keys, args}) do
      for k, v in pairs(of) do t[#t + 1] = k .. '=' .. v end t[#t + 1] = tostring(of.own) end`;
    load(
      kv,
      register("f", `${shown} pcall(function() ${attempt} end) return table.concat(t, ' ')`),
    );
    for (const words of [["a"], ["b"], ["a", "x"], ["b", "y"]] as const)
      expect(kv.send("FCALL", "f", 1, ...words)).toBe(
        `1=${words[0]} nil ${words[1] === undefined ? "" : `1=${words[1]} `}nil`,
      );
  });

  test("may keep what it was given in a variable of its library, and has it then", () => {
    const kv = harness();
    const body =
      "local before = kept kept = {keys, args} return before and {before[1][1], before[2][1]}";
    load(kv, `local kept ${register("f", body)}`, register("g", "return 1"));
    expect(kv.send("FCALL", "f", 1, "a", "x")).toBe(null);
    kv.send("FCALL", "g", 1, "other", "words");
    expect(kv.send("FCALL", "f", 1, "b", "y")).toEqual(["a", "x"]);
    expect(kv.send("FCALL", "f", 1, "c", "z")).toEqual(["b", "y"]);
  });

  test("is found by its name in any case, as it is now", () => {
    const kv = harness();
    const library = (n: number) =>
      `#!lua name=lib\nredis.register_function('same', function() return ${n} end)`;
    kv.send("FUNCTION", "LOAD", library(1));
    for (const name of ["same", "same", "SAME", "SAME", "Same"])
      expect(kv.send("FCALL", name, 0)).toBe(1);
    expect(kv.send("FCALL", "sama", 0)).toEqual(failing("Function not found"));
    kv.send("FUNCTION", "LOAD", "REPLACE", library(2));
    expect(kv.send("FCALL", "Same", 0)).toBe(2);
    kv.send("FUNCTION", "DELETE", "lib");
    expect(kv.send("FCALL", "Same", 0)).toEqual(failing("Function not found"));
    kv.send("FUNCTION", "LOAD", library(3));
    kv.send("FUNCTION", "FLUSH");
    expect(kv.send("FCALL", "Same", 0)).toEqual(failing("Function not found"));
  });

  test("is asked for and loaded with words that are quoted to their first zero byte when refused", () => {
    const kv = harness();
    expect(kv.send("FUNCTION", "LIST", "a\0b")).toBe(kv.error("ERR Unknown argument a"));
    expect(kv.send("FUNCTION", "LOAD", "a\0b", "code")).toBe(
      kv.error("ERR Unknown option given: a"),
    );
  });

  test("leaves nothing behind in what all functions share", () => {
    const kv = harness();
    const refused = failing("Attempt to modify a readonly table");
    for (const attempt of ["x = 1", "redis.call = 1", "string.rep = nil", "rawset(_G, 'x', 1)"]) {
      load(kv, register("f", attempt));
      expect(kv.send("FCALL", "f", 0)).toEqual(refused);
    }
    load(kv, register("f", "return tostring(loadstring('return redis.call(\"PING\").ok')())"));
    expect(kv.send("FCALL", "f", 0)).toBe("PONG");
  });

  test("sees nothing of scripts, and scripts nothing of it", () => {
    const kv = harness();
    load(kv, register("f", "return redis.register_function == nil and 'gone'"));
    expect(kv.send("FCALL", "f", 0)).toBe("gone");
    expect(kv.send("EVAL", "return redis.register_function == nil and 'never there'", 0)).toBe(
      "never there",
    );
  });

  test("has its effects propagated, within one transaction", () => {
    const kv = harness();
    load(kv, register("two", "redis.call('SET', keys[1], 1) return redis.call('INCR', keys[1])"));
    kv.propagated.length = 0;
    expect(kv.send("FCALL", "two", 1, "k")).toBe(2);
    expect(kv.propagated).toEqual([["MULTI"], ["SET", "k", "1"], ["INCR", "k"], ["EXEC"]]);
  });

  test("that used its machine up is there afterwards, with variables that begin anew", () => {
    const kv = harness();
    load(
      kv,
      `local n = 0 ${register("count", "n = n + 1 return n")}`,
      register(
        "deep",
        "local function f(x) return {f({x})} end local t = {} setmetatable(t, {__index = function(s, k) return s[k + 1] end}) return t[1]",
      ),
      register("big", "local s = 'x' while true do s = s .. s end"),
    );
    expect(kv.send("FCALL", "count", 0)).toBe(1);
    for (const name of ["deep", "big"]) expect(kv.send("FCALL", name, 0)).toEqual(failing(/^ERR /));
    expect([1, 2]).toContain(kv.send("FCALL", "count", 0));
    expect(kv.send("PING")).toBe("PONG");
  });
});

describe("what changes libraries", () => {
  const f = library(register("f", "return 1"));

  test("is propagated as it came; what is refused is not", () => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", f);
    const dump = kv.send("FUNCTION", "DUMP") as string;
    expect(kv.send("FUNCTION", "LOAD", f)).toEqual(failing("already exists"));
    kv.send("FUNCTION", "DELETE", "l");
    expect(kv.send("FUNCTION", "DELETE", "l")).toEqual(failing("not found"));
    kv.send("FUNCTION", "RESTORE", dump);
    kv.send("FUNCTION", "FLUSH");
    expect(kv.propagated.map((words) => words.slice(0, 2).join(" "))).toEqual([
      "FUNCTION LOAD",
      "FUNCTION DELETE",
      "FUNCTION RESTORE",
      "FUNCTION FLUSH",
    ]);
  });

  test("changes all or nothing", () => {
    const kv = harness();
    const names = () => (kv.send("FUNCTION", "LIST") as unknown[][]).map((each) => each[1]).sort();
    kv.send("FUNCTION", "LOAD", library(register("fa", "return 1"), "a"));
    kv.send("FUNCTION", "LOAD", library(register("fb", "return 2"), "b"));
    const both = kv.send("FUNCTION", "DUMP") as string;
    kv.send("FUNCTION", "FLUSH");
    kv.send("FUNCTION", "LOAD", library(register("FB", "return 3"), "c"));
    expect(kv.send("FUNCTION", "RESTORE", both)).toBe(kv.error("ERR Function fb already exists"));
    expect(kv.send("FUNCTION", "RESTORE", both, "REPLACE")).toEqual(failing("already exists"));
    expect(names()).toEqual(["c"]);
    expect(kv.send("FCALL", "fb", 0)).toBe(3);
    expect(kv.send("FUNCTION", "RESTORE", both, "FLUSH")).toBe("OK");
    expect(names()).toEqual(["a", "b"]);
    expect(kv.send("FUNCTION", "RESTORE", both)).toBe(kv.error("ERR Library a already exists"));
    expect(kv.send("FUNCTION", "RESTORE", both, "REPLACE")).toBe("OK");
    expect([kv.send("FCALL", "fa", 0), kv.send("FCALL", "fb", 0)]).toEqual([1, 2]);
    const failed = library(`${register("fa", "return 9")} nope()`, "a");
    expect(kv.send("FUNCTION", "LOAD", "REPLACE", failed)).toEqual(failing("nonexistent global"));
    expect(kv.send("FCALL", "fa", 0)).toBe(1);
    expect(memory(kv, "number_of_libraries")).toBe(2);
  });

  test("is stopped when it takes too long", () => {
    const kv = harness();
    let nowUs = 0;
    kv.host.monotonicUs = () => {
      nowUs += 50_000;
      return nowUs;
    };
    expect(kv.send("FUNCTION", "LOAD", library("while true do end"))).toBe(
      kv.error("ERR Error registering functions: ERR FUNCTION LOAD timeout"),
    );
    expect(kv.send("FUNCTION", "LOAD", f)).toBe("l");
    expect(kv.send("FCALL", "f", 0)).toBe(1);
  });

  test("shows in INFO", () => {
    const kv = harness();
    const rows = ["number_of_functions", "number_of_libraries", "used_memory_functions"];
    expect(rows.map((row) => memory(kv, row))).toEqual([0, 0, 0]);
    expect(memory(kv, "used_memory_vm_functions")).toBe(0);
    load(kv, register("f", "return 1"), register("g", "return 1"));
    expect(rows.slice(0, 2).map((row) => memory(kv, row))).toEqual([2, 1]);
    expect(memory(kv, "used_memory_functions")).toBeGreaterThan(100);
    expect(memory(kv, "used_memory_scripts")).toBe(memory(kv, "used_memory_functions"));
    expect(memory(kv, "used_memory_vm_functions")).toBeGreaterThan(10_000);
    kv.send("FUNCTION", "FLUSH");
    expect(rows.map((row) => memory(kv, row))).toEqual([0, 0, 0]);
    expect(memory(kv, "used_memory_vm_functions")).toBe(0);
  });
});

describe("the flags of a function", () => {
  const loaded = (flags: string, options: HarnessOptions = {}) => {
    const kv = harness(options);
    load(kv, register("f", "return 1", flags));
    return kv;
  };
  const noWrites = "'no-writes'";

  test("say whether FCALL_RO may run it", () => {
    expect(loaded("").send("FCALL_RO", "f", 0)).toEqual(failing("write flag using *_ro command"));
    expect(loaded(noWrites).send("FCALL_RO", "f", 0)).toBe(1);
  });

  test.each([
    ["READ_ONLY", "", "READONLY You can't write against a read only replica."],
    ["READ_ONLY", noWrites, undefined],
    ["LACKS_REPLICAS", "", "NOREPLICAS Not enough good replicas to write."],
    ["LACKS_REPLICAS", noWrites, undefined],
    ["STALE", noWrites, "MASTERDOWN Link with MASTER is down"],
    ["STALE", "'no-writes', 'allow-stale'", undefined],
    ["CLUSTER", "'no-cluster'", "ERR Can not run script on cluster, 'no-cluster' flag is set."],
    ["CLUSTER", "", undefined],
  ] as const)("decide while the server is %s: %s", (state, flags, refusal) => {
    const kv = loaded(flags);
    kv.engine.situation.setUnusual(EngineState[state], true);
    expect(kv.send("FCALL", "f", 0)).toEqual(refusal === undefined ? 1 : failing(refusal));
  });

  test.each([
    ["", "OOM command not allowed"],
    ["'allow-oom'", undefined],
    [noWrites, undefined],
  ] as const)("decide where memory is used up: %s", (flags, refusal) => {
    const kv = loaded(flags);
    kv.send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.send("FCALL", "f", 0)).toEqual(refusal === undefined ? 1 : failing(refusal));
    expect(kv.send("FUNCTION", "LOAD", library("", "m"))).toEqual(failing("OOM command"));
  });

  test("do not open what the user may not use", () => {
    const kv = harness();
    load(kv, register("f", "return redis.call('SET', keys[1], 1)"));
    kv.send("ACL", "SETUSER", "u", "on", "nopass", "+fcall", "+auth", "~a*", "+get");
    const user = kv.client();
    expect(user.send("AUTH", "u", "x")).toBe("OK");
    expect(user.client?.is(ClientState.RESTRICTED)).toBe(true);
    expect(user.send("FCALL", "f", 1, "b")).toEqual(failing(/^NOPERM/));
    expect(user.send("FCALL", "f", 1, "a")).toEqual(
      failing(/can't run this command|NOPERM|no permissions/i),
    );
    expect(user.send("FUNCTION", "LIST")).toEqual(failing(/^NOPERM/));
    expect(kv.send("EXISTS", "a")).toBe(0);
  });
});

describe("a function that runs for too long", () => {
  /** A function is busy after some twenty looks at the clock. */
  function soonBusy(): Harness {
    const kv = harness({ config: { "busy-reply-threshold": 20 } });
    load(
      kv,
      register("loop", "while true do end"),
      register("writes", "redis.call('SET', 'k', 1) while true do end"),
    );
    slowClock(kv);
    return kv;
  }

  const functionBusy = failing(/^BUSY .*only call FUNCTION KILL or SHUTDOWN NOSAVE\.$/);
  const scriptBusy = failing(/^BUSY .*only call SCRIPT KILL or SHUTDOWN NOSAVE\.$/);

  test("is shown by FUNCTION STATS, and ended by FUNCTION KILL alone", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("FCALL", "loop", 1, "k", "v w");
    await turns(kv, 3);
    expect(other.send("GET", "k")).toEqual(functionBusy);
    expect(other.send("FUNCTION", "LIST")).toEqual(functionBusy);
    expect(other.send("FUNCTION", "STATS")).toEqual([
      "running_script",
      [
        "name",
        "loop",
        "command",
        ["FCALL", "loop", "1", "k", "v w"],
        "duration_ms",
        expect.any(Number),
      ],
      "engines",
      ["LUA", ["libraries_count", 1, "functions_count", 2]],
    ]);
    expect(other.send("SCRIPT", "KILL")).toEqual(functionBusy);
    expect(other.send("SHUTDOWN")).toEqual(functionBusy);
    expect(other.send("FUNCTION", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(runner.pushed()).toEqual([
      kv.error("ERR Script killed by user with SCRIPT KILL... script: loop, on @user_function:2."),
    ]);
    expect(other.send("PING")).toBe("PONG");
    expect(kv.log.join("\n")).toMatch(/using the FUNCTION KILL command. Script name is: loop\./);
    expect(other.send("FUNCTION", "KILL")).toEqual(failing(/^NOTBUSY/));
  });

  test("is not ended once it has written", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("FCALL", "writes", 0);
    await turns(kv, 2);
    for (const command of ["FUNCTION", "SCRIPT"])
      expect(other.send(command, "KILL")).toEqual(failing(/^UNKILLABLE/));
  });

  test("is told apart from a script", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("EVAL", "while true do end", 0);
    await turns(kv, 2);
    expect(other.send("GET", "k")).toEqual(scriptBusy);
    expect(other.send("FUNCTION", "STATS")).toEqual(scriptBusy);
    expect(other.send("FUNCTION", "KILL")).toEqual(scriptBusy);
    expect(other.send("SCRIPT", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(other.send("FUNCTION", "STATS")).toEqual(expect.arrayContaining([null]));
  });
});
