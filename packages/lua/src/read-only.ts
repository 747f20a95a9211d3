/**
 * Read-only tables. Lua 5.1 has none, and a script of one user must leave nothing in a library for the
 * script of the next. So scripts never get hold of the table that has the functions. They see its
 * face: an empty table whose metatable looks names up in the contents and refuses to set any.
 *
 *   face  {}  ->  metatable { __index = contents, __newindex = refuse }
 *
 * The functions that look past metatables are guarded in glue.ts: for a face, `next`, `pairs`, `rawget`
 * and `table.foreach` go to the contents; `rawset`, `setmetatable` and `table.insert` refuse; `getmetatable`
 * answers nil, as there is none in Redis. What is left sees an empty table, which a library without
 * numbered elements is for it anyway (`#`, `ipairs`, `unpack`, `table.sort`, `table.concat`).
 *
 * A name found by way of a face costs one lookup more than a field: 10 to 15 ns. An environment made
 * anew for each script would cost some 40 fields, twenty times as much as that for a short one.
 */

import type { Core, Slot } from "./core.ts";
import { ADDRESSES_AT, COUNT_AT, HIGH_AT, LOW_AT, MAX_PROTECTED } from "./glue.ts";
import type { HostFunction, LuaStack } from "./stack.ts";

const REFUSED = "Attempt to modify a readonly table";

export class ReadOnlyTables {
  /** The guarded `next`, kept: what `pairs` hands out for a face. */
  next = 0;
  private readonly core: Core;
  private readonly refuse: Slot;
  /** By the address of a face, what its contents are kept as, */
  private readonly contents = new Map<number, number>();
  /** where those lie, */
  private readonly addresses = new Map<number, number>();
  /** and what `getmetatable` answers for it, where that is not nil. */
  private readonly metatables = new Map<number, number>();

  constructor(core: Core) {
    this.core = core;
    this.refuse = core.addFunctions([(stack) => stack.fail(REFUSED)]);
  }

  /**
   * Pops a table, pushes its face. `shown` keeps the face of a table that scripts are shown as its
   * metatable.
   */
  protect(shown?: number): void {
    const { stack, api } = this.core;
    const count = this.contents.size;
    if (count === MAX_PROTECTED) throw new Error("too many read-only tables");
    stack.pushTable();
    stack.pushTable(0, 2);
    stack.pushValue(-3);
    stack.setField(-2, "__index");
    this.core.pushFunction(this.refuse);
    stack.setField(-2, "__newindex");
    api.lua_setmetatable(stack.L, -2);
    const face = api.lua_topointer(stack.L, -1);
    stack.insert(-2);
    this.addresses.set(face, api.lua_topointer(stack.L, -1));
    this.contents.set(face, stack.keep());
    if (shown !== undefined) this.metatables.set(face, shown);

    const { view } = stack;
    view.setUint32(ADDRESSES_AT + 4 * count, face, true);
    view.setUint32(COUNT_AT, count + 1, true);
    const low = count === 0 ? face : Math.min(face, view.getUint32(LOW_AT, true));
    view.setUint32(LOW_AT, low, true);
    view.setUint32(HIGH_AT, Math.max(face, view.getUint32(HIGH_AT, true)), true);
  }

  /** The address of what is behind a face; of any other table, its own. */
  behind(address: number): number {
    const { view } = this.core.stack;
    if (address < view.getUint32(LOW_AT, true) || address > view.getUint32(HIGH_AT, true)) {
      return address;
    }
    return this.addresses.get(address) ?? address;
  }

  /** Replaces a face at `index` by what is behind it; other tables stay. */
  reveal(stack: LuaStack, index: number): void {
    const face = stack.api.lua_topointer(stack.L, index);
    if (this.behind(face) === face) return;
    stack.pushKept(this.contents.get(face)!);
    stack.replace(index < 0 ? index - 1 : index);
  }

  /** What the guards ask when their first argument is a face. */
  readonly asked: Record<string, HostFunction> = {
    refuseTable: (stack) => {
      stack.pushText(REFUSED);
      return -1;
    },
    revealTable: (stack) => {
      this.reveal(stack, 1);
      return 0;
    },
    pairsOfTable: (stack) => {
      stack.pushKept(this.next);
      stack.pushValue(1);
      stack.pushNil();
      return 3;
    },
    metatableOfTable: (stack) => {
      const shown = this.metatables.get(stack.api.lua_topointer(stack.L, 1));
      if (shown === undefined) stack.pushNil();
      else stack.pushKept(shown);
      return 1;
    },
  };
}
