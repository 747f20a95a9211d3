/** Runs that are stopped in their middle, go on, or are killed. */

import { collectGarbage } from "@kv/testing";
import { expect, test, vi } from "vitest";
import { LuaScript, LuaVm, Outcome } from "./index.ts";
import { luaBytes, luaModule } from "./node.ts";
import { preparedMachine } from "./prepared-machine.ts";

class Bench {
  /** How often `due` said that the run is to be interrupted. */
  interruptions = 0;
  interrupt = true;
  readonly vm: LuaVm;

  constructor() {
    this.vm = new LuaVm({
      module: luaModule(),
      clockMs: () => performance.now(),
      due: () => {
        if (this.interrupt) this.interruptions++;
        return this.interrupt;
      },
    });
  }

  compile(source: string): LuaScript {
    const script = this.vm.compile(Buffer.from(source, "latin1"), "@user_script");
    if (!(script instanceof LuaScript)) throw new Error(script.message);
    return script;
  }

  /** Runs to the end, however often it is suspended; returns the outcome and how often that was. */
  async runAll(source: string): Promise<{ outcome: number; suspensions: number; text?: string }> {
    const script = this.compile(source);
    let outcome = this.vm.run(script) as number;
    let suspensions = 0;
    while (outcome === Outcome.SUSPENDED) {
      suspensions++;
      outcome = await this.vm.resume();
    }
    const text = outcome === Outcome.BROKEN ? undefined : this.vm.stack.latin1(1);
    if (outcome !== Outcome.BROKEN) this.vm.release(script);
    return { outcome, suspensions, text };
  }
}

const bench = new Bench();

test("a short run is over when run returns", () => {
  expect(bench.vm.canSuspend).toBe(true);
  const script = bench.compile("local n = 0 for i = 1, 1000 do n = n + i end return n");
  expect(bench.vm.run(script)).toBe(Outcome.DONE);
  expect(bench.vm.stack.number(1)).toBe(500_500);
});

const busy = "local function busy() local n = 0 for i = 1, 60000 do n = n + i end return n end";
/** Places a suspension may fall into, and what comes out. */
const places: [string, string, string][] = [
  ["a loop", "local n = 0 for i = 1, 3000000 do n = n + i end return n", "4500001500000"],
  [
    "pcall",
    `${busy} local n = 0 for i = 1, 60 do local ok, v = pcall(function() busy() error(i, 0) end) n = n + tonumber(v) end return n`,
    "1830",
  ],
  [
    "xpcall",
    `${busy} return select(2, xpcall(function() busy() error('x', 0) end, function(e) busy() return e .. 'y' end))`,
    "xy",
  ],
  [
    "a comparison of table.sort",
    `${busy} local t = {} for i = 1, 40 do t[i] = (i * 7) % 41 end table.sort(t, function(a, b) busy() return a < b end) return table.concat(t, ',', 1, 5)`,
    "1,2,3,4,5",
  ],
  [
    "a function of string.gsub",
    `${busy} return (string.gsub(string.rep('ab', 30), 'a', function(c) busy() return 'x' end))`,
    "xb".repeat(30),
  ],
  [
    "metamethods",
    `${busy} local m = {__index = function(t, k) busy() return k * 2 end, __add = function(a, b) busy() return 5 end, __call = function(self, a) busy() return a end, __lt = function() busy() return true end, __eq = function() busy() return true end, __concat = function() busy() return 'c' end, __newindex = function(t, k, v) busy() rawset(t, k, v + 1) end}
     local a, b = setmetatable({}, m), setmetatable({}, m) local n = 0 for i = 1, 20 do n = n + a[i] + (a + 1) + a(i) + (a < b and 1 or 0) + (a == b and 1 or 0) + #(a .. b) a['k' .. i] = i n = n + a['k' .. i] end return n`,
    "1020",
  ],
  [
    "an iterator",
    `${busy} local n = 0 for i in function(_, i) busy() i = (i or 0) + 1 if i < 30 then return i end end do n = n + i end return n`,
    "435",
  ],
  [
    "coroutines within coroutines",
    `${busy} local function gen(d) return coroutine.wrap(function() for i = 1, 5 do busy() if d > 0 then for v in gen(d - 1) do coroutine.yield(v) end end coroutine.yield(i) end end) end local n = 0 for v in gen(2) do n = n + v end return n`,
    "465",
  ],
  [
    "table.foreach",
    `${busy} local n = 0 table.foreach({1, 2, 3, 4}, function(k, v) busy() n = n + v end) return n`,
    "10",
  ],
  [
    "load",
    `${busy} local n = 0 return load(function() busy() n = n + 1 return n < 9 and ' ' or n == 9 and 'return 7' or nil end)()`,
    "7",
  ],
  [
    "tostring",
    `${busy} local s = '' for i = 1, 9 do s = s .. tostring(setmetatable({}, {__tostring = function() busy() return 'q' end})) end return s`,
    "q".repeat(9),
  ],
];

test.each(places)("suspended in %s", async (_, source, expected) => {
  const { outcome, suspensions, text } = await bench.runAll(source);
  expect({ outcome, text }).toEqual({ outcome: Outcome.DONE, text: expected });
  expect(suspensions).toBeGreaterThan(0);
});

/** What Lua's own functions do within one instruction. */
const long: [string, string, string][] = [
  ["a pattern", "return string.find(string.rep('a', 200), '.-.-.-b') or 'none'", "none"],
  ["string.match", "return string.match(string.rep('a', 200), '.-.-.-b') or 'none'", "none"],
  ["string.gsub", "return (string.gsub(string.rep('a', 200), '.-.-.-b', ''))", "a".repeat(200)],
  ["string.gmatch", "for w in string.gmatch(string.rep('a', 200), '.-.-.-b') do end return 7", "7"],
  [
    "a pattern of items that may be missing",
    "return string.find(string.rep('x', 3e4), string.rep('a?', 1e3) .. 'b') or 'none'",
    "none",
  ],
  [
    "a back reference",
    "return string.find(string.rep('a', 1e4) .. 'b', '^(a-)%1%1c') or 'none'",
    "none",
  ],
  [
    "a class",
    "return string.find(string.rep('x', 1e4), '[' .. string.rep('a', 1e4) .. ']') or 'none'",
    "none",
  ],
  [
    "a plain text",
    "local a = string.rep('a', 1e5) return string.find(a, string.rep('a', 5e4) .. 'b', 1, true) or 'none'",
    "none",
  ],
  [
    "table.sort",
    "local t = {} for i = 1, 2e5 do t[i] = (i * 7919) % 200003 end table.sort(t) return table.concat(t, ',', 1, 3)",
    "1,2,3",
  ],
  [
    "table.sort of long texts",
    "local t, s = {}, string.rep('a', 1e5) for i = 1, 1000 do t[i] = s end table.sort(t) return #t",
    "1000",
  ],
  [
    "a pattern of a coroutine",
    "return coroutine.wrap(function() return string.find(string.rep('a', 200), '.-.-.-b') or 'none' end)()",
    "none",
  ],
];

test.each(long)("suspended within %s", async (_, source, expected) => {
  const { outcome, suspensions, text } = await bench.runAll(source);
  expect({ outcome, text }).toEqual({ outcome: Outcome.DONE, text: expected });
  expect(suspensions).toBeGreaterThan(2);
});

test("only the machine that is known can be made to ask", () => {
  expect(() => preparedMachine(luaBytes().subarray(0, 5000))).toThrow("not the one that is known");
  const other = Uint8Array.from(luaBytes());
  other.fill(0, 4100, 4110);
  expect(() => preparedMachine(other)).toThrow("not the one that is known");
});

test("a thousand suspensions, and the next script knows nothing of them", async () => {
  const { suspensions, text } = await bench.runAll(
    "local n = 0 for i = 1, 30000000 do n = n + 1 end return n",
  );
  expect(text).toBe("30000000");
  expect(suspensions).toBeGreaterThan(500);
  expect(bench.vm.run(bench.compile("return 5"))).toBe(Outcome.DONE);
  expect(bench.vm.stack.number(1)).toBe(5);
});

test("while a run is suspended, the machine does nothing else", async () => {
  const script = bench.compile("while true do end");
  expect(bench.vm.run(script)).toBe(Outcome.SUSPENDED);
  expect(() => bench.vm.run(script)).toThrow("a script is running");
  expect(() => bench.compile("return 1")).toThrow("a script is running");
  bench.vm.kill((stack) => stack.pushText("enough"));
  expect(await bench.vm.resume()).toBe(Outcome.FAILED);
  expect(bench.vm.stack.latin1(1)).toBe("enough");
  expect([bench.vm.errorSource, bench.vm.errorLine]).toEqual(["@user_script", 1]);
});

/** Scripts that do what they can against their end. */
const stubborn = [
  "while true do pcall(function() while true do end end) end",
  "local function f() while true do pcall(f) end end f()",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "while true do local c = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) pcall(c) end",
  "local function spawn() while true do local c = coroutine.create(function() spawn() end) coroutine.resume(c) end end spawn = nil while true do pcall(function() local x = {} for i = 1, 1e9 do x[i % 100] = i end end) end",
  "local function deep(n) local c = coroutine.create(function() if n > 0 then deep(n - 1) end while true do end end) while true do coroutine.resume(c) end end deep(30)",
  "local t = setmetatable({}, {__index = function(t, k) while true do end end}) while true do pcall(function() return t.x end) end",
  "while true do pcall(string.gsub, string.rep('a', 1000), 'a', function() while true do end end) end",
  "return string.find(string.rep('nil', 3e5), string.rep('a?', 3e5) .. 'b')",
  "while true do pcall(string.find, string.rep('a', 1e6), '.-.-.-.-b') end",
  "local a = string.rep('a', 5e6) return string.find(a, string.rep('a', 2e6) .. 'b', 1, true)",
];

test.each(stubborn)("killed: %s", async (source) => {
  const own = new Bench();
  const script = own.compile(source);
  expect(own.vm.run(script)).toBe(Outcome.SUSPENDED);
  expect(await own.vm.resume()).toBe(Outcome.SUSPENDED);
  own.vm.kill((stack) => {
    stack.pushTable();
    stack.pushText("killed");
    stack.setField(-2, "err");
  });
  const outcome = await own.vm.resume();
  expect(outcome).toBe(Outcome.FAILED);
  expect(own.vm.stack.getField(1, "err")).toBe(4);
  expect(own.vm.stack.latin1(-1)).toBe("killed");
  own.interrupt = false;
  expect(own.vm.run(own.compile("local n = 0 for i = 1, 300000 do n = n + 1 end return n"))).toBe(
    Outcome.DONE,
  );
});

test.each([...stubborn, "while true do host.called() end"])("abandoned: %s", async (source) => {
  const own = new Bench();
  let calls = 0;
  const called = () => {
    calls++;
    return 0;
  };
  own.vm.environment.define("host", own.vm.library({ called }));
  expect(own.vm.run(own.compile(source))).toBe(Outcome.SUSPENDED);
  const seen = [own.interruptions, calls];
  own.vm.abandon();
  expect(own.vm.broken).toBe(true);
  await new Promise(setImmediate);
  // Neither the script nor its questions went on, and there is nothing to go on with.
  expect([own.interruptions, calls]).toEqual(seen);
  expect(() => own.compile("return 1")).toThrow("this machine is broken");
  own.vm.abandon();
});

test("a run that was about to go on is abandoned all the same, and nobody hears of its end", async () => {
  const own = new Bench();
  expect(own.vm.run(own.compile("while true do end"))).toBe(Outcome.SUSPENDED);
  const heard: unknown[] = [];
  own.vm.resume().then(
    (outcome) => heard.push(outcome),
    (error) => heard.push(error),
  );
  own.vm.abandon();
  await new Promise(setImmediate);
  expect([heard, own.interruptions]).toEqual([[], 1]);
});

test("an abandoned run gives back the memory that it held", async () => {
  const one = async () => {
    const own = new Bench();
    const held = new Uint8Array(1e8);
    own.vm.environment.define("host", own.vm.library({ held: () => held.length }));
    expect(own.vm.run(own.compile("while true do end"))).toBe(Outcome.SUSPENDED);
    own.vm.abandon();
  };
  const before = process.memoryUsage().arrayBuffers;
  await one();
  await vi.waitFor(() => {
    collectGarbage();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e7);
  });
});

test("what cannot be killed by an error ends with the machine", async () => {
  const own = new Bench();
  // Each coroutine gets a hundred thousand instructions before it is asked, and makes others.
  const script = own.compile(
    "local all = {} for i = 1, 20000 do all[i] = coroutine.create(function() while true do end end) end while true do for i = 1, #all do coroutine.resume(all[i]) end end",
  );
  let outcome = own.vm.run(script) as number;
  for (let i = 0; i < 20 && outcome === Outcome.SUSPENDED; i++) outcome = await own.vm.resume();
  own.vm.kill((stack) => stack.pushText("killed"));
  own.interrupt = false;
  outcome = await own.vm.resume();
  expect([Outcome.FAILED, Outcome.BROKEN]).toContain(outcome);
});

test("a run that may not be suspended ends with what the host says", () => {
  let asked = 0;
  const vm = new LuaVm({
    module: luaModule(),
    maySuspend: false,
    due: () => ++asked > 3,
    overdue: (stack) => stack.pushText("too long"),
  });
  expect(vm.canSuspend).toBe(false);
  const script = vm.compile(Buffer.from("while true do pcall(error) end"), "@user_script");
  expect(vm.run(script as LuaScript)).toBe(Outcome.FAILED);
  expect(vm.stack.latin1(1)).toBe("too long");
});

/** Runs a script in a world where `slow()` takes ten milliseconds, and nothing else any time. */
function runSlowly(source: string): { nowMs: number; asked: number } {
  let nowMs = 0;
  let asked = 0;
  const vm = new LuaVm({
    module: luaModule(),
    maySuspend: false,
    clockMs: () => nowMs,
    due: () => {
      asked++;
      return nowMs > 100;
    },
    overdue: (stack) => stack.pushText("enough"),
  });
  const slow = () => {
    nowMs += 10;
    return 0;
  };
  vm.environment.define("host", vm.library({ slow }));
  vm.run(vm.compile(Buffer.from(source), "@user_script") as LuaScript);
  return { nowMs, asked };
}

test("a run whose instructions take long is asked about more often", () => {
  // The first time after 4,000 instructions, of which there are four in a turn; then as soon as can be.
  expect(runSlowly("while true do host.slow() end").nowMs).toBeLessThan(11_000);
  expect(
    runSlowly("coroutine.wrap(function() while true do pcall(host.slow) end end)()").nowMs,
  ).toBeLessThan(11_000);
});

test("a run whose instructions take no time is asked about rarely", () => {
  const { asked } = runSlowly("local i = 0 while i < 5e6 do i = i + 1 end");
  expect(asked).toBeGreaterThan(100);
  expect(asked).toBeLessThan(300);
});
