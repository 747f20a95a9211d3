/** What a source was compiled to: a script, or an error. */

import type { LuaEnvironment } from "./environment.ts";

/** A compiled chunk, or a function, that is kept until `release`. */
export class LuaScript {
  /** What the function is kept as: `stack.pushKept` pushes it. */
  readonly ref: number;
  /** The globals that it has. */
  readonly environment: LuaEnvironment;
  /** It has no loop and no function of its own, and need not be made ready for a suspension. */
  readonly straight: boolean;
  /** It has no variable that outlives a run, and so nothing that it was given does. */
  readonly forgets: boolean;

  /** @internal */
  constructor(ref: number, environment: LuaEnvironment, straight: boolean, forgets = false) {
    this.ref = ref;
    this.environment = environment;
    this.straight = straight;
    this.forgets = forgets;
  }
}

/** Why a source could not be compiled: Lua's own text. */
export class LuaSyntaxError {
  /** With the name of the chunk and the line. */
  readonly message: string;

  /** @internal */
  constructor(message: string) {
    this.message = message;
  }
}
