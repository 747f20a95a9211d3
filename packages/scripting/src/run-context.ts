/**
 * RunContext: what is true of the script that runs: who asked for it, what it may do and what it has
 * done. One object for each engine, since one script runs at a time.
 */
import { Target } from "@kv/engine";

/** What a script may do or has said of itself, as bits: its shebang's flags and what follows from them. */
export const ScriptFlag = {
  NO_WRITES: 1,
  ALLOW_OOM: 2,
  ALLOW_STALE: 4,
  NO_CLUSTER: 8,
  ALLOW_CROSS_SLOT: 16,
  /** It has no shebang: what it may do is found out while it runs. */
  COMPATIBLE: 32,
} as const;

/** The flags by the names that a shebang and FUNCTION LIST have for them, in Redis's order. */
export const flagNames: readonly (readonly [name: string, flag: number])[] = [
  ["no-writes", ScriptFlag.NO_WRITES],
  ["allow-oom", ScriptFlag.ALLOW_OOM],
  ["allow-stale", ScriptFlag.ALLOW_STALE],
  ["no-cluster", ScriptFlag.NO_CLUSTER],
  ["allow-cross-slot-keys", ScriptFlag.ALLOW_CROSS_SLOT],
];

/** What is true of the script that runs: see the head of this file. */
export class RunContext {
  /** A script is running. */
  isRunning = false;
  /** Its SHA-1, or the name of the function: what errors and the log call it. */
  name = "";
  /** Bits of ScriptFlag. */
  flags = 0;
  /** Asked for by EVAL_RO and its like: nothing may be written, whatever the flags say. */
  isReadOnly = false;
  /** It has run a command that writes: no limit may stop it half-way any more. */
  hasWritten = false;
  /** Somebody has asked for its end: SCRIPT KILL, FUNCTION KILL. */
  isKilled = false;
  /** redis.setresp(3) was said: commands answer in RESP3. */
  speaks3 = false;
  /** Whether memory was over its limit when it began. */
  wasOutOfMemory = false;
  /** redis.set_repl(): where what it writes goes. Bits of Target. */
  targets: number = Target.BOTH;

  begin(name: string, flags: number, isReadOnly: boolean): void {
    this.isRunning = true;
    this.name = name;
    this.flags = flags;
    this.isReadOnly = isReadOnly;
    this.hasWritten = false;
    this.isKilled = false;
    this.speaks3 = false;
    this.wasOutOfMemory = false;
    this.targets = Target.BOTH;
  }

  /** Whether it may not write: by its own word, or by that of the command that runs it. */
  get mayNotWrite(): boolean {
    return this.isReadOnly || (this.flags & ScriptFlag.NO_WRITES) !== 0;
  }
}
