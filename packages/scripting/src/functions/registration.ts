/**
 * redis.register_function: what a library does while it is loaded. It is called with a name and a
 * function, or with one table:
 *
 *      redis.register_function("name", callback)
 *      redis.register_function{ function_name = "name", callback = callback,
 *                               flags = { "no-writes" }, description = "text" }
 */
import { type HostFunction, type LuaScript, type LuaStack, LuaType } from "@kv/lua";
import { pushError } from "../redis-call.ts";
import { flagNames } from "../run-context.ts";
import { badName, isName, type LibraryFunction } from "./library.ts";

/** What redis.register_function was given. */
interface Given {
  name: string | undefined;
  description: Uint8Array | null;
  flags: number;
  /** Where the function is on the stack; 0: nowhere. */
  callbackAt: number;
}

const named = "argument given to redis.register_function must be a";

/** Makes a function on the stack one that can be run later; `isAlone`: no other one can call it. */
type Keep = (stack: LuaStack, index: number, isAlone: boolean) => LuaScript;

/** Collects what a library registers. One for each machine. */
export class Registration {
  /** What has been registered; null while no library is being loaded. */
  private functions: LibraryFunction[] | null = null;
  private readonly keep: Keep;
  /** Those of the library cannot be called by one another. */
  private areAlone = false;

  constructor(keep: Keep) {
    this.keep = keep;
  }

  /** A library begins to be loaded; `areAlone`: its functions cannot be called by one another. */
  begin(areAlone: boolean): void {
    this.areAlone = areAlone;
    this.functions = [];
  }

  /** It is loaded, or has failed: what it has registered. */
  end(): LibraryFunction[] {
    const functions = this.functions ?? [];
    this.functions = null;
    return functions;
  }

  /** The function that libraries see. */
  readonly register: HostFunction = (stack) => {
    const { functions } = this;
    if (functions === null)
      return fail(stack, "redis.register_function can only be called on FUNCTION LOAD command");
    const given: Given = { name: undefined, description: null, flags: 0, callbackAt: 0 };
    const problem = readArguments(stack, given);
    if (problem !== undefined) return fail(stack, problem);
    const { name = "", description, flags, callbackAt } = given;
    if (!isName(name)) return pushError(stack, badName, true);
    if (functions.some((each) => each.name === name))
      return fail(stack, "Function already exists in the library");
    const callback = this.keep(stack, callbackAt, this.areAlone);
    functions.push({ name, description, flags, callback });
    return 0;
  };
}

function fail(stack: LuaStack, text: string): number {
  return pushError(stack, `ERR ${text}`, true);
}

/** Undefined, or what is wrong. */
function readArguments(stack: LuaStack, given: Given): string | undefined {
  const count = stack.top;
  if (count < 1 || count > 2) return "wrong number of arguments to redis.register_function";
  if (count === 1) {
    if (stack.type(1) !== LuaType.TABLE)
      return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
    return readTable(stack, given);
  }
  if (!isText(stack, 1)) return "first argument to redis.register_function must be a string";
  given.name = textAt(stack, 1);
  if (stack.type(2) !== LuaType.FUNCTION)
    return "second argument to redis.register_function must be a function";
  given.callbackAt = 2;
  return undefined;
}

function readTable(stack: LuaStack, given: Given): string | undefined {
  // The function stays on the stack, at 2; key and value are at 3 and 4.
  stack.pushNil();
  stack.pushNil();
  while (stack.next(1)) {
    if (!isText(stack, 3))
      return "named argument key given to redis.register_function is not a string";
    const problem = readNamed(stack, textAt(stack, 3).toLowerCase(), given);
    if (problem !== undefined) return problem;
    stack.setTop(3);
  }
  if (given.name === undefined) return "redis.register_function must get a function name argument";
  if (given.callbackAt === 0) return "redis.register_function must get a callback argument";
  return undefined;
}

/** The argument's value is at 4. */
function readNamed(stack: LuaStack, key: string, given: Given): string | undefined {
  switch (key) {
    case "function_name":
      if (!isText(stack, 4)) return `function_name ${named} string`;
      given.name = textAt(stack, 4);
      return undefined;
    case "description":
      if (!isText(stack, 4)) return `description ${named} string`;
      given.description = stack.copy(4) ?? null;
      return undefined;
    case "callback":
      if (stack.type(4) !== LuaType.FUNCTION) return `callback ${named} function`;
      stack.pushValue(4);
      stack.replace(2);
      given.callbackAt = 2;
      return undefined;
    case "flags":
      if (stack.type(4) !== LuaType.TABLE)
        return "flags argument to redis.register_function must be a table representing function flags";
      return readFlags(stack, given);
    default:
      return "unknown argument given to redis.register_function";
  }
}

/** The elements of the table at 4, up to the first nil. */
function readFlags(stack: LuaStack, given: Given): string | undefined {
  given.flags = 0;
  for (let i = 1; ; i++) {
    stack.getElement(4, i);
    if (stack.type(-1) === LuaType.NIL) return undefined;
    const name = isText(stack, -1) ? textAt(stack, -1) : "";
    const known = flagNames.find(([each]) => each === name);
    if (known === undefined) return "unknown flag given";
    given.flags |= known[1];
    stack.pop(1);
  }
}

function isText(stack: LuaStack, index: number): boolean {
  const type = stack.type(index);
  return type === LuaType.STRING || type === LuaType.NUMBER;
}

/** Read from a copy: a number that is a key must go on being one. */
function textAt(stack: LuaStack, index: number): string {
  stack.pushValue(index);
  const text = stack.latin1(-1) as string;
  stack.pop(1);
  return text;
}
