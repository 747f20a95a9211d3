/**
 * What a run costs, and what the libraries cost within one.
 *
 *   node src/lua.bench.ts            a short run that only shows that the benchmark works
 *   node src/lua.bench.ts --large    real figures
 *
 * A word after that picks the rows whose names contain it. Rows with a loop have the cost of an empty one
 * taken off. A figure is CPU time of the whole process, collection of garbage included, and the least of
 * many rounds: other programs can only make a round slower.
 */

import { LuaScript, LuaVm, Outcome } from "./index.ts";
import { luaModule } from "./node.ts";

/** How long to measure. */
export interface BenchmarkSize {
  rounds: number;
  /** CPU time of one round, about. */
  roundUs: number;
}

export interface BenchmarkRow {
  name: string;
  us: number;
}

const SMALL: BenchmarkSize = { rounds: 1, roundUs: 200 };
const LARGE: BenchmarkSize = { rounds: 20, roundUs: 20_000 };

/** A script, and how often what it is about happens in one run of it. */
interface Row {
  name: string;
  source: string;
  times: number;
  /** The same script without what it is about. */
  empty?: string;
}

function loop(name: string, setup: string, body: string, times = 200): Row {
  const around = (inner: string) => `${setup} for i = 1, ${times} do ${inner} end`;
  return { name, source: around(body), times, empty: around("") };
}

const users =
  "local t = {} for i = 1, 20 do t[i] = {id = i, name = 'user' .. i, score = i * 1.5, tags = {'a', 'b'}} end";

const ROWS: Row[] = [
  { name: "return 1", source: "return 1", times: 1 },
  { name: "ten calls of the host", source: "host() ".repeat(10), times: 1 },
  {
    name: "the same, ready for a suspension",
    source: `for i = 1, 1 do end ${"host() ".repeat(10)}`,
    times: 1,
  },
  { name: "sum of 1e6", source: "local n = 0 for i = 1, 1e6 do n = n + i end return n", times: 1 },
  {
    name: "fib(15)",
    source:
      "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(15)",
    times: 1,
  },
  loop("call of the host", "", "host()"),
  loop("string.format", "", "local x = string.format('%d:%s:%5.2f', i, 'abc', 1.5)"),
  loop("string.sub", "", "local x = string.sub('hello world', 2, 5)"),
  loop("string.gsub", "", "local x = string.gsub('hello', 'l', 'x')"),
  loop("concatenation", "", "local x = 'a' .. i .. 'b'"),
  loop("table.insert", "local t = {}", "table.insert(t, i)"),
  loop(
    "pairs of 10",
    "local t = {a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10}",
    "for k, v in pairs(t) do end",
  ),
  loop("bit.band", "", "local x = bit.band(i, 255)"),
  loop("struct.pack", "", "local x = struct.pack('>I2i4s', 1, 2, 'abc')"),
  loop(
    "struct.unpack",
    "local s = struct.pack('>I2i4s', 1, 2, 'abc')",
    "local x = struct.unpack('>I2i4s', s)",
  ),
  loop("cjson.encode of 1 KB", users, "local x = cjson.encode(t)", 20),
  loop(
    "cjson.decode of 1 KB",
    `${users} local s = cjson.encode(t)`,
    "local x = cjson.decode(s)",
    20,
  ),
  loop("cmsgpack.pack", users, "local x = cmsgpack.pack(t)", 20),
  loop(
    "cmsgpack.unpack",
    `${users} local s = cmsgpack.pack(t)`,
    "local x = cmsgpack.unpack(s)",
    20,
  ),
];

function usedUs(times: number, work: () => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function bestUs(machine: LuaVm, source: string, size: BenchmarkSize): number {
  const script = machine.compile(Buffer.from(source), "@bench");
  if (!(script instanceof LuaScript)) throw new Error(script.message);
  const run = () => {
    if (machine.run(script) !== Outcome.DONE) throw new Error(machine.stack.latin1(1));
  };
  let times = 1;
  while (usedUs(times, run) < size.roundUs) times *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < size.rounds; round++)
    best = Math.min(best, usedUs(times, run) / times);
  machine.release(script);
  return best;
}

/** Measures rows whose names contain `part`. */
export function runLuaBenchmark(size: BenchmarkSize, part = ""): BenchmarkRow[] {
  const machine = new LuaVm({ module: luaModule() });
  const library = machine.library({ call: () => 0 });
  machine.environment.define("library", library);
  return ROWS.filter(({ name }) => name.includes(part)).map(({ name, source, times, empty }) => {
    const code = (text: string) => `local host = library.call ${text}`;
    const whole = bestUs(machine, code(source), size);
    const rest = empty === undefined ? 0 : bestUs(machine, code(empty), size);
    return { name, us: (whole - rest) / times };
  });
}

function main(mode = "", part = ""): void {
  for (const { name, us } of runLuaBenchmark(mode === "--large" ? LARGE : SMALL, part)) {
    console.log(`${name.padEnd(36)}${us.toFixed(3).padStart(12)} us`);
  }
}

if (import.meta.main) main(...process.argv.slice(2));
