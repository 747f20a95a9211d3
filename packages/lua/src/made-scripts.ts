/**
 * Scripts made from a seed, for tests: each tries a few expressions over all libraries and answers with
 * one text that describes every result and every error, so that two machines can be compared by it.
 *
 * Left out is what may differ or hurt: addresses, the order of keys that are addresses, the last digits of
 * powers, sizes of the garbage, and arguments that would keep a server busy or take gigabytes (`string.rep`
 * of 2^31 - 1).
 */

import {
  ALL_FUNCTIONS,
  COUNTS,
  DIGITS,
  EDGES,
  FORMATS,
  ODD_JSON,
  PACKS,
  PIECES,
  SOURCES,
  STRINGS,
  TABLES,
} from "./script-pieces.ts";

/**
 * Goes before what is made: `show` describes a value, numbers with all of their digits and tables by sorted
 * keys; `try` calls a function and appends what came of it to `out`; `rounded` keeps ten digits of a number,
 * for what takes its last ones from the C library, and the sign of NaN.
 */
export const PRELUDE = `
math.randomseed(0) local out = {}
local function show(v, d)
  local t = type(v)
  if t == 'number' then return v ~= v and 'nan' or string.format('%.17g', v) end
  if t == 'string' then return string.format('%q', v) end
  if t ~= 'table' then return t == 'boolean' and tostring(v) or t end
  if d > 6 then return '{...}' end
  local ks, ps = {}, {}
  for k in pairs(v) do
    if type(k) == 'number' or type(k) == 'string' or type(k) == 'boolean' then ks[#ks + 1] = k end
  end
  table.sort(ks, function(a, b)
    if type(a) == type(b) and type(a) ~= 'boolean' then return a < b end
    return type(a) .. tostring(a) < type(b) .. tostring(b)
  end)
  for i = 1, #ks do ps[i] = '[' .. show(ks[i], d + 1) .. ']=' .. show(v[ks[i]], d + 1) end
  return '{' .. table.concat(ps, ',') .. '}'
end
local function rounded(n)
  if n ~= n then return 0/0 end
  return tonumber(string.format('%.10g', n))
end
local function try(f)
  local r = {n = 0}
  local function take(...)
    r.n = select('#', ...)
    for i = 1, r.n do r[i] = (select(i, ...)) end
  end
  take(pcall(f))
  local p = {}
  for i = 1, math.min(r.n, 20) do p[i] = show(r[i], 0) end
  out[#out + 1] = r.n .. ':' .. table.concat(p, ' ')
end
`.replaceAll("\n", " ");

/** Makes scripts: see the head of this file. */
export class ScriptMaker {
  private state: number;
  private readonly hostCall: (() => string) | null;

  /** `hostCall` makes expressions that call the host: they stand wherever a value may. */
  constructor(seed: number, hostCall: (() => string) | null = null) {
    this.state = seed >>> 0;
    this.hostCall = hostCall;
  }

  /** A script of a few expressions, each in a line of its own. */
  script(): string {
    const lines = Array.from({ length: 1 + this.below(4) }, () => this.statement());
    return `${PRELUDE}\n${lines.join("\n")}\nreturn table.concat(out, '\\n')`;
  }

  /** A statement that tries a few expressions; it needs the prelude. */
  statement(): string {
    return `try(function() ${this.body()} end)`;
  }

  /** An expression of any type. `depth`: how deep it stands in others, which keeps it short. */
  expression(depth = 0): string {
    return this.any(depth);
  }

  /** Instead of other values, one time in `odds`. */
  private callsHost(odds: number): boolean {
    return this.hostCall !== null && this.below(odds) === 0;
  }

  private below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  private body(): string {
    const kind = this.below(12);
    if (kind < 7) return `return ${this.any(0)}`;
    if (kind === 7) return this.tableWork();
    if (kind === 8) return this.closures();
    if (kind === 9) return this.coroutines();
    if (kind === 10) return this.metatables();
    return this.roundTrip();
  }

  private any(depth: number): string {
    if (this.callsHost(4)) return this.hostCall!();
    const kind = this.below(10);
    if (kind < 3) return this.number(depth);
    if (kind < 6) return this.string(depth);
    if (kind < 8) return this.table(depth);
    if (kind === 8) return this.pick(["nil", "true", "false"]);
    return this.call(depth);
  }

  private number(depth: number): string {
    if (this.callsHost(8)) return this.hostCall!();
    const kind = this.below(depth > 3 ? 5 : 12);
    if (kind < 3) return this.pick(["0", "1", "2", "3", "-1", "-2", "7", "10", "100", "255", "16"]);
    if (kind === 3) return this.pick(EDGES);
    if (kind === 4)
      return `${(this.below(2_000_000) - 1_000_000) / this.pick([1, 2, 3, 7, 10, 1000])}`;
    if (kind < 8) {
      const operator = this.pick(["+", "-", "*", "/", "%", "^"]);
      const result = `(${this.number(depth + 1)} ${operator} ${this.number(depth + 1)})`;
      return operator === "^" ? `rounded(${result})` : result;
    }
    if (kind === 8) return `#${this.string(depth + 1)}`;
    if (kind === 9) return `-(${this.number(depth + 1)})`;
    return this.numberCall(depth + 1);
  }

  private numberCall(depth: number): string {
    const n = () => this.number(depth);
    // Which of two bad arguments is complained about is the C compiler's choice: so one is never bad.
    const good = () => `tonumber((${n()})) or 1`;
    return this.pick([
      () => `math.floor(${n()})`,
      () => `math.ceil(${n()})`,
      () => `math.abs(${n()})`,
      () => `math.max(${n()}, ${n()})`,
      () => `math.min(${n()}, ${n()})`,
      () => `math.fmod(${n()}, ${good()})`,
      () => `math.modf(${n()})`,
      () => `math.sqrt(${n()})`,
      () => `math.ldexp(${n()}, ${good()})`,
      () => `math.frexp(${this.pick(["8", "0.3", "-5", "0", "1e300"])})`,
      () =>
        `rounded(math.${this.pick(["sin", "cos", "exp", "log", "atan", "tanh", "log10"])}(${n()}))`,
      () => `bit.${this.pick(["band", "bor", "bxor"])}(${n()}, ${n()}, ${n()})`,
      () => `bit.${this.pick(["lshift", "rshift", "arshift", "rol", "ror"])}(${n()}, ${n()})`,
      () => `bit.${this.pick(["tobit", "bnot", "bswap"])}(${n()})`,
      () => `tonumber(${this.string(depth)})`,
      () =>
        `tonumber(${this.pick(DIGITS)}, ${this.pick(["2", "8", "10", "16", "36", "37", "1", n()])})`,
      () => `select('#', ${this.any(depth)}, ${this.any(depth)})`,
      () => `string.len(${this.string(depth)})`,
      () => `table.getn(${this.table(depth)})`,
      () => `table.maxn(${this.table(depth)})`,
    ])();
  }

  private string(depth: number): string {
    if (this.callsHost(8)) return this.hostCall!();
    const kind = this.below(depth > 3 ? 3 : 8);
    if (kind < 3) return this.pick(STRINGS);
    if (kind === 3)
      return `(${this.string(depth + 1)} .. ${this.pick([this.string(depth + 1), this.number(depth + 1)])})`;
    if (kind === 4)
      return `tostring(${this.pick([this.number(depth + 1), "nil", "true", this.string(depth + 1)])})`;
    return this.stringCall(depth + 1);
  }

  private stringCall(depth: number): string {
    const s = () => this.string(depth);
    const n = () => this.number(depth);
    return this.pick([
      () => `string.sub(${s()}, ${n()}, ${n()})`,
      () => `string.sub(${s()}, ${n()})`,
      () => `(${s()}):upper()`,
      () => `string.lower(${s()})`,
      () => `string.reverse(${s()})`,
      () => `string.rep(${s()}, ${this.pick(COUNTS)})`,
      () => `string.byte(${s()}, ${n()}, ${n()})`,
      () =>
        `string.char(${this.pick(["65", "0", "255", "256", "-1", n()])}, ${this.pick(["66", n()])})`,
      () => `string.format(${this.pick(FORMATS)}, ${this.any(depth)}, ${this.any(depth)})`,
      () => `string.format('%${this.flags()}${this.pick([..."diouxXeEfgGc"])}', ${n()})`,
      () => `string.format('%${this.flags()}${this.pick(["s", "q", "s"])}', ${s()})`,
      () => `string.find(${s()}, ${this.pattern()}, ${this.pick(["1", "2", "-1", n()])})`,
      () => `string.find(${s()}, ${s()}, ${n()}, true)`,
      () => `string.match(${s()}, ${this.pattern()})`,
      () => `string.match(${s()}, ${this.pattern()}, ${n()})`,
      () => `string.gsub(${s()}, ${this.pattern()}, ${this.replacement()})`,
      () =>
        `string.gsub(${s()}, ${this.pattern()}, ${this.replacement()}, ${this.pick(["0", "1", "2", n()])})`,
      () =>
        `(function() local t = {} for a, b in string.gmatch(${s()}, ${this.pattern()}) do t[#t + 1] = a t[#t + 1] = b or 0 if #t > 40 then break end end return table.concat(t, ';') end)()`,
      () => `bit.tohex(${n()}, ${n()})`,
      () =>
        `struct.pack(${this.pick(PACKS)}, ${n()}, ${this.pick([n(), s()])}, ${this.pick([n(), s()])})`,
      () => `cmsgpack.pack(${this.any(depth)})`,
      () => `cjson.encode(${this.any(depth)})`,
      () => `table.concat(${this.table(depth)}, ${this.pick(STRINGS)})`,
      () => `table.concat(${this.table(depth)}, ',', ${n()}, ${this.pick(["1", "2", "3"])})`,
      () => `type(${this.any(depth)})`,
    ])();
  }

  private flags(): string {
    return this.pick([
      "",
      "",
      "-",
      "+",
      " ",
      "#",
      "0",
      "5",
      "-8",
      "08",
      ".3",
      "10.4",
      "+.0",
      "#x",
      "-#+ 05.2",
      ".0",
      "20",
      "099",
      "100",
      ".100",
    ]);
  }

  private pattern(): string {
    const piece = () => this.pick(PIECES) + this.pick(["", "", "*", "+", "-", "?"]);
    const parts = Array.from({ length: 1 + this.below(4) }, piece);
    if (this.below(3) === 0) parts.splice(this.below(parts.length), 0, "(", piece(), ")");
    if (this.below(6) === 0) parts.unshift("^");
    if (this.below(6) === 0) parts.push("$");
    if (this.below(20) === 0)
      parts.push(this.pick(["(", "[", "%", "%b", "%f", ")", "[^", "%9", "()", "%f[a]", "[a"]));
    return `'${parts.join("")}'`;
  }

  private replacement(): string {
    return this.pick([
      "'%0'",
      "'<%1>'",
      "'x'",
      "''",
      "'%%'",
      "'%2'",
      "'%'",
      "{a='b', h=1, l=false}",
      "function(a) return a and #a end",
      "string.upper",
      "function() end",
      "function() return {} end",
      "5",
    ]);
  }

  private table(depth: number): string {
    if (this.callsHost(8)) return this.hostCall!();
    const kind = this.below(depth > 2 ? 3 : 7);
    if (kind < 2) return this.pick(TABLES);
    if (kind === 2) return `{${this.number(depth + 1)}, ${this.string(depth + 1)}}`;
    if (kind === 3)
      return `{[${this.pick([this.number(depth + 1), `string.sub(${this.string(depth + 1)}, 1, 31)`, "true"])}] = ${this.any(depth + 1)}, x = ${this.any(depth + 1)}}`;
    if (kind === 4)
      return `{${Array.from({ length: this.below(6) }, () => this.any(depth + 1)).join(", ")}}`;
    if (kind === 5)
      return `cjson.decode(${this.pick([this.json(0), `cjson.encode(${this.any(depth + 1)})`])})`;
    return this.pick([
      `{unpack(${this.table(depth + 1)}, ${this.number(depth + 1)}, ${this.pick(["1", "2", "5", "-3"])})}`,
      `{string.byte(${this.string(depth + 1)}, 1, -1)}`,
      `{cmsgpack.unpack(${this.pick([`cmsgpack.pack(${this.any(depth + 1)})`, this.string(depth + 1)])})}`,
      `{struct.unpack(${this.pick(PACKS)}, ${this.string(depth + 1)})}`,
    ]);
  }

  /** A text that is JSON, or nearly. */
  private json(depth: number): string {
    const value = (level: number): string => {
      const kind = this.below(level > 3 ? 6 : 9);
      if (kind === 0)
        return this.pick([
          "0",
          "1",
          "-1",
          "1.5",
          "1e3",
          "-0",
          "12345678901234567890",
          "0.1",
          "1E-2",
          "123456789012345",
        ]);
      if (kind === 1)
        return this.pick([
          '"a"',
          '""',
          '"\\\\u0041"',
          '"\\\\ud83d\\\\ude00"',
          '"\\\\n\\\\t\\\\/"',
          '"caf\\195\\169"',
          '"long enough text"',
        ]);
      if (kind === 2) return this.pick(["true", "false", "null"]);
      if (kind === 3 && this.below(3) === 0) return this.pick(ODD_JSON);
      if (kind < 6) return this.pick(["1", '"x"', "null", "[]", "{}"]);
      const items = Array.from({ length: this.below(5) }, () => value(level + 1));
      if (kind < 8) return `[${items.join(this.pick([",", ", ", " ,"]))}]`;
      return `{${items.map((item, i) => `"${this.pick(["a", "b", "key", "x", "1"])}${i}":${item}`).join(",")}}`;
    };
    let text = value(depth);
    if (this.below(8) === 0) text += this.pick(["]", "x", " ", ",", "\\0", "1", "}"]);
    if (this.below(12) === 0)
      text = text.slice(0, this.below(text.length + 1)).replace(/\\+[0-9]*$/, "");
    return `'${text}'`;
  }

  private call(depth: number): string {
    const a = () => this.any(depth + 1);
    return this.pick([
      () => `${this.pick(ALL_FUNCTIONS)}(${Array.from({ length: this.below(4) }, a).join(", ")})`,
      () => `pcall(${this.pick(ALL_FUNCTIONS)}, ${a()})`,
      () => `select(${this.number(depth + 1)}, ${a()}, ${a()})`,
      () => `rawequal(${a()}, ${a()})`,
      () => `(${a()} == ${a()})`,
      () => `(${this.number(depth + 1)} < ${this.number(depth + 1)})`,
      () => `(${this.string(depth + 1)} < ${this.string(depth + 1)})`,
      () => `(${a()} and ${a()} or ${a()})`,
      () => `next(${this.pick(["{}", "{5}", "{a=1}"])})`,
      () =>
        `error(${this.pick([this.string(depth + 1), this.number(depth + 1)])}, ${this.pick(["0", "1", "2", "3"])})`,
      () => `(${a()}).x`,
      () => `(${a()})()`,
      () => `loadstring(${this.pick(SOURCES)})`,
      () => `assert(loadstring(${this.pick(SOURCES)}))()`,
      () => `pcall(error, ${this.pick(["{err='E'}", "{err=1}", "{}", "{err={}}", "nil", "'e'"])})`,
      () => `xpcall(function() return ${a()} end, function(e) return type(e) end)`,
      () => `math.random(0)`,
      () => `unpack(${this.table(depth + 1)})`,
      () => `struct.size(${this.pick(PACKS)})`,
    ])();
  }

  private tableWork(): string {
    const steps = Array.from({ length: 2 + this.below(6) }, () =>
      this.pick([
        // In brackets it is one value, whatever it is: two would be a position and a value.
        () => `table.insert(t, (${this.any(2)}))`,
        () => `table.insert(t, ${this.below(6) - 1}, ${this.any(2)})`,
        () => `r[#r + 1] = table.remove(t) or 0`,
        () => `r[#r + 1] = table.remove(t, ${this.number(3)}) or 0`,
        () => `t[${this.pick(["1", "2", "#t + 1", "'k'", this.number(3)])}] = ${this.any(2)}`,
        () => `table.sort(t)`,
        () => `table.sort(t, function(a, b) return show(a, 0) > show(b, 0) end)`,
        () => `for i, v in ipairs(t) do r[#r + 1] = i end`,
        () => `table.foreachi(t, function(i, v) r[#r + 1] = i if i > 3 then return i end end)`,
        () => `r[#r + 1] = #t`,
        () => `t[#t] = nil`,
      ])(),
    );
    return `local t, r = ${this.table(1)}, {} if type(t) ~= 'table' then return t end ${steps.join(" ")} return t, r`;
  }

  private closures(): string {
    return `local n = ${this.number(2)} local function f(a, ...) n = n + 1 if n > 1e6 or not a then return n, ... end return ${this.any(3)}, n end return f(${this.any(2)}), f(), f(nil, ${this.any(2)}, ${this.any(2)})`;
  }

  private coroutines(): string {
    return `local c = coroutine.create(function(a, b) local x = coroutine.yield(${this.any(2)}, a) ${this.pick(["", "error('in')", "error({1})", "x = x.y"])} local y = coroutine.yield(x, ${this.any(2)}) return y, ${this.any(2)} end) local r = {} for i = 1, ${2 + this.below(4)} do r[i] = {coroutine.resume(c, ${this.any(2)}, i)} r[i].s = coroutine.status(c) end ${this.pick(["", "r.w = {pcall(coroutine.wrap(function() return coroutine.yield(1) end))}", "r.p = {pcall(coroutine.yield, 1)}"])} return r`;
  }

  private metatables(): string {
    const event = this.pick([
      "__add",
      "__sub",
      "__mul",
      "__div",
      "__mod",
      "__pow",
      "__unm",
      "__concat",
      "__eq",
      "__lt",
      "__le",
      "__call",
      "__index",
      "__newindex",
      "__tostring",
      "__len",
      "__metatable",
    ]);
    const use = this.pick([
      "a + b",
      "a - 1",
      "2 * a",
      "a / b",
      "a % b",
      "a ^ 2",
      "-a",
      "a .. 'x'",
      "a == b",
      "a < b",
      "a <= b",
      "a(1, 2)",
      "a.z",
      "tostring(a)",
      "#a",
      "getmetatable(a)",
      "setmetatable(a, {})",
      "rawget(a, 'z')",
      "a[b]",
    ]);
    return `local m = {} m.${event} = ${this.pick(["function(x, y) return y end", `function() return ${this.any(3)} end`, "{z = 5}", "1", "string"])} local a, b = setmetatable({}, m), setmetatable({q = 1}, m) ${this.pick(["", "a.w = 3", "rawset(a, 'w', 4)"])} return ${use}, rawget(a, 'w')`;
  }

  private roundTrip(): string {
    const value = this.any(1);
    return this.pick([
      `return cjson.decode(cjson.encode({${value}}))`,
      `return cmsgpack.unpack(cmsgpack.pack(${value}, ${this.any(2)}))`,
      `local v = cjson.decode(${this.json(0)}) return v, cjson.encode(v)`,
      `cjson.${this.pick(["encode_max_depth(3)", "encode_sparse_array(true, 1, 1)", "encode_number_precision(5)", "encode_invalid_numbers('null')", "decode_max_depth(2)", "decode_invalid_numbers(false)", "encode_invalid_numbers(true)"])} return pcall(cjson.encode, ${value}), pcall(cjson.decode, ${this.json(0)})`,
      `return cmsgpack.unpack_limit(cmsgpack.pack(1, ${value}, 'x'), ${this.pick(["1", "2", "0", "-1", "9"])}, ${this.pick(["0", "1", "2", "100"])})`,
      `return cmsgpack.unpack_one(cmsgpack.pack(${value}, 2), 0)`,
      // Not into the middle of a number: it may be NaN, whose sign is seen there.
      `return cmsgpack.unpack_one(cmsgpack.pack(${this.string(1)}, 2), 1)`,
      `return struct.unpack(${this.pick(PACKS)}, struct.pack(${this.pick(PACKS)}, ${this.number(2)}, ${this.number(2)}, ${this.string(2)}), ${this.pick(["1", "2", "0", "9"])})`,
    ]);
  }
}
