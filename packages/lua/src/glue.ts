/**
 * What stands between Lua and JavaScript, in WebAssembly. A running script can be suspended only
 * while every frame on the stack is WebAssembly, so whatever calls Lua back is written here.
 *
 *   gate      made before Lua, since Lua imports it: hands on to the glue, which needs Lua's table
 *   run       a protected call that leaves its status in memory: the caller looks there and need not
 *             wait for a promise when nothing was suspended; the handler of errors is gone afterwards
 *   invoke    protected calls inside Lua: setjmp is a `try`, longjmp throws a tag
 *   hook      asks each so many instructions what is due: nothing, a suspension, an error, an end
 *   ask       the same, for functions of Lua's own that run long (long-functions.ts)
 *   allocate  counts the bytes of all values and refuses beyond the limit
 *   pcall     Redis's: an error that is a table with `err` is handed to the script as that text
 *   enter     two kept values           words     a table of strings
 *   setKept   a field of a kept table   setWords  both   fillWords  the same in a table that is there:
 *             all of these are done for each run
 *   guard     stands before a function of Lua's library and looks at its arguments first
 *
 * The first kilobyte of the memory is not used by Lua. The words below lie there.
 *
 *   256 status     of the last run; RUNNING while it is not over
 *   260 used       bytes that Lua's values take
 *   264 limit      what `used` may not pass
 *   268 low        the lowest and
 *   272 high       the highest address of a read-only table
 *   276 count      how many there are
 *   280 budget     what long functions may use up before they ask
 *   284 slot       of `ask`
 *   320 addresses  of read-only tables, MAX_PROTECTED at most
 *   640 spare      the first block that is kept of each class
 *   776 bytes      that the kept ones of each class take
 *   928 digits     of a number that becomes text
 */

import {
  Assembler,
  block,
  branch,
  branchIf,
  type Code,
  call,
  callIndirect,
  DROP,
  F64,
  f64,
  get,
  I32,
  i32,
  loop,
  num,
  RETURN,
  real,
  set,
  tee,
  throwTag,
  tryCatch,
  UNREACHABLE,
  when,
} from "./assembler.ts";
import { GLOBALS, REGISTRY } from "./machine.ts";

export const STATUS_AT = 256;
export const USED_AT = 260;
export const LIMIT_AT = 264;
export const LOW_AT = 268;
export const HIGH_AT = 272;
export const COUNT_AT = 276;
export const BUDGET_AT = 280;
export const ASK_SLOT_AT = 284;
export const ADDRESSES_AT = 320;
const SPARE_AT = 640;
const SPARE_BYTES_AT = 776;
export const DIGITS_AT = 928;
export const MAX_PROTECTED = 64;
/** Set before a run; what stays there when it did not end. */
export const RUNNING = -1;

/** What `due` answers. */
export const Due = {
  GO_ON: 0,
  SUSPEND: 1,
  /** The error of a kill: what asks for memory gets none any more, and the hook asks for some. */
  RAISE: 2,
  /** The end of the machine: nothing can catch it. */
  ABORT: 3,
} as const;

const MASK_COUNT = 8;

/** The gate: three functions that can be imported before what they call exists. */
export function gateModule(): Uint8Array<ArrayBuffer> {
  const m = new Assembler();
  const tag = m.importTag("js", "longjmp");
  m.table("table", 1);
  const invoke = m.type([I32, I32, I32], []);
  const args = [get(0), get(1), get(2)];
  m.func("invoke_vii", [I32, I32, I32], [], [], [args, num(0), callIndirect(invoke)]);
  m.func("throw_longjmp", [], [], [], throwTag(tag));
  return m.assemble();
}

/** What a long function uses up from one question to the next: some tens of microseconds. */
const BUDGET = 16_384;

/** Imports of Lua's own functions by name, as a module of the glue needs them. */
function luaImports(m: Assembler) {
  const lua = (name: string, params: number[], results: number[]) =>
    m.importFunction("lua", name, params, results);
  return {
    pcall: lua("lua_pcall", [I32, I32, I32, I32], [I32]),
    sethook: lua("lua_sethook", [I32, I32, I32, I32], [I32]),
    createtable: lua("lua_createtable", [I32, I32, I32], []),
    gettop: lua("lua_gettop", [I32], [I32]),
    pushboolean: lua("lua_pushboolean", [I32, I32], []),
    insert: lua("lua_insert", [I32, I32], []),
    remove: lua("lua_remove", [I32, I32], []),
    replace: lua("lua_replace", [I32, I32], []),
    type: lua("lua_type", [I32, I32], [I32]),
    getfield: lua("lua_getfield", [I32, I32, I32], []),
    isstring: lua("lua_isstring", [I32, I32], [I32]),
    call: lua("lua_call", [I32, I32, I32], []),
    rawgeti: lua("lua_rawgeti", [I32, I32, I32], []),
    rawseti: lua("lua_rawseti", [I32, I32, I32], []),
    rawset: lua("lua_rawset", [I32, I32], []),
    settop: lua("lua_settop", [I32, I32], []),
    pushlstring: lua("lua_pushlstring", [I32, I32, I32], []),
    pushvalue: lua("lua_pushvalue", [I32, I32], []),
    toboolean: lua("lua_toboolean", [I32, I32], [I32]),
    realloc: lua("realloc", [I32, I32], [I32]),
    free: lua("free", [I32], []),
    stackSave: lua("stackSave", [], [I32]),
    stackRestore: lua("stackRestore", [I32], []),
    setThrew: lua("setThrew", [I32, I32], []),
  };
}

type LuaImports = ReturnType<typeof luaImports>;

const TABLE = 5;

function addPcall(m: Assembler, lua: LuaImports, errName: number): void {
  const L = get(0);
  const failed: Code = [
    [L, num(1), call(lua.remove)],
    [L, num(-1), call(lua.type), num(TABLE), i32.eq],
    when(
      [L, num(-1), num(errName), call(lua.getfield)],
      [L, num(-1), call(lua.isstring)],
      when(L, num(-2), call(lua.replace)),
    ),
    [L, num(0), call(lua.pushboolean)],
    [L, num(1), call(lua.insert)],
  ];
  m.func(
    "pcall",
    [I32],
    [I32],
    [I32],
    [
      [L, call(lua.gettop), tee(1), i32.eqz],
      // Without a function, Redis calls the place that it keeps for the result.
      when([L, num(1), call(lua.pushboolean)], num(1), set(1)),
      [L, num(1), call(lua.pushboolean)],
      [L, num(1), call(lua.insert)],
      [L, get(1), num(1), i32.sub, num(-1), num(0), call(lua.pcall)],
      when(failed),
      [L, call(lua.gettop)],
    ],
  );
}

/** What is done for each run, in one call in place of a dozen. */
function addShortCuts(m: Assembler, lua: LuaImports): void {
  const L = get(0);
  const [at, count] = [get(1), get(2)];
  m.func(
    "enter",
    [I32, I32, I32],
    [],
    [],
    [
      [L, num(REGISTRY), get(1), call(lua.rawgeti)],
      [L, num(REGISTRY), get(2), call(lua.rawgeti)],
    ],
  );
  /** Makes the strings that lie at local 1 elements of the table on top; two locals count and measure. */
  const elements = (index: number, length: number): Code =>
    loop(
      [get(index), count, i32.ltS],
      when(
        [at, i32.load(), set(length)],
        [L, at, num(4), i32.add, get(length), call(lua.pushlstring)],
        [get(index), num(1), i32.add, set(index)],
        [L, num(-2), get(index), call(lua.rawseti)],
        [at, get(length), num(7), i32.add, num(-4), i32.and, i32.add, set(1)],
        branch(1),
      ),
    );
  const words = m.func(
    "words",
    [I32, I32, I32, I32],
    [],
    [I32, I32],
    [[L, get(3), num(0), call(lua.createtable)], elements(4, 5)],
  );
  m.func(
    "fillWords",
    [I32, I32, I32, I32],
    [],
    [I32, I32],
    [[L, num(REGISTRY), get(3), call(lua.rawgeti)], elements(4, 5), [L, num(-2), call(lua.settop)]],
  );
  const setKept = m.func(
    "setKept",
    [I32, I32, I32],
    [],
    [],
    [
      [L, num(REGISTRY), get(1), call(lua.rawgeti)],
      [L, num(REGISTRY), get(2), call(lua.rawgeti)],
      [L, num(-3), call(lua.pushvalue)],
      [L, num(-3), call(lua.rawset)],
      [L, num(-3), call(lua.settop)],
    ],
  );
  m.func(
    "setWords",
    [I32, I32, I32, I32, I32, I32],
    [],
    [],
    [
      [L, at, count, get(3), call(words)],
      [L, get(4), get(5), call(setKept)],
    ],
  );
}

/** The index of a value that a function of C carries along. */
const upvalue = (n: number) => num(GLOBALS - n);

/**
 * What `load` reads from in the place of the function that it was given, which is the first value that
 * this one carries: a space comes first, so that what follows cannot be compiled code.
 */
function addReader(m: Assembler, lua: LuaImports, space: number): void {
  const L = get(0);
  m.func(
    "reader",
    [I32],
    [I32],
    [],
    [
      [L, upvalue(2), call(lua.toboolean)],
      when(
        [L, num(0), call(lua.pushboolean)],
        [L, upvalue(2), call(lua.replace)],
        [L, num(space), num(1), call(lua.pushlstring)],
        [num(1), RETURN],
      ),
      [L, upvalue(1), call(lua.pushvalue)],
      [L, num(0), num(1), call(lua.call)],
      num(1),
    ],
  );
}

/** Blocks up to so many bytes are kept when they are freed, */
const SPARE_BLOCK_BYTES = 256;
/** of each class as many as take so many bytes: what runs leave behind for one another is found again. */
const SPARE_BYTES = 65_536;

/**
 * Lua says how large a block is that it gives back, so small ones need no look at what lies around them:
 * those of a class are a list, each with the address of the next in its first bytes. Classes are the sizes
 * that `malloc` has anyway, 4, 12, 20 and so on, and a block has all bytes of its class, whoever made it.
 */
function addAllocator(m: Assembler, lua: LuaImports): void {
  const [address, before, after, wanted] = [get(1), get(2), get(3), get(5)];
  const [place, other] = [get(4), get(6)];
  const used: Code = [num(0), i32.load(USED_AT)];
  const isSmall = (bytes: Code): Code => [bytes, num(1), i32.sub, num(SPARE_BLOCK_BYTES), i32.ltU];
  /** Where the two words of a class are, behind the first ones of all. */
  const placeOf = (bytes: Code): Code => [
    [bytes, num(3), i32.add, num(1), i32.shrU],
    [num(-4), i32.and],
  ];
  const rounded = (bytes: Code): Code => [
    [bytes, num(3), i32.add, num(-8), i32.and],
    [num(4), i32.or],
  ];
  const keep: Code = [
    [placeOf(before), tee(4), i32.load(SPARE_BYTES_AT), tee(6), num(SPARE_BYTES), i32.ltU],
    when(
      [place, other, rounded(before), i32.add, i32.store(SPARE_BYTES_AT)],
      [address, place, i32.load(SPARE_AT), i32.store()],
      [place, address, i32.store(SPARE_AT)],
      [num(0), RETURN],
    ),
  ];
  const findSpare: Code = [
    [placeOf(after), tee(4), i32.load(SPARE_AT), tee(6)],
    when(
      [place, other, i32.load(), i32.store(SPARE_AT)],
      [place, place, i32.load(SPARE_BYTES_AT), rounded(after), i32.sub, i32.store(SPARE_BYTES_AT)],
      [num(0), wanted, i32.store(USED_AT)],
      [other, RETURN],
    ),
  ];
  m.func(
    "allocate",
    [I32, I32, I32, I32],
    [I32],
    [I32, I32, I32],
    [
      [after, i32.eqz],
      when(
        [num(0), used, before, i32.sub, i32.store(USED_AT)],
        [isSmall(before), when(keep)],
        [address, call(lua.free)],
        [num(0), RETURN],
      ),
      [used, before, i32.sub, after, i32.add, set(5)],
      [wanted, num(0), i32.load(LIMIT_AT), i32.gtU, after, before, i32.gtU, i32.and],
      when(num(0), RETURN),
      isSmall(after),
      when([address, i32.eqz, when(findSpare)], [rounded(after), set(3)]),
      [address, after, call(lua.realloc), tee(6)],
      when(num(0), wanted, i32.store(USED_AT)),
      other,
    ],
  );
}

/** What asks, and does what it is told. */
function addHooks(
  m: Assembler,
  lua: LuaImports,
  { due, dueWithin, suspend }: Record<"due" | "dueWithin" | "suspend", number>,
  hookSlot: number,
  abort: number,
): void {
  const L = get(0);
  const raise: Code = [
    // From now on each instruction asks, so that nothing that catches the error gets far.
    [L, num(hookSlot), num(MASK_COUNT), num(1), call(lua.sethook), DROP],
    // There is no memory left (`due` saw to that), which no handler of errors is asked about: an error
    // that is raised in a hook would run the handler of an `xpcall` with hooks switched off.
    [L, num(0), num(0), call(lua.createtable)],
  ];
  const askFor = (question: number): Code =>
    loop(
      block(
        [L, call(question), tee(2), i32.eqz, branchIf(0)],
        [get(2), num(Due.ABORT), i32.eq],
        when(throwTag(abort)),
        [get(2), num(Due.RAISE), i32.eq],
        when(raise),
        // Whoever resumes may have killed the run meanwhile.
        [call(suspend), branch(1)],
      ),
    );
  m.func("hook", [I32, I32], [], [I32], askFor(due));
  m.func(
    "ask",
    [I32, I32],
    [],
    [I32],
    [[num(0), num(BUDGET), i32.store(BUDGET_AT)], askFor(dueWithin)],
  );
}

export interface GlueNumbers {
  /** Where the name "err" lies, ended by a zero. */
  errName: number;
  /** Where a space lies. */
  space: number;
  /** The slot of the table where `hook` will stand. */
  hookSlot: number;
}

/** The glue itself. Its functions of Lua's kind still have to be put into the table. */
export function glueModule({ errName, space, hookSlot }: GlueNumbers): Uint8Array<ArrayBuffer> {
  const m = new Assembler();
  const lua = luaImports(m);
  const questions = {
    due: m.importFunction("js", "due", [I32], [I32]),
    dueWithin: m.importFunction("js", "dueWithin", [I32], [I32]),
    suspend: m.importFunction("js", "suspend", [], []),
  };
  m.importTable("lua", "__indirect_function_table");
  m.importMemory("lua", "memory");
  const longjmp = m.importTag("js", "longjmp");
  const abort = m.importTag("js", "abort");
  const L = get(0);

  const called = m.type([I32, I32], []);
  m.func(
    "invoke",
    [I32, I32, I32],
    [],
    [I32],
    [
      [call(lua.stackSave), set(3)],
      tryCatch([get(1), get(2), get(0), callIndirect(called)], longjmp, [
        [get(3), call(lua.stackRestore)],
        [num(1), num(0), call(lua.setThrew)],
      ]),
    ],
  );

  // run(L, arguments, results, handler)
  m.func(
    "run",
    [I32, I32, I32, I32],
    [],
    [],
    [
      [num(0), L, get(1), get(2), get(3), call(lua.pcall), i32.store(STATUS_AT)],
      [L, get(3), call(lua.remove)],
    ],
  );

  addHooks(m, lua, questions, hookSlot, abort);
  // An error that nobody protects against: the machine is lost.
  m.func("panic", [I32], [I32], [], [throwTag(abort), UNREACHABLE]);
  addAllocator(m, lua);
  addPcall(m, lua, errName);
  addReader(m, lua, space);
  addShortCuts(m, lua);
  return m.assemble();
}

/**
 * Functions of JavaScript as functions of Lua's kind: each gets the state and answers how many values
 * it pushed. A negative answer means that the value on top is an error; it is raised here, where no
 * frame of JavaScript stands in between.
 */
export function doorModule(count: number): Uint8Array<ArrayBuffer> {
  const m = new Assembler();
  const error = m.importFunction("lua", "lua_error", [I32], [I32]);
  const inside = Array.from({ length: count }, (_, i) =>
    m.importFunction("js", `f${i}`, [I32], [I32]),
  );
  for (const [i, target] of inside.entries()) {
    m.func(
      `f${i}`,
      [I32],
      [I32],
      [I32],
      [[get(0), call(target), tee(1), num(0), i32.ltS], when(get(0), call(error), RETURN), get(1)],
    );
  }
  return m.assemble();
}

/** How a guard looks at the arguments of the function that it stands before. */
export interface Guard {
  /** The slot of the function in the table. */
  slot: number;
  /** The import that is asked when the first argument is a read-only table. */
  table?: string;
  /** The import that is asked when one of these arguments does not fit 32 bits. */
  integers?: { ask: string; from: number; to: number };
  /** The import that is asked when there are at least so many arguments. */
  more?: { ask: string; count: number };
  /** The import that is asked when one of these arguments is negative or does not fit 31 bits. */
  naturals?: { ask: string; from: number };
}

/** Whether an address is that of a read-only table. */
function addIsProtected(m: Assembler): number {
  return m.func(
    "isProtected",
    [I32],
    [I32],
    [I32],
    [
      [get(0), num(0), i32.load(LOW_AT), i32.ltU],
      [get(0), num(0), i32.load(HIGH_AT), i32.gtU, i32.or],
      when(num(0), RETURN),
      [num(0), i32.load(COUNT_AT), num(4), i32.mul, set(1)],
      loop([get(1), i32.eqz], when(num(0), RETURN), [
        get(1),
        num(4),
        i32.sub,
        tee(1),
        i32.load(ADDRESSES_AT),
        get(0),
        i32.ne,
        branchIf(0),
      ]),
      num(1),
    ],
  );
}

/**
 * Guards: f0, f1 ... are functions of Lua's kind that hand on to the one in `slot`. What they ask may
 * change the arguments and answers 0 to go on, a positive number of results when there is nothing
 * left to do, a negative one for an error.
 */
export function guardModule(guards: readonly Guard[]): Uint8Array<ArrayBuffer> {
  const m = new Assembler();
  const error = m.importFunction("lua", "lua_error", [I32], [I32]);
  const topointer = m.importFunction("lua", "lua_topointer", [I32, I32], [I32]);
  const tonumber = m.importFunction("lua", "lua_tonumber", [I32, I32], [F64]);
  const gettop = m.importFunction("lua", "lua_gettop", [I32], [I32]);
  const names = guards.flatMap(({ table, integers, more, naturals }) =>
    [table, integers?.ask, more?.ask, naturals?.ask].filter((name) => name !== undefined),
  );
  const asked = new Map(
    [...new Set(names)].map((name) => [name, m.importFunction("js", name, [I32], [I32])]),
  );
  m.importTable("lua", "__indirect_function_table");
  m.importMemory("lua", "memory");
  const kind = m.type([I32], [I32]);
  const L = get(0);

  const isProtected = addIsProtected(m);

  const ask = (name: string): Code => [
    [L, call(asked.get(name)!), tee(1)],
    when([get(1), num(0), i32.ltS, when(L, call(error), RETURN)], get(1), RETURN),
  ];
  for (const [i, { slot, table, integers, more, naturals }] of guards.entries()) {
    const body: Code[] = [];
    if (table !== undefined) {
      body.push([L, num(1), call(topointer), call(isProtected)], when(ask(table)));
    }
    if (more !== undefined) {
      body.push([L, call(gettop), num(more.count), i32.geS], when(ask(more.ask)));
    }
    if (integers !== undefined) {
      for (let n = integers.from; n <= integers.to; n++) {
        body.push(
          [L, num(n), call(tonumber), f64.abs, real(2147483648), f64.lt, i32.eqz],
          when(ask(integers.ask)),
        );
      }
    }
    if (naturals !== undefined) {
      // Each argument from `from` to the last, in local 2.
      body.push(
        [L, call(gettop), set(2)],
        block(
          loop(
            [get(2), num(naturals.from), i32.ltS, branchIf(1)],
            [L, get(2), call(tonumber), real(0), f64.ge],
            [L, get(2), call(tonumber), real(2147483648), f64.lt, i32.and, i32.eqz],
            when(ask(naturals.ask), branch(2)),
            [get(2), num(1), i32.sub, set(2), branch(0)],
          ),
        ),
      );
    }
    body.push([L, num(slot), callIndirect(kind)]);
    m.func(`f${i}`, [I32], [I32], [I32, I32], body);
  }
  return m.assemble();
}
