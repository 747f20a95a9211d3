/**
 * Scripts that mean harm, made from a seed: every function of every library with extreme arguments, bombs for
 * the parser, for patterns, for the stack and for memory, loops without end, doors that should be closed, and
 * all of it mistyped.
 *
 * What no server survives is not made: patterns that take exponential time, which nothing can interrupt,
 * here as in Redis. And what never ends writes nothing, or SCRIPT KILL would be refused.
 */
import { ScriptMaker } from "@kv/lua/testing";
import type { Chance } from "./chance.ts";

/** A script, and what may be expected of it. */
export interface HostileScript {
  source: string;
  /** What it is about. */
  kind: HostileKind;
}

export type HostileKind =
  | "made"
  | "extreme"
  | "parser"
  | "deep"
  | "memory"
  | "endless"
  | "door"
  | "reply"
  | "mistyped";

const functions = {
  "": "assert collectgarbage error getmetatable ipairs load loadstring next pairs pcall rawequal rawget rawset select setmetatable tonumber tostring type unpack xpcall",
  string: "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper",
  table: "concat foreach foreachi getn insert maxn remove setn sort",
  math: "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max min modf pow rad random randomseed sin sinh sqrt tan tanh",
  coroutine: "create resume running status wrap yield",
  bit: "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex",
  struct: "pack unpack size",
  cmsgpack: "pack unpack unpack_limit unpack_one",
  cjson:
    "decode encode new decode_invalid_numbers decode_max_depth encode_invalid_numbers encode_keep_buffer encode_max_depth encode_number_precision encode_sparse_array",
  os: "clock",
  redis:
    "call pcall error_reply status_reply sha1hex log setresp set_repl replicate_commands breakpoint debug acl_check_cmd",
};
const names = Object.entries(functions).flatMap(([library, list]) =>
  list.split(" ").map((name) => (library === "" ? name : `${library}.${name}`)),
);

const extremes = [
  ...[
    "nil",
    "true",
    "0",
    "-0",
    "1",
    "-1",
    "0/0",
    "1/0",
    "-1/0",
    "2^31",
    "-2^31",
    "2^31 - 1",
    "2^32",
    "2^53",
    "2^63",
  ],
  ...[
    "-2^63",
    "2^64",
    "1e300",
    "-1e300",
    "5e-324",
    "0.5",
    "'9223372036854775808'",
    "'-'",
    "'0x'",
    "''",
    "'\\0'",
  ],
  ...[
    "('x'):rep(1e5)",
    "('%'):rep(1e4)",
    "('['):rep(1e4)",
    "('%a'):rep(100)",
    "('('):rep(40)",
    "('9'):rep(400)",
  ],
  ...[
    "('>i8s'):rep(1000)",
    "'%99.99f'",
    "'%s%s%s%s%s%s%s%s%s%s%s%s'",
    "('\\221\\255'):rep(1e4)",
    "'\\27Lua'",
  ],
  ...[
    "'%c%d%x%q%n'",
    "'c2147483647'",
    "'i999999999'",
    "'\\223\\127\\255\\255\\255'",
    "'!9999s'",
    "'%b'",
    "'%f'",
  ],
  ...[
    "{}",
    "cyclic",
    "deep",
    "huge",
    "holes",
    "strange",
    "_G",
    "string",
    "redis",
    "cjson.null",
    "KEYS",
    "ARGV",
  ],
  ...[
    "function() end",
    "function(...) return ... end",
    "print",
    "function() error({}) end",
    "thread",
    "yielding",
  ],
  ...[
    "string.rep",
    "pcall",
    "error",
    "tostring",
    "redis.call",
    "redis",
    "unpack",
    "getmetatable('')",
    "self",
  ],
  ...[
    "'set'",
    "'get'",
    "'guest:k'",
    "'lrange'",
    "'eval'",
    "'config'",
    "'multi'",
    "'subscribe'",
    "'*'",
    "'secret'",
  ],
];

/** Values that extremes are made of. */
const PRELUDE =
  `local cyclic = {} cyclic.x = cyclic cyclic[1] = cyclic local deep = {} for i = 1, 2000 do deep = {deep} end
local huge = {} for i = 1, 3000 do huge[i] = i end local holes = {[1] = 1, [2^31] = 2, [-5] = 3, [1e300] = 4, [0.5] = 5}
local strange = setmetatable({}, {__index = function(t, k) return t end, __newindex = function() error({}) end,
__call = function(...) return ... end, __tostring = function() return {} end, __eq = function() error('eq') end,
__lt = function() return {} end, __concat = function() error() end, __len = function() return 2^53 end,
__metatable = {}, __mode = 'kv', __gc = error, __unm = pcall, __add = string.rep})
local thread = coroutine.create(function() while true do coroutine.yield(1) end end)
local yielding = coroutine.wrap(function() for i = 1, 10 do coroutine.yield(coroutine.running()) end error({}) end)
local function self() return select('#', pcall(self)) end
`.replaceAll("\n", " ");

const opening = [
  "(",
  "{",
  "do ",
  "function() ",
  "if x then ",
  "- ",
  "not ",
  "1 .. ",
  "1 ^ ",
  "f(",
  "a.",
  "a[",
  "while x do ",
  "repeat ",
  "[[",
  "[==[",
  "--[[",
  "'",
  '"\\',
  "a,",
  "\0",
  "return ",
  "else ",
  "elseif x then ",
  "x = function() return ",
  "{[{",
  "local a <",
  "(function() ",
  "goto ",
  "::",
];

/** How a script runs out of the stack. */
const depths = [
  "local function f() return 1 + f() end f()",
  "local function f(...) return f(1, ...) end f()",
  "local function f() return select(2, pcall(f)) end return f()",
  "local function f() return (string.gsub('a', 'a', f)) end f()",
  "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
  "local a, b = {}, {} setmetatable(a, {__index = b}) setmetatable(b, {__index = a}) return a.x",
  "local function f() return coroutine.wrap(f)() end f()",
  "local function f() return coroutine.resume(coroutine.create(f)) end return f()",
  "return xpcall(error, function() error() end)",
  "local function f(e) return xpcall(f, f) end return f()",
  "local m = {} m.__tostring = function(x) return tostring(x) end return tostring(setmetatable({}, m))",
  "local function f(a, b) table.sort({1, 2, 3}, f) return a < b end f(1, 2)",
  "local m = {} m.__concat = function(a, b) return a .. b end return setmetatable({}, m) .. 'x'",
  "local m = {} m.__call = setmetatable({}, m) return setmetatable({}, m)()",
  "local s = 'return 1' for i = 1, 300 do s = 'return loadstring(' .. string.format('%q', s) .. ')' if #s > 1e6 then break end end return loadstring(s)()",
  "local function f() return load(f) end return f()",
  "local function f() return load(function() return f() end) end return f()",
  "return #string.rep('a', 200):gsub('.', function(c) return c:rep(1000) end)",
  "local t = {} for i = 1, 200000 do t[i] = i end return unpack(t)",
  "local t = {} for i = 1, 100000 do t = {t} end return t",
  "local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)",
  "local t = {} for i = 1, 100000 do t = {t} end return cmsgpack.pack(t)",
  "return cmsgpack.unpack(string.rep('\\145', 1e5))",
  "return cmsgpack.unpack(string.rep('\\129\\161a', 1e5))",
  "return cjson.decode(string.rep('[', 1e6))",
  "return cjson.decode(string.rep('{\"a\":', 1e5))",
  "return string.find(string.rep('a', 3e5), string.rep('a?', 3e5) .. 'b')",
  "return string.find(string.rep('a', 2000), '.-b')",
  "return string.match(string.rep('(', 5000), '%b()')",
  "return string.find(string.rep('a', 300), '(.-)(.-)b')",
  "return string.rep('x', 1e4):gsub('()', '%1%1%1')",
  "local t = {} for i = 1, 40 do t[i] = string.rep('x', 100) end return string.format(string.rep('%s', 40), unpack(t))",
  "return {map = {[{}] = {}}}",
  "local t = {} t[1] = t return t",
  "local t = {} t.map = t return t",
  "local t = {} t.set = {[t] = true} return t",
  "redis.setresp(3) local t = {} t.map = {a = t} return t",
];

/** How a script takes memory: it gets an error, in the end. */
const hoards = [
  "local t = {} for i = 1, 1e9 do t[i] = i end",
  "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000 + i) end",
  "local s = 'x' while true do s = s .. s end",
  "return #string.rep('x', 2^31 - 1)",
  "return #string.rep(string.rep('x', 1e6), 1e6)",
  "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
  "local t = {} while true do local c = coroutine.wrap(function() coroutine.yield() end) c() t[#t + 1] = c end",
  "local t = {} while true do t[#t + 1] = function() return t end end",
  "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 1e6) end return table.concat(t)",
  "local s = string.rep('\\1', 1e7) local t = {} for i = 1, 50 do t[i] = s end return cjson.encode(t)",
  "local s = string.rep('a', 1e6) return s:gsub('a', string.rep('b', 1000))",
  "local t = {} while true do t = {t, t} end",
  "local t = {} for i = 1, 1e9 do t[i % 7 .. ':' .. i] = i end",
  "local s = '' for i = 1, 1e9 do s = s .. i end",
  "local t = {} for i = 1, 1e8 do t[i] = cjson.decode('[1,2,3,[4]]') end",
  "local t = {} for i = 1, 1e8 do t[i] = redis.sha1hex(i) end",
  "local t = {} for i = 1, 1e8 do t[i] = redis.pcall('nope') end",
  "local s = string.rep('x', 3e6) return {s, s, s}",
  "local t = {} while true do t[#t + 1] = loadstring('return ' .. #t) end",
  "return pcall(function() local t = {} while true do t[#t + 1] = {#t} end end)",
  "local function f(...) return f('x', ...) end return f()",
  "local t = {} while true do t[#t + 1] = cjson.new() end",
  "local t = {} for i = 1, 1e9 do t[#t + 1] = cmsgpack.pack({i, i}) .. struct.pack('>I8', i) end",
];

/** What never ends, until it is killed. */
const endless = [
  "while true do end",
  "while true do pcall(function() while true do end end) end",
  "repeat until false",
  "local function f() return f() end f()",
  "for i = 1, math.huge do end",
  "while true do pcall(error) end",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end",
  "coroutine.wrap(function() while true do end end)()",
  "while true do redis.pcall('get', 'guest:k') end",
  "while true do redis.pcall('nope') end",
  "while true do pcall(redis.call, 'get') end",
  "load(function() while true do end end)",
  "load(function() return ' ' end)",
  "string.gsub(string.rep('x', 10), '.', function() while true do end end)",
  "table.sort({3, 2, 1}, function() while true do end end)",
  "return setmetatable({}, {__index = function() while true do end end}).x",
  "local t = setmetatable({}, {__tostring = function() while true do end end}) return tostring(t)",
  "while true do local t = {} for i = 1, 100 do t[i] = {i} end end",
  "while true do string.rep('x', 1e5) end",
  "while true do cjson.decode(cjson.encode({1, {2}, 'x'})) end",
  "while true do loadstring('return 1')() end",
  "while true do coroutine.wrap(function() end)() end",
  "while true do pcall(string.rep, 'x', -1) collectgarbage('step') end",
  "while true do tostring({}):gsub('%x', {}) end",
  "return {x = next, f = (function() while true do end end)()}",
];

/** Doors that are to be closed: to the host, to other users and to whoever comes next. */
const doors = [
  "return io.open('/etc/passwd'):read('*a')",
  "return os.execute('id')",
  "return os.getenv('HOME')",
  "os.exit(1)",
  "return require('os')",
  "return package.loadlib('x', '*')",
  "return dofile('/etc/passwd')",
  "return loadfile('/etc/passwd')",
  "return debug.getregistry()",
  "return debug.getupvalue(redis.call, 1)",
  "return getfenv(0)",
  "setfenv(0, {})",
  "return newproxy(true)",
  "module('x')",
  "return loadstring(string.dump(function() return 1 end))()",
  "return load(function() return '\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0' end)",
  "return loadstring('\\27LuaQ\\0\\1\\4\\4\\4\\8\\0' .. string.rep('\\255', 200))",
  "string.rep = nil",
  "rawset(string, 'rep', 1)",
  "rawset(_G, 'x', 1)",
  "_G.tostring = print",
  "redis.call = function() end",
  "rawset(redis, 'call', error)",
  "setmetatable(_G, {})",
  "getmetatable('').__index = function() return 'mine' end",
  "rawset(getmetatable(''), '__index', nil)",
  "getmetatable('').__add = error",
  "setmetatable(string, {__index = error})",
  "table.insert(_G, 1)",
  "table.remove(string)",
  "table.sort(_G)",
  "table.setn(redis, 5)",
  "for k, v in pairs(_G) do pcall(rawset, _G, k, nil) end",
  "for k, v in pairs(redis) do pcall(rawset, redis, k, nil) end",
  "for k, lib in pairs(_G) do if type(lib) == 'table' then for n in pairs(lib) do pcall(function() lib[n] = 0 end) pcall(rawset, lib, n, 0) end end end",
  "next, type = nil",
  "local x = _G.KEYS x[1] = 'secret' return redis.call('get', KEYS[1])",
  "KEYS = 1",
  "_G.KEYS = {'secret'}",
  "return redis.call('get', 'secret')",
  "return redis.call('dump', 'secret')",
  "return redis.call('mget', 'guest:k', 'secret')",
  "return redis.call('copy', 'secret', 'guest:s')",
  "return redis.call('rename', 'secret', 'guest:s')",
  "return redis.call('sort', 'guest:l', 'by', 'secret', 'get', 'secret')",
  "return redis.call('bitop', 'or', 'guest:s', 'secret')",
  "return redis.call('lcs', 'secret', 'guest:k')",
  "return redis.call('keys', '*')",
  "return redis.call('scan', 0)",
  "return redis.call('randomkey')",
  "return redis.call('acl', 'setuser', 'guest', 'on', '~*')",
  "return redis.call('acl', 'whoami')",
  "return redis.call('auth', 'default', '')",
  "return redis.call('hello', 3)",
  "return redis.call('config', 'set', 'dir', '/tmp')",
  "return redis.call('config', 'get', '*')",
  "return redis.call('debug', 'sleep', 1)",
  "return redis.call('shutdown')",
  "return redis.call('script', 'flush')",
  "return redis.call('script', 'kill')",
  "return redis.call('function', 'flush')",
  "return redis.call('eval', 'return 1', 0)",
  "return redis.call('client', 'kill', 'id', 1)",
  "return redis.call('client', 'list')",
  "return redis.call('monitor')",
  "return redis.call('subscribe', 'x')",
  "return redis.call('psync', '?', -1)",
  "return redis.call('replicaof', 'localhost', 1)",
  "return redis.call('module', 'load', '/x')",
  "return redis.call('save')",
  "return redis.call('flushall')",
  "return redis.call('swapdb', 0, 1)",
  "redis.call('select', 1) return redis.call('get', 'secret')",
  "return redis.call('multi')",
  "return redis.call('watch', 'guest:k')",
  "return redis.call('wait', 1, 0)",
  "return redis.call('xread', 'block', 0, 'streams', 'guest:x', '$')",
  "return redis.call('blpop', 'guest:none', 0)",
  "return redis.call('object', 'encoding', 'secret')",
  "return redis.call('memory', 'usage', 'secret')",
  "return redis.call('migrate', 'localhost', 1, 'secret', 0, 10)",
  "return redis.call('georadius', 'secret', 1, 1, 1, 'm', 'store', 'guest:g')",
  "return redis.log(redis.LOG_WARNING, ('x'):rep(1000))",
  "return redis.log(3, 'a\\r\\nb\\0c')",
  "return redis.sha1hex(('x'):rep(1e6))",
  "return redis.acl_check_cmd('get', 'secret')",
  "cjson.encode_max_depth(1) cjson.encode_number_precision(1) cjson.encode_sparse_array(true)",
  "cjson.decode_max_depth(1) cjson.decode_invalid_numbers(false)",
  "collectgarbage('stop') collectgarbage('setpause', 1e6) collectgarbage('setstepmul', 1)",
  "math.randomseed(1) return math.random()",
  "return tostring(redis.call) .. tostring(_G)",
  "local s = redis.call s('set', 'guest:k', ('x'):rep(1e6)) return s('append', 'guest:k', 'y')",
  "return redis.call('setrange', 'guest:k', 536870911, 'x')",
  "return redis.call('setbit', 'guest:k', 2^32, 1)",
];

/** What a script answers with, at the limits of a reply. */
const replies = [
  "local t = {} for i = 1, 2e5 do t[i] = i end return t",
  "local t = {} for i = 1, 2e4 do t[i] = {i, tostring(i)} end return t",
  "return string.rep('x', 3e6)",
  "return {err = string.rep('x', 1e6)}",
  "return {ok = string.rep('x\\r\\n', 1e5)}",
  "error(string.rep('x', 1e6))",
  "error({err = string.rep('e', 1e6)})",
  "error({err = '\\r\\n'})",
  "error({})",
  "error({err = {}})",
  "error({err = 1})",
  "error(nil)",
  "error(function() end)",
  "error(setmetatable({}, {__index = function() error() end}))",
  "error({err = 'a', source = {}, line = 'x'})",
  "return setmetatable({}, {__index = function(t, i) return i end})",
  "return {verbatim_string = {format = 'x', string = ''}}",
  "return {map = setmetatable({}, {__index = error})}",
  "return {big_number = string.rep('1', 1e5)}",
  "return {double = 0/0}",
  "return {double = '1'}",
  "return {map = {[0/1] = 1, [true] = {set = {x = 1}}}}",
  "return string, redis, _G",
  "return _G",
  "local t = {} for i = 1, 300 do t = {t, t = t} end return t",
  "return coroutine.create(print)",
  "return 1e308 * 10",
  "return -2^63",
  "return {1, nil, 3}",
  "return {set = {[cjson.null] = 1}}",
  "redis.setresp(3) return redis.call('hgetall', 'guest:h')",
  "redis.setresp(3) return {map = {a = {map = {b = {set = {c = true}}}}}}",
  "return redis.pcall('lrange', 'guest:l', 0, -1)",
];

/** Commands with which made scripts keep something of their own. */
const commands = [
  "'get', 'guest:k'",
  "'set', 'guest:k', 'v'",
  "'incr', 'guest:n'",
  "'rpush', 'guest:l', 1, 2",
  "'ltrim', 'guest:l', 0, 9",
  "'hset', 'guest:h', 'a', 1",
  "'hgetall', 'guest:h'",
  "'zadd', 'guest:z', 1.5, 'm'",
  "'zrange', 'guest:z', 0, -1, 'withscores'",
  "'sadd', 'guest:s', 'x'",
  "'smembers', 'guest:s'",
  "'xadd', 'guest:x', 'maxlen', 5, '*', 'f', 'v'",
  "'xrange', 'guest:x', '-', '+'",
  "'get', 'secret'",
  "'nope'",
  "'lpop', 'guest:k'",
  "'geoadd', 'guest:g', 1, 1, 'p'",
  "'pfadd', 'guest:p', 'a'",
  "'setbit', 'guest:b', 9, 1",
  "'time'",
];

/** Makes scripts: see the head of this file. */
export class HostileScriptMaker {
  private readonly chance: Chance;
  private readonly lua: ScriptMaker;

  constructor(chance: Chance) {
    this.chance = chance;
    const call = () => `redis.${chance.of(["call", "pcall"])}(${chance.of(commands)})`;
    this.lua = new ScriptMaker(chance.below(2 ** 31), call);
  }

  make(): HostileScript {
    const { chance } = this;
    const kind = chance.below(1000);
    if (kind < 300) return { kind: "made", source: this.lua.script() };
    if (kind < 600) return { kind: "extreme", source: this.extreme() };
    if (kind < 680) return { kind: "parser", source: this.parser() };
    if (kind < 780) return { kind: "door", source: chance.of(doors) };
    if (kind < 830) return { kind: "deep", source: chance.of(depths) };
    if (kind < 880) return { kind: "reply", source: chance.of(replies) };
    if (kind < 881) return { kind: "memory", source: chance.of(hoards) };
    if (kind < 889) return { kind: "endless", source: chance.of(endless) };
    return { kind: "mistyped", source: this.mistyped() };
  }

  private extreme(): string {
    const { chance } = this;
    const argument = () => chance.of(extremes);
    const lines = Array.from({ length: 1 + chance.below(6) }, () => {
      const given = Array.from({ length: chance.below(5) }, argument);
      const called = `${chance.of(names)}`;
      return chance.percent(20)
        ? `${called}(${given.join(", ")})`
        : `r = {pcall(${[called, ...given].join(", ")})}`;
    });
    const ending = chance.of(["return r", "return #r", "return r[2]", "return tostring(r[2])", ""]);
    return `${PRELUDE} local r = {} ${lines.join("\n")} ${ending}`;
  }

  private parser(): string {
    const { chance } = this;
    const piece = Array.from({ length: 1 + chance.below(3) }, () => chance.of(opening)).join("");
    const count = chance.of([3, 50, 199, 201, 1000, 20_000]);
    const whole = `${chance.of(["return ", "local x = ", "", "f"])}${piece.repeat(count)}`;
    return chance.percent(30) ? `return #tostring(loadstring(${luaString(whole)}))` : whole;
  }

  /** Any other script that ends, with bytes changed, lost, doubled or moved. */
  private mistyped(): string {
    const { chance } = this;
    let text = chance.of([
      () => this.extreme(),
      () => chance.of(doors),
      () => chance.of(replies),
      () => chance.of(depths),
    ])();
    for (let count = 1 + chance.below(4); count > 0; count--) {
      const at = chance.below(text.length + 1);
      const length = chance.below(8);
      const put = chance.of([
        "",
        "",
        "(",
        ")",
        "end",
        "\0",
        "\xff",
        "'",
        "[[",
        "..",
        "-",
        "nil",
        "...",
        text.slice(at, at + 30),
      ]);
      text = text.slice(0, at) + put + text.slice(at + length);
    }
    return text;
  }
}

function luaString(text: string): string {
  return `'${text.replace(/[\\'\n\r\0]/g, (letter) => `\\${`${letter.charCodeAt(0)}`.padStart(3, "0")}`)}'`;
}
