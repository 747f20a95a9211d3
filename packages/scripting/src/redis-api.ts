/**
 * What scripts have under the name `redis`, besides call and pcall (redis-call.ts): replies, the log,
 * SHA-1, and what a script says of itself. Texts and checks are Redis's.
 */
import { type LogLevel, type Ports, redisVersion, SHA1_BYTES, sha1, Target } from "@kv/engine";
import { type HostFunction, type LuaStack, LuaType } from "@kv/lua";
import { untilZero } from "./one-line.ts";
import { pushError, type RedisCall, withCode } from "./redis-call.ts";
import type { RunContext } from "./run-context.ts";

const logLevels: readonly LogLevel[] = ["debug", "verbose", "notice", "warning"];
/** As Redis's bits: the append-only file, the replicas. They are those of Target. */
const REPL = { NONE: 0, AOF: Target.LOG, REPLICA: Target.REPLICAS, ALL: Target.BOTH } as const;

/** The constants of the table. */
export const redisConstants: Readonly<Record<string, string | number>> = {
  LOG_DEBUG: 0,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: 3,
  REPL_NONE: REPL.NONE,
  REPL_AOF: REPL.AOF,
  REPL_SLAVE: REPL.REPLICA,
  REPL_REPLICA: REPL.REPLICA,
  REPL_ALL: REPL.ALL,
  REDIS_VERSION: redisVersion,
  REDIS_VERSION_NUM: versionNumber(redisVersion),
};

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major << 16) | (minor << 8) | patch;
}

const fail = (stack: LuaStack, text: string): number => pushError(stack, `ERR ${text}`, true);

/** The functions of the table. */
export function redisFunctions(
  ports: Ports,
  context: RunContext,
  redisCall: RedisCall,
): Record<string, HostFunction> {
  return {
    call: (stack) => redisCall.run(stack, true),
    pcall: (stack) => redisCall.run(stack, false),
    error_reply: (stack) => single(stack, "err"),
    status_reply: (stack) => single(stack, "ok"),
    sha1hex,
    log: (stack) => log(stack, ports),
    setresp: (stack) => setresp(stack, context),
    set_repl: (stack) => setRepl(stack, context),
    // Effects are what is propagated, so this has long been so.
    replicate_commands: (stack) => {
      stack.pushBoolean(true);
      return 1;
    },
    // There is no debugger that these could speak to.
    breakpoint: (stack) => {
      stack.pushBoolean(false);
      return 1;
    },
    debug: () => 0,
    acl_check_cmd: (stack) => redisCall.mayRun(stack),
  };
}

/** redis.error_reply() and redis.status_reply(). */
function single(stack: LuaStack, field: "err" | "ok"): number {
  if (stack.top !== 1 || stack.type(1) !== LuaType.STRING)
    return pushError(stack, "ERR wrong number or type of arguments", false);
  if (field === "err") {
    const text = untilZero(stack.latin1(1) as string);
    stack.pushTable(0, 1);
    stack.pushText(withCode(text.startsWith("-") ? text.slice(1) : text));
  } else {
    stack.pushTable(0, 1);
    stack.pushValue(1);
  }
  stack.setField(-2, field);
  return 1;
}

const HEX = "0123456789abcdef";
const digest = new Uint8Array(SHA1_BYTES);

/** The SHA-1 of bytes, as 40 hexadecimal digits. */
export function sha1Text(bytes: Uint8Array, start: number, end: number): string {
  sha1(bytes, start, end, digest);
  let text = "";
  for (const byte of digest) text += HEX.charAt(byte >> 4) + HEX.charAt(byte & 15);
  return text;
}

function sha1hex(stack: LuaStack): number {
  if (stack.top !== 1) return fail(stack, "wrong number of arguments");
  // What is no string and no number has no bytes.
  if (!stack.string(1)) stack.length = 0;
  stack.pushText(sha1Text(stack.bytes, stack.start, stack.start + stack.length));
  return 1;
}

function log(stack: LuaStack, { host }: Ports): number {
  const count = stack.top;
  if (count < 2) return fail(stack, "redis.log() requires two arguments or more.");
  if (stack.type(1) !== LuaType.NUMBER)
    return fail(stack, "First argument must be a number (log level).");
  const level = Math.trunc(stack.number(1));
  const name = logLevels[level];
  if (name === undefined) return fail(stack, "Invalid debug level.");
  const words: string[] = [];
  for (let index = 2; index <= count; index++) {
    const word = stack.latin1(index);
    if (word !== undefined) words.push(word);
  }
  host.log(name, words.join(" "));
  return 0;
}

function setresp(stack: LuaStack, context: RunContext): number {
  if (stack.top !== 1) return fail(stack, "redis.setresp() requires one argument.");
  const version = stack.number(1);
  if (version !== 2 && version !== 3) return fail(stack, "RESP version must be 2 or 3.");
  context.speaks3 = version === 3;
  return 0;
}

function setRepl(stack: LuaStack, context: RunContext): number {
  if (stack.top !== 1) return fail(stack, "redis.set_repl() requires two arguments.");
  const targets = stack.number(1);
  if (targets !== (targets & REPL.ALL))
    return fail(
      stack,
      "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
    );
  context.targets = targets;
  return 0;
}
