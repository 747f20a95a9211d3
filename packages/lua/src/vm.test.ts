/** How a host uses the machine: scripts, arguments, results, errors, functions of its own. */

import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  type HostFunction,
  LuaScript,
  type LuaStack,
  LuaSyntaxError,
  LuaType,
  LuaVm,
  Outcome,
} from "./index.ts";
import { runLuaBenchmark } from "./lua.bench.ts";
import { luaBytes, luaModule } from "./node.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const vm = new LuaVm({ module: luaModule(), clockMs: () => 12_345 });

function compile(source: string, machine = vm): LuaScript {
  const script = machine.compile(bytes(source), "@user_script");
  if (!(script instanceof LuaScript)) throw new Error(script.message);
  return script;
}

/** What a script that succeeds answers, as text. */
function answer(source: string): string | undefined {
  expect(vm.run(compile(source))).toBe(Outcome.DONE);
  return vm.stack.latin1(1);
}

test("bytes go in and out as they are", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const script = compile("local s = ... return s, #s, s:reverse()");
  vm.run(script, (stack) => {
    stack.pushBytes(all);
    return 1;
  });
  expect(vm.stack.top).toBe(3);
  expect(vm.stack.copy(1)).toEqual(all);
  expect(vm.stack.number(2)).toBe(256);
  expect(vm.stack.copy(3)).toEqual(all.toReversed());
});

test("sources and the machine itself may be bytes of another realm", () => {
  const foreign = runInNewContext("(bytes) => new Uint8Array(bytes)") as typeof Uint8Array.from;
  const vm = new LuaVm({ module: foreign(luaBytes()) });
  const script = vm.compile(foreign(bytes("return 1 + 1")), "@user_script");
  vm.run(script as LuaScript);
  expect(vm.stack.number(1)).toBe(2);
});

test("while arguments are pushed nothing is run or compiled, and the run may begin anew", () => {
  const vm = new LuaVm({ module: luaBytes() });
  const echo = vm.compile(bytes("return ..."), "@user_script") as LuaScript;
  for (const wrong of [() => vm.run(echo), () => vm.compile(bytes("return 1"), "@inner")]) {
    const push = () => {
      wrong();
      return 0;
    };
    expect(() => vm.run(echo, push)).toThrow("a script is running");
    vm.run(echo, (stack) => {
      stack.pushNumber(7);
      return 1;
    });
    expect(vm.stack.number(1)).toBe(7);
  }
});

test("what another machine has made is refused, not taken for what has its number here", () => {
  const [one, two] = [new LuaVm({ module: luaBytes() }), new LuaVm({ module: luaBytes() })];
  const script = one.compile(bytes("return 'one'"), "@user_script") as LuaScript;
  const own = two.compile(bytes("return 'two'"), "@user_script") as LuaScript;
  const refusal = new TypeError("it belongs to another machine");
  expect(() => two.run(script)).toThrow(refusal);
  expect(() => two.release(script)).toThrow(refusal);
  expect(() => two.compile(bytes("return 1"), "@a", one.environment)).toThrow(refusal);
  two.run(own);
  expect(two.stack.latin1(1)).toBe("two");
});

test("a source that is no bytes, and what is no script, are named", () => {
  expect(() => vm.compile("return 1" as never, "@user_script")).toThrow(
    new TypeError("a source must be a Uint8Array"),
  );
  const wrong = vm.compile(bytes("return return"), "@user_script");
  expect(() => vm.run(wrong as never)).toThrow(
    new TypeError(
      "only what compile() has made a LuaScript of can be run: user_script:1: unexpected symbol near 'return'",
    ),
  );
  expect(() => vm.run(undefined as never)).toThrow(TypeError);
  expect(answer("return 'fine'")).toBe("fine");
});

test("the machine can be given as bytes", () => {
  const other = new LuaVm({ module: luaBytes() });
  expect(other.run(compile("return 1", other))).toBe(Outcome.DONE);
});

test("tables are read and made without an object for each element", () => {
  const script = compile(
    "local t = ... t.sum = 0 for i, v in ipairs(t) do t.sum = t.sum + v end return t",
  );
  vm.run(script, (stack) => {
    stack.pushTable(3);
    for (let i = 1; i <= 3; i++) {
      stack.pushNumber(i * 10);
      stack.setElement(-2, i);
    }
    return 1;
  });
  const { stack } = vm;
  expect(stack.type(1)).toBe(LuaType.TABLE);
  expect(stack.getField(1, "sum")).toBe(LuaType.NUMBER);
  expect(stack.number(-1)).toBe(60);
  expect(stack.getField(1, "absent")).toBe(LuaType.NIL);
  stack.setTop(1);
  const keys: string[] = [];
  stack.pushNil();
  while (stack.next(1)) {
    stack.pushValue(-2);
    keys.push(stack.latin1(-1)!);
    stack.pop(2);
  }
  expect(keys).toEqual(["1", "2", "3", "sum"]);
});

describe("errors", () => {
  test("tell where they were raised", () => {
    expect(vm.run(compile("local x = {}\nlocal y = x.z.q"))).toBe(Outcome.FAILED);
    expect(vm.stack.latin1(1)).toBe("user_script:2: attempt to index field 'z' (a nil value)");
    expect([vm.errorSource, vm.errorLine]).toEqual(["@user_script", 2]);
  });

  test("stay the tables that they are", () => {
    expect(vm.run(compile("\n\nerror({err = 'MY own', code = 7})"))).toBe(Outcome.FAILED);
    expect(vm.stack.getField(1, "err")).toBe(LuaType.STRING);
    expect(vm.stack.latin1(-1)).toBe("MY own");
    expect(vm.errorLine).toBe(3);
  });

  test("of one run are not those of the next", () => {
    vm.run(compile("error('x')"));
    expect(vm.run(compile("return 1"))).toBe(Outcome.DONE);
    expect([vm.errorSource, vm.errorLine]).toEqual([undefined, 0]);
  });

  test("of the compiler are its text", () => {
    const wrong = vm.compile(bytes("for"), "@user_script") as LuaSyntaxError;
    expect(wrong).toBeInstanceOf(LuaSyntaxError);
    expect(wrong.message).toBe("user_script:1: '<name>' expected near '<eof>'");
  });
});

test("functions of the host raise values, and pcall hands out the text of a table with err", () => {
  const functions: Record<string, HostFunction> = {
    text: (stack) => stack.fail("no"),
    table: (stack) => {
      stack.pushTable();
      stack.pushText("ERR no");
      stack.setField(-2, "err");
      return stack.raise();
    },
    argument: (stack) => {
      stack.pushNumber(stack.checkNumber(1));
      return 1;
    },
  };
  const own = new LuaVm({ module: luaModule() });
  own.environment.define("host", own.library(functions));
  const script = compile(
    "local function e(f, ...) return tostring(select(2, pcall(f, ...))) end return table.concat({e(function() host.text() end), e(host.table), e(function() host.argument({}) end), e(host.argument, '7')}, '|')",
    own,
  );
  expect(own.run(script)).toBe(Outcome.DONE);
  expect(own.stack.latin1(1)).toBe(
    "user_script:1: no|ERR no|user_script:1: bad argument #1 to 'argument' (number expected, got table)|7",
  );
});

test("a function that a script hands over is run later, with the globals that it has", () => {
  const own = new LuaVm({ module: luaModule() });
  const library = own.newEnvironment();
  let kept: LuaScript | undefined;
  const register: HostFunction = (stack) => {
    kept = own.keepFunction(stack, 1, library);
    return 0;
  };
  library.define("host", own.library({ register }));
  const load = own.compile(
    bytes(
      "local calls = 0 host.register(function(by) calls = calls + by return calls, type(host) end)",
    ),
    "@lib",
    library,
  ) as LuaScript;
  expect(own.run(load)).toBe(Outcome.DONE);
  own.release(load);
  own.collect();
  const call = () =>
    own.run(kept!, (stack) => {
      stack.pushNumber(5);
      return 1;
    });
  call();
  expect(call()).toBe(Outcome.DONE);
  expect([own.stack.number(1), own.stack.latin1(2)]).toEqual([10, "table"]);
});

test("garbage stays until enough of it has come", () => {
  const own = new LuaVm({ module: luaModule() });
  const leave = compile("local n = ... return string.rep('x', n)", own);
  const leaveBytes = (count: number) => {
    own.run(leave, (stack) => {
      stack.pushNumber(count);
      return 1;
    });
    own.clear();
  };
  own.collect();
  const { usedBytes } = own;
  leaveBytes(20_000);
  own.collect(65_536);
  expect(own.usedBytes).toBeGreaterThan(usedBytes + 20_000);
  for (let i = 1; i < 5; i++) leaveBytes(20_000 + i);
  own.collect(65_536);
  expect(own.usedBytes).toBeLessThan(usedBytes + 40_000);
});

test("chance is the same in every machine, and starts anew when told", () => {
  const draw = () => answer("return math.random(1000) .. ' ' .. math.random(1000)");
  vm.seedRandom(0);
  const first = draw();
  expect(draw()).not.toBe(first);
  vm.seedRandom(0);
  expect(draw()).toBe(first);
  expect(answer("math.randomseed(1) return tostring(math.random())")).toBe("0.041630344484761");
});

test("the clock is the host's", () => {
  expect(answer("return os.clock()")).toBe("12.345");
});

test("which scripts are short for certain", () => {
  const straight = (source: string) => compile(source).straight;
  expect(straight("return redis.call('GET', KEYS[1])")).toBe(true);
  expect(straight("return string.format('%d', 1) -- before whiles")).toBe(true);
  expect(straight("return 'while' -- for a function")).toBe(true);
  expect(straight("local a = ... if a and (a > 1 or a < 0) then return not a else a = 1 end")).toBe(
    true,
  );
  expect(straight("while true do end")).toBe(false);
  expect(straight("while x do x = y end")).toBe(false);
  expect(straight("for i=1,2 do end")).toBe(false);
  expect(straight("for k in next, {} do end")).toBe(false);
  expect(straight("repeat until x")).toBe(false);
  expect(straight("local function f() end")).toBe(false);
  expect(straight("loadstring('x')()")).toBe(false);
  expect(straight("return load(x)")).toBe(false);
  expect(straight("_G['lo'..'ad'](x)")).toBe(false);
  expect(straight("return string.find(ARGV[1], 'a-b')")).toBe(false);
  expect(straight("return ARGV[1]:gsub('.', '')")).toBe(false);
  expect(straight("return string['fi' .. 'nd'](ARGV[1], 'a-b')")).toBe(false);
  expect(straight("table.sort(KEYS)")).toBe(false);
  // What stands where an instruction would is no loop.
  const list = `return {${"x,".repeat(50 * 544)}}`;
  expect(straight(list)).toBe(true);
  expect(straight(`${list.slice(7)} while true do end`.replace("{", "local t = {"))).toBe(false);
});

test("which functions are short for certain", () => {
  const kept: boolean[] = [];
  const keep = (isAlone: boolean) => (stack: LuaStack) => {
    kept.push(vm.keepFunction(stack, 1, vm.environment, isAlone).straight);
    return 0;
  };
  vm.environment.define("test", vm.library({ keep: keep(false), alone: keep(true) }));
  const straight = (source: string) => {
    kept.length = 0;
    expect(vm.run(compile(source))).toBe(Outcome.DONE);
    return kept;
  };
  expect(straight("test.keep(function(a) return a end) while false do end")).toEqual([true]);
  expect(straight("test.keep(function(a) for i = 1, a do end end)")).toEqual([false]);
  expect(straight("test.keep(function() return function() end end)")).toEqual([false]);
  expect(straight("test.keep(function() return loadstring('') end)")).toEqual([false]);
  expect(straight("test.keep(type)")).toEqual([false]);
  expect(
    straight("local f local function g() return f() end f = g test.keep(g) test.alone(g)"),
  ).toEqual([false, true]);
});

test("cjson prints numbers as string.format does", () => {
  let state = 3;
  const below = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % n;
  };
  const values: number[] = [0.5, 1.5, 2.5, 12345678901234.5, 1234567890123.25, 1e14, 1e15 + 0.5];
  for (let i = 0; i < 3000; i++) {
    // Many of them lie exactly between two texts.
    const bits = 2 ** (below(60) - 50);
    values.push((below(1 << 24) * 2 ** below(30) + below(1 << 24)) * bits * (below(2) ? 1 : -1));
  }
  const script = compile(
    "local v, p = ... cjson.encode_number_precision(p) return cjson.encode(v), string.format('%.' .. p .. 'g', v)",
  );
  for (const value of values) {
    vm.run(script, (stack) => {
      stack.pushNumber(value);
      stack.pushNumber(below(3) === 0 ? 1 + below(13) : 14);
      return 2;
    });
    expect(vm.stack.latin1(1), `${value}`).toBe(vm.stack.latin1(2));
  }
});

test("the benchmark runs, in its small size", () => {
  const rows = runLuaBenchmark({ rounds: 1, roundUs: 100 }, "call");
  expect(rows.length).toBeGreaterThan(1);
});
