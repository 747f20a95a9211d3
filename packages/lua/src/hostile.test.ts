/**
 * Scripts that mean harm: each ends with an error or is suspended, and the machine works afterwards or
 * says that it is broken. Nothing of them is left.
 */

import { describe, expect, test } from "vitest";
import { LuaScript, LuaVm, Outcome } from "./index.ts";
import { luaModule } from "./node.ts";

const MIB = 1024 * 1024;

function make(memoryBytesMax = 64 * MIB): LuaVm {
  return new LuaVm({ module: luaModule(), memoryBytesMax, clockMs: () => performance.now() });
}

const bytes = (text: string) => Buffer.from(text, "latin1");

/** Runs a source; the text of what it leaves. */
function evaluate(vm: LuaVm, source: string): { outcome: number; text: string } {
  const script = vm.compile(bytes(source), "@user_script");
  if (!(script instanceof LuaScript)) return { outcome: -1, text: script.message };
  const outcome = vm.run(script);
  if (outcome === Outcome.BROKEN) return { outcome, text: "" };
  const text = vm.stack.latin1(1) ?? "";
  vm.release(script);
  return { outcome, text };
}

const shared = make();

test.each([
  ["a table without end", "local t = {} for i = 1, 1e9 do t[i] = i end"],
  ["strings without end", "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000 + i) end"],
  ["one string without end", "local s = 'x' while true do s = s .. s end"],
  ["string.rep of a gigabyte", "return #string.rep('x', 2^31 - 1)"],
  ["string.rep of a long string", "return #string.rep(string.rep('x', 1e6), 1e6)"],
  [
    "coroutines without end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
  ],
  ["closures without end", "local t = {} while true do t[#t + 1] = function() return t end end"],
  [
    "a buffer of table.concat",
    "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 1e5) end return table.concat(t)",
  ],
  [
    "JSON of a gigabyte",
    "local s = string.rep('\\1', 1e7) local t = {} for i = 1, 50 do t[i] = s end return cjson.encode(t)",
  ],
  ["gsub that grows", "local s = string.rep('a', 1e6) return s:gsub('a', string.rep('b', 1000))"],
])("memory: %s", (_, source) => {
  expect(evaluate(shared, source)).toMatchObject({
    outcome: Outcome.FAILED,
    text: expect.stringContaining("not enough memory"),
  });
  expect(evaluate(shared, "return 7").text).toBe("7");
  // The buffer that strings are joined in becomes half as large each time.
  for (let i = 0; i < 10; i++) shared.collect();
  expect(shared.usedBytes).toBeLessThan(MIB);
});

test.each([
  ["many times nothing", "return #string.rep('', 2^31 - 1)", "0"],
  [
    "a position far below",
    "return select(2, pcall(table.insert, {}, -2^31, 1))",
    "bad argument #2 to '?' (position out of bounds)",
  ],
  ["a position beyond 31 bits", "table.insert({}, 2^31, 1)", "position out of bounds"],
])("loops of C that nothing could end: %s", (_, source, expected) => {
  expect(evaluate(shared, source).text).toContain(expected);
});

test("garbage is collected before it is in the way", () => {
  const source =
    "local live = {} for i = 1, 300000 do live[i] = {} end for i = 1, 3e6 do live[1] = {i} end return #live";
  expect(evaluate(shared, source).text).toBe("300000");
});

test("a script catches that it has no memory, and has some again", () => {
  const source =
    "local ok, e = pcall(function() local t = {} for i = 1, 1e9 do t[i] = {} end end) local u = {} for i = 1, 1000 do u[i] = {} end return e .. #u";
  expect(evaluate(shared, source).text).toBe("not enough memory1000");
});

test.each([
  ["Lua functions", "local function f() return 1 + f() end f()", "stack overflow"],
  ["pcall", "local function f() return select(2, pcall(f)) end return f()", "C stack overflow"],
  ["gsub", "local function f() return (string.gsub('a', 'a', f)) end f()", "C stack overflow"],
  [
    "metamethods",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
    "C stack overflow",
  ],
  [
    "__index in a ring",
    "local a, b = {}, {} setmetatable(a, {__index = b}) setmetatable(b, {__index = a}) return a.x",
    "loop in gettable",
  ],
  ["coroutines", "local function f() return coroutine.wrap(f)() end f()", "C stack overflow"],
  [
    "errors of handlers",
    "return select(2, xpcall(error, function() error() end)) or 'nil'",
    "error in error handling",
  ],
  [
    "tostring",
    "local m = {} m.__tostring = function(x) return tostring(x) end return tostring(setmetatable({}, m))",
    "C stack overflow",
  ],
  [
    "sort",
    "local function f(a, b) table.sort({1, 2, 3}, f) return a < b end f(1, 2)",
    "C stack overflow",
  ],
])("recursion: %s", (_, source, expected) => {
  const { text } = evaluate(shared, source);
  expect(text).toContain(expected);
});

describe("the parser", () => {
  test.each([
    ["parentheses", `return ${"(".repeat(100_000)}`],
    ["tables", `return ${"{".repeat(100_000)}`],
    ["functions", "return function() ".repeat(10_000)],
    ["blocks", "do ".repeat(100_000)],
    ["unary operators", `return ${"- ".repeat(100_001)}x`],
    ["not", `return ${"not ".repeat(100_000)}x`],
    ["right-hand operators", `return ${"x .. ".repeat(100_000)}x`],
    ["powers", `return ${"1 ^ ".repeat(100_000)}1`],
    ["locals", `local ${"a,".repeat(100_000)}a`],
    ["calls", `f${"()".repeat(1_000)}(`],
    ["a long string that does not end", `return [${"=".repeat(100_000)}[`],
    ["many constants", `return {${Array.from({ length: 300_000 }, (_, i) => `"k${i}"`).join(",")}`],
    ["else after else", `if x then ${"elseif y then ".repeat(20_000)}`],
    ["zero bytes", "\0".repeat(1000)],
    ["escapes", '"\\'.repeat(1000)],
  ])("%s", (_, source) => {
    expect(evaluate(shared, source).outcome).toBe(-1);
    expect(evaluate(shared, "return 7").text).toBe("7");
  });

  test("mutated sources", () => {
    const source =
      "local function f(a, ...) for i = 1, #a do if a[i] == 'x' then return {a, b = [[c]]} else a.b.c[1] = -2 ^ 3 .. \"q\" end end repeat local x = not y until x >= 1 or 2 ~= 3 end return f";
    let state = 7;
    const below = (n: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % n;
    };
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const text = bytes(source);
      for (let k = below(4); k >= 0; k--) text[below(text.length)] = below(256);
      const cut = below(4) === 0 ? below(text.length) : text.length;
      const script = shared.compile(text.subarray(0, cut), "@user_script");
      if (script instanceof LuaScript) shared.release(script);
      else refused++;
    }
    expect(refused).toBeGreaterThan(10_000);
    expect(evaluate(shared, "return 7").text).toBe("7");
  });
});

test("a pattern too deep for the machine's stack costs the machine, which says so", () => {
  const vm = make();
  const { outcome } = evaluate(
    vm,
    "return string.find(string.rep('a', 200000), string.rep('a?', 200000) .. 'b')",
  );
  if (outcome === Outcome.BROKEN) {
    expect(vm.broken).toBe(true);
    expect(() => vm.compile(bytes("return 1"), "@user_script")).toThrow("this machine is broken");
  } else expect(evaluate(vm, "return 7").text).toBe("7");
});

test("arguments that there is no memory for cost the run", () => {
  const vm = make(32 * MIB);
  const script = vm.compile(bytes("return select('#', ...)"), "@user_script") as LuaScript;
  const large = new Uint8Array(8 * MIB);
  const push = (times: number) =>
    vm.run(script, (stack) => {
      for (let i = 0; i < times; i++) {
        large[0] = i;
        stack.pushBytes(large);
      }
      return times;
    });
  for (let i = 0; i < 3; i++) {
    expect(push(20)).toBe(Outcome.FAILED);
    expect(vm.stack.latin1(1)).toBe("not enough memory");
    expect(push(2)).toBe(Outcome.DONE);
    expect(vm.stack.number(1)).toBe(2);
  }
  expect(evaluate(vm, "return coroutine.wrap(function() return 7 end)()").text).toBe("7");
});

test("what a function of the host throws comes out of run, past every pcall", () => {
  const vm = make();
  const boom = new Error("boom");
  vm.environment.define(
    "host",
    vm.library({
      boom: () => {
        throw boom;
      },
    }),
  );
  const script = vm.compile(bytes("return pcall(host.boom)"), "@user_script") as LuaScript;
  expect(() => vm.run(script)).toThrow(boom);
  expect(vm.broken).toBe(true);
});

/** What one script does, and what the next one must not see of it. */
test.each([
  ["pcall(function() string.format = nil end)", "return string.format('%d', 1)", "1"],
  ["pcall(rawset, string, 'format', nil)", "return string.format('%d', 1)", "1"],
  ["pcall(table.insert, string, 'x')", "return tostring(string[1])", "nil"],
  ["pcall(table.insert, string, 1, 'x')", "return tostring(rawget(string, 1))", "nil"],
  ["pcall(table.sort, _G)", "return tostring(next(_G) ~= nil)", "true"],
  [
    "pcall(function() getmetatable('').__index = function() return 1 end end)",
    "return ('x'):upper()",
    "X",
  ],
  ["pcall(rawset, getmetatable(''), '__index', nil)", "return ('x'):upper()", "X"],
  ["pcall(setmetatable, getmetatable(''), {})", "return ('x'):upper()", "X"],
  [
    "for k in pairs(getmetatable('')) do pcall(rawset, getmetatable(''), k, nil) end",
    "return ('x'):upper()",
    "X",
  ],
  [
    "pcall(rawset, getmetatable(_G), '__index', nil)",
    "return tostring(pcall(function() return nope end))",
    "false",
  ],
  [
    "pcall(function() _G._G = nil end) pcall(rawset, _G, 'tostring', nil)",
    "return tostring(1)",
    "1",
  ],
  ["pcall(loadstring('x = 5'))", "return tostring(rawget(_G, 'x'))", "nil"],
  [
    "cjson.encode_max_depth(1) cjson.encode_number_precision(3)",
    "return cjson.encode({{{math.pi}}})",
    "[[[3.1415926535898]]]",
  ],
  [
    "collectgarbage('stop') collectgarbage('setpause', 1e6)",
    "return tostring(collectgarbage('setpause', 200))",
    "200",
  ],
  ["setmetatable({}, getmetatable(''))", "return ('x'):upper()", "X"],
  [
    "for _, lib in pairs(_G) do if type(lib) == 'table' then for k, v in pairs(lib) do pcall(rawset, lib, k, 0) pcall(function() lib[k] = 0 end) end end end",
    "return string.rep('x', 2) .. math.max(1, 2) .. bit.band(7, 3) .. #cmsgpack.pack(1)",
    "xx231",
  ],
  [
    "coroutine.wrap(function() pcall(rawset, string, 'x', 1) end)()",
    "return tostring(string.x)",
    "nil",
  ],
  [
    "table.foreach(string, function(k) pcall(rawset, string, k, nil) end)",
    "return string.rep('x', 2)",
    "xx",
  ],
])("nothing is left of: %s", (deed, probe, expected) => {
  evaluate(shared, deed);
  expect(evaluate(shared, probe).text).toBe(expected);
});

test("an environment does not see the globals of another", () => {
  const vm = make();
  const other = vm.newEnvironment();
  vm.stack.pushNumber(5);
  other.setGlobal("secret");
  const run = (source: string, inside = vm.environment) => {
    const script = vm.compile(bytes(source), "@lib", inside) as LuaScript;
    const outcome = vm.run(script);
    return outcome === Outcome.DONE ? vm.stack.latin1(1) : `failed: ${vm.stack.latin1(1)}`;
  };
  expect(run("return secret", other)).toBe("5");
  expect(run("return loadstring('return secret')()", other)).toBe("5");
  expect(run("return secret")).toContain("nonexistent global variable 'secret'");
  expect(run("return loadstring('return secret')()")).toContain("nonexistent global variable");
});

test("memory after ten thousand scripts is what it was", () => {
  const vm = make();
  const source = (i: number) =>
    `local t = {} for i = 1, 20 do t[i] = {id = i, name = 'n${i}' .. i} end local s = cjson.encode(t) return #cjson.encode(cjson.decode(s)) + #cmsgpack.pack(t), pcall(error, {${i}}), coroutine.wrap(function() return cjson.new().encode({}) end)()`;
  for (let i = 0; i < 1_000; i++) evaluate(vm, source(i));
  vm.collect();
  const { usedBytes, memoryBytes } = vm;
  for (let i = 0; i < 10_000; i++) evaluate(vm, source(i % 50));
  vm.collect();
  expect(vm.usedBytes).toBeLessThan(usedBytes + 16_384);
  expect(vm.memoryBytes).toBeLessThanOrEqual(memoryBytes);
});

test("JSON too deep for the runtime's stack costs the machine as well, and is nobody's fault", () => {
  const vm = make();
  const source =
    "cjson.encode_max_depth(1e6) local t = {} for i = 1, 2595 do t = {t} end return pcall(cjson.encode, t)";
  const script = vm.compile(bytes(source), "@user_script") as LuaScript;
  /** Runs it with less and less of the stack left. */
  const runWithin = (calls: number): Outcome =>
    calls === 0 ? vm.run(script) : (Math.max(runWithin(calls - 1), 0) as Outcome);
  let outcome: Outcome = Outcome.DONE;
  for (let calls = 0; outcome === Outcome.DONE; calls += 250) outcome = runWithin(calls);
  expect(outcome).toBe(Outcome.BROKEN);
  expect(vm.broken).toBe(true);
});

test("a function of the host that is too deep for the runtime's stack has failed", () => {
  const vm = make();
  const recurse = (): number => recurse() + 1;
  vm.environment.define("deep", vm.library({ call: () => recurse() }));
  expect(() => evaluate(vm, "return pcall(deep.call)")).toThrow("Maximum call stack");
  expect(vm.broken).toBe(true);
});
