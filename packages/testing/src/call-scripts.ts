/**
 * Scripts that call commands, made from a seed: the requests of fuzz.ts stand as `redis.call()` and
 * `redis.pcall()` among the expressions of @kv/lua's made scripts, so that replies of every type are
 * calculated with, taken apart, packed, thrown and returned.
 *
 *     redis.setresp(3)
 *     try(function() return cjson.encode(plain(redis.pcall('zrange', KEYS[1], 0, ARGV[1]))) end)
 *     local v1 = redis.call('incr', 'string1')
 *     return {v1, table.concat(out, '\n')}
 *
 * A reply that has more than one right form (random members, sets in any order, times, digits of scores)
 * is brought to one before anything is done with it. What kills a redis-server 7.0 is not made: an
 * uncaught error that is a table without `err`.
 */
import { FLAG_BITS } from "@kv/commands";
import { PRELUDE as LUA_PRELUDE, ScriptMaker } from "@kv/lua/testing";
import type { Chance } from "./chance.ts";
import { prologueOf, type RequestMaker, vague } from "./fuzz.ts";

type Words = (string | number)[];

/** A script and what it is called with. */
export interface MadeScript {
  source: string;
  keys: string[];
  args: string[];
}

/**
 * In redis-server, settings of cjson outlive a script. `kind` is all that is told of a reply that is a
 * matter of chance, `near` of a time, `ordered` takes the order, `plain` the digits out of a reply, and
 * `given` what Lua prints in several ways out of an argument, and what Redis does: 7.0 gives a number that
 * is an argument seventeen digits, 7.2 as many as it takes.
 */
export const PRELUDE = `${LUA_PRELUDE}
cjson.encode_max_depth(1000) cjson.encode_sparse_array(false, 2, 10) cjson.encode_number_precision(14)
cjson.encode_invalid_numbers(false) cjson.decode_max_depth(1000) cjson.decode_invalid_numbers(true)
local described = tostring
local function tostring(v) return (described(v):gsub('^(%a+): 0x%x+$', '%1')) end
local function kind(v) return type(v) == 'table' and v.err or type(v) end
local function near(v) return type(v) == 'number' and v > 0 and 1 or v end
local function ordered(v)
  if type(v) ~= 'table' or v.err then return v end
  local r = {}
  for k, w in pairs(v.set or v.map or v) do r[#r + 1] = (v[1] and '' or k .. '=') .. tostring(w) end
  table.sort(r) return r
end
local function plain(v)
  if type(v) == 'string' then return tonumber(v) or v end
  if type(v) ~= 'table' then return v end
  if v.double then return string.format('%.17g', v.double) end
  local r = {} for k, w in pairs(v) do r[k] = plain(w) end return r
end
local function given(v)
  if v ~= v then return 'nan' end
  if type(v) == 'number' then return string.format('%.17g', v) end
  return type(v) == 'string' and (v:gsub('[-+ ]?[nN][aA][nN]', 'nan')) or v
end
`.replaceAll("\n", " ");

/** What a reply with several right forms goes through, by command. */
function formOf(words: Words): string {
  const name = `${words[0]}`.toLowerCase();
  if (vague.has(name) || /^(object|xinfo|xpending|pubsub)$/.test(name)) return "kind";
  if (/^p?(ttl|expiretime)$/.test(name)) return "near";
  if (/^(smembers|s(inter|union|diff)|h(keys|vals|getall)|keys)$/.test(name)) return "ordered";
  return /^b?z/.test(name) ? "plain" : "";
}

/** Commands that take any value: what Lua has calculated goes into them. */
const takers: readonly ((key: string, value: string) => string)[] = [
  (key, value) => `'set', ${key}, ${value}`,
  (key, value) => `'append', ${key}, ${value}`,
  (key, value) => `'getset', ${key}, ${value}`,
  (key, value) => `'incrby', ${key}, ${value}`,
  (key, value) => `'incrbyfloat', ${key}, ${value}`,
  (key, value) => `'hset', ${key}, 'f1', ${value}`,
  (key, value) => `'hincrby', ${key}, ${value}, 7`,
  (key, value) => `'hincrbyfloat', ${key}, 'f2', ${value}`,
  (key, value) => `'lpush', ${key}, ${value}, 'x'`,
  (key, value) => `'lrange', ${key}, ${value}, -1`,
  (key, value) => `'sadd', ${key}, ${value}`,
  (key, value) => `'zadd', ${key}, 1, ${value}`,
  (key, value) => `'zadd', ${key}, ${value}, 'm'`,
  (key, value) => `'xadd', ${key}, '5-*', 'f1', ${value}`,
  (key, value) => `'pfadd', ${key}, ${value}`,
  (key, value) => `'getrange', ${key}, 0, ${value}`,
  (_, value) => `'echo', ${value}`,
  (_, value) => `'exists', ${value}`,
];

/** What scripts return to see it become a reply. */
const returned = [
  ...["nil", "true", "false", "0", "-1", "3.99", "-3.99", "2^53", "2^63", "-2^63", "1e300", "0/0"],
  ...["''", "'text'", "'a\\r\\nb'", "'\\0\\255'", "{}", "{1, 2, nil, 4}", "{nil, 1}", "{{}, {{}}}"],
  ...["{err = 'E x'}", "{err = 'a\\r\\nb'}", "{err = ''}", "{err = 1, 2}", "{ok = 'fine'}"],
  ...["{ok = 'a\\nb'}", "{ok = 1, 2}", "{1, {ok = 'x'}, {err = 'y z'}}", "{err = 'x', ok = 'y'}"],
  ...[
    "{double = 1.5}",
    "{double = 3}",
    "{double = -math.huge}",
    "{double = '1'}",
    "{double = 1e17}",
  ],
  ...["{map = {a = 1}}", "{map = {[1] = {map = {}}}}", "{map = 1, 2}", "{map = {x = false}}"],
  ...[
    "{set = {a = true}}",
    "{set = {}}",
    "{set = {[3] = 1}}",
    "{set = 's'}",
    "{big_number = '12'}",
  ],
  ...[
    "{big_number = 'a\\r\\nb'}",
    "{big_number = 1}",
    "{verbatim_string = {format = 'txt', string = 'v'}}",
  ],
  ...[
    "{verbatim_string = {format = 'markdown', string = 'v'}}",
    "{verbatim_string = {string = 'v'}}",
  ],
  ...["{verbatim_string = {format = 'x', string = 'v'}}", "{verbatim_string = 1, 2}", "{n = 1, 5}"],
  ...["redis.error_reply('x')", "redis.error_reply('-MY x')", "redis.error_reply('My x y')"],
  ...[
    "redis.error_reply('')",
    "redis.error_reply({})",
    "redis.status_reply('y')",
    "redis.status_reply()",
  ],
  ...["redis.status_reply('')", "redis.status_reply(5)", "redis.error_reply(5)", "KEYS", "ARGV"],
  ...[
    "{KEYS, ARGV}",
    "#KEYS",
    "function() end",
    "{print}",
    "{function() end, 1}",
    "{cjson.null, 1}",
  ],
  ...["coroutine.create(function() end)", "setmetatable({}, {__index = function() return 1 end})"],
  ...[
    "setmetatable({}, {__index = {ok = 'x'}})",
    "string",
    "redis.sha1hex('x')",
    "{true, false, 1}",
  ],
];

/** How scripts end with an error that nothing catches. */
const failures = [
  ...[
    "error('out')",
    "error('out', 0)",
    "error('out', 2)",
    "error('a\\r\\nb')",
    "error({err = 'E t'})",
  ],
  ...["error({err = 'one'})", "error(redis.error_reply('x'))", "error(redis.error_reply('MY x'))"],
  ...["error(12)", "local t = nil t.x = 1", "return nothing", "nothing = 1", "return 1 + {}"],
  ...[
    "return #nil",
    "return {} < {}",
    "string.rep()",
    "KEYS[1] = nil KEYS = nil",
    "redis.call = nil",
  ],
  ...["redis.call()", "redis.call({})", "redis.call('nope')", "redis.call('get')", "redis.pcall()"],
  ...[
    "redis.call('multi')",
    "redis.call('eval', 'return 1', 0)",
    "redis.setresp(4)",
    "redis.set_repl(9)",
  ],
  ...[
    "redis.sha1hex()",
    "redis.log(9, 'x')",
    "redis.log('x')",
    "error({err = 'E f', source = 's', line = 3})",
  ],
  ...["error({err = 'E\\r\\nf', ignore_error_stats_update = true})", "assert(false, 'assertion')"],
  ...["assert(nil)", "select(0)", "local f f()", "coroutine.wrap(function() error('in') end)()"],
  ...["error({err = ''})", "error('')", "error({err = '-X y'})", "redis.call('set', 'k', {})"],
];

/** What a script asks of `redis` besides commands. */
const asides = [
  "redis.setresp(2)",
  "redis.setresp(3)",
  "redis.setresp(3)",
  "redis.set_repl(redis.REPL_ALL)",
  "redis.set_repl(redis.REPL_NONE)",
  "redis.set_repl(redis.REPL_AOF)",
  "redis.replicate_commands()",
  "redis.breakpoint()",
  "out[#out + 1] = redis.sha1hex(given(type(v1) == 'string' and v1 or 5))",
  "try(function() return redis.acl_check_cmd('set', 'k', 'v'), redis.acl_check_cmd('nope') end)",
];

/** A word as a literal of Lua. */
function quoted(word: string): string {
  const first = word[0];
  if (first !== undefined && word.length > 20 && word === first.repeat(word.length))
    return `string.rep(${quoted(first)}, ${word.length})`;
  const escaped = word.replace(
    /[^ -&(-[\]-~]/g,
    (character) => `\\${`${character.charCodeAt(0)}`.padStart(3, "0")}`,
  );
  return `'${escaped}'`;
}

/** Makes scripts: see the head of this file. */
export class CallScriptMaker {
  private readonly chance: Chance;
  private readonly requests: RequestMaker;
  private readonly lua: ScriptMaker;
  private keys: string[] = [];
  private args: string[] = [];
  /** How deep calls stand in arguments of calls. */
  private callDepth = 0;
  /** What is made is called by `try`, so that it may raise anything. */
  private isTried = false;

  constructor(chance: Chance, requests: RequestMaker) {
    this.chance = chance;
    this.requests = requests;
    this.lua = new ScriptMaker(chance.below(2 ** 31), () => this.call());
  }

  make(): MadeScript {
    const { chance } = this;
    this.keys = [];
    this.args = [];
    const lines = Array.from({ length: 1 + chance.below(4) }, (_, index) => this.line(index + 1));
    const ending = this.ending();
    let body = [...lines, ending].join("\n");
    if (chance.percent(2)) {
      // A script that somebody has mistyped.
      const at = chance.below(body.length);
      body = body.slice(0, at) + body.slice(at + 1);
    }
    return { source: `${PRELUDE}\n${body}`, keys: this.keys, args: this.args };
  }

  private line(number: number): string {
    const { chance } = this;
    const local = `local v${number} =`;
    if (chance.percent(15)) return `${chance.of(asides)} ${local} 0`;
    if (chance.percent(40)) return `${this.tried()} ${local} 0`;
    // Nothing that a script begins with is lost by an error, most of the time.
    return `${local} ${this.call(chance.percent(90))}`;
  }

  private tried(): string {
    this.isTried = true;
    const statement = this.lua.statement();
    this.isTried = false;
    return statement;
  }

  private ending(): string {
    const { chance } = this;
    const kind = chance.below(10);
    if (kind < 4) return "return table.concat(out, '\\n')";
    if (kind === 4) return chance.of(failures);
    if (kind === 5) return `return ${chance.of(returned)}`;
    if (kind === 6) return `return ${this.call()}`;
    if (kind === 7) return `return {${this.call()}, ${chance.of(returned)}, out}`;
    if (kind === 8) return "return {v1, {v1, v2}, out, {v3, x = v4}}";
    return `redis.setresp(3) return {map = {a = ${this.call()}, [2] = ${chance.of(returned)}}}`;
  }

  /** An expression that calls a command. */
  private call(isProtected = this.chance.percent(50)): string {
    const { chance } = this;
    const functionName = isProtected ? "redis.pcall" : "redis.call";
    if (this.callDepth < 2 && chance.percent(25)) {
      this.callDepth++;
      const value = this.isTried ? this.lua.expression(3) : chance.of(returned);
      const key = this.key(
        `${chance.of(["string", "hash", "list", "sorted-set"])}${chance.below(3)}`,
      );
      this.callDepth--;
      return `(${functionName}(${chance.of(takers)(key, `given(${value})`)}))`;
    }
    const words = this.request();
    const before = prologueOf(words).map((each) => `redis.pcall(${this.argumentsOf(each)})`);
    const call = `${functionName}(${this.argumentsOf(words)})`;
    const inOrder =
      before.length === 0 ? call : `select(${before.length + 1}, ${[...before, call].join(", ")})`;
    return `${formOf(words)}(${inOrder})`;
  }

  /**
   * Of commands that may wait, scripts of 7.0 have none and those of 7.2 all. How many keys SCAN comes upon
   * is a matter of chance.
   */
  private request(): Words {
    for (;;) {
      const { words, bits } = this.requests.request();
      if ((bits & FLAG_BITS.blocking) === 0 && words[0] !== "scan") return words;
    }
  }

  private argumentsOf(words: Words): string {
    const { chance } = this;
    if (words.length > 40 || chance.percent(3)) {
      const from = this.args.length + 1;
      this.args.push(...words.map(String));
      return `unpack(ARGV, ${from}, ${this.args.length})`;
    }
    return words.map((word) => this.word(`${word}`)).join(", ");
  }

  /** A word that a command is to get, said in one of many ways. */
  private word(word: string): string {
    const { chance } = this;
    if (/^[a-z-]+[0-2]$/.test(word)) return this.key(word);
    if (chance.percent(15) || (word.length > 200 && word !== word[0]?.repeat(word.length))) {
      this.args.push(word);
      return `ARGV[${this.args.length}]`;
    }
    if (/^(0|-?[1-9]\d{0,14})$/.test(word) && chance.percent(50)) {
      const form = chance.below(4);
      if (form === 0) return `${Number(word) - 7} + 7`;
      if (form === 1) return `tonumber('${word}')`;
      return form === 2 ? `${word}.0` : word;
    }
    if (word.length > 1 && chance.percent(5)) {
      const middle = chance.below(word.length);
      return `${quoted(word.slice(0, middle))} .. ${quoted(word.slice(middle))}`;
    }
    return quoted(word);
  }

  private key(name: string): string {
    if (this.chance.percent(50)) return quoted(name);
    let index = this.keys.indexOf(name);
    if (index === -1) index = this.keys.push(name) - 1;
    return `KEYS[${index + 1}]`;
  }
}
