/**
 * A command is one declaration: data, with its code as the last field. command() runs when the
 * module loads and refuses a declaration that contradicts itself. Declarations are shared by all
 * engines of the process and never change; counters live in the table (table.ts).
 */

import type { Call } from "../call/call.ts";
import { type AclCategory, categoriesOf, type Group } from "./acl-category.ts";
import { type Argument, arityOf } from "./arg.ts";
import { type CommandFlag, flagBits } from "./flags.ts";
import type { FoundKeys, KeySpec, RequestWords } from "./key-spec.ts";

/**
 * A command as its author declares it. `C` is the Call that it needs: a wider one for the engine's
 * own.
 */
export interface CommandSpec<C extends Call = Call> {
  /** Lower case; a subcommand's own word only (`set` in CONFIG SET). */
  name: string;
  /** The group that COMMAND DOCS files it under; most ACL categories follow from it. */
  group: Group;
  /** The first release of Redis that has it, such as "6.2.0". */
  since: string;
  /** What it does, in a sentence of our own (COMMAND DOCS, HELP). */
  summary: string;
  /** What it costs, in O notation (COMMAND DOCS). */
  complexity: string;
  /** Words including the name(s); negative: at least so many. Must agree with `args`. */
  arity: number;
  /** Why arity does not follow from `args`, in the rare cases where it does not. */
  arityBecause?: string;
  /** What it may do and when it may run: see FLAG_BITS. */
  flags: readonly CommandFlag[];
  /** ACL categories that neither group nor flags imply. */
  categories?: readonly AclCategory[];
  /** Where its keys stand. Default: it has none. */
  keys?: readonly KeySpec[];
  /** The grammar of its arguments. Default: it takes none. */
  args?: readonly Argument[];
  /** COMMAND tips, such as `nondeterministic_output`. */
  tips?: readonly string[];
  /** What changed in which release, oldest first (COMMAND DOCS). */
  history?: readonly (readonly [since: string, change: string])[];
  /** The release from which on another command should be used. */
  deprecatedSince?: string;
  /** What to use instead of a deprecated command, as COMMAND DOCS words it. */
  replacedBy?: string;
  /** `syscmd` and `deprecated`, as COMMAND DOCS' doc_flags. */
  docFlags?: readonly string[];
  /**
   * Where the fields or members stand that it looks up in the value of its first key, and how far it is
   * from one to the next; 0: there is one. So a pipeline reads ahead what they will need.
   */
  elements?: { first: number; step: number };
  /**
   * The flags of one call as bits, where its words have a say in them: whoever refuses, holds or queues
   * it goes by these in place of `flags`. Asked of requests that may turn out wrong, and throws for none.
   */
  flagsOf?: (call: C) => number;
  /** Finds keys that no spec can describe; then `movablekeys` should be among the flags. */
  getKeys?: (request: RequestWords) => FoundKeys[] | null;
  /**
   * The channels that it speaks or listens to, by their arguments; `last` negative: from the end.
   * Whether the user may is asked of each (ACL). No channel need be allowed to be left.
   */
  channels?: { first: number; last: number; arePatterns: boolean };
  /** Makes this a container: dispatch then looks at the second word. */
  subcommands?: readonly Command[];
  /** Its name is known, the command is not there yet (placeholder.ts). */
  isPlaceholder?: true;
  /**
   * Set when no Redis has this command: a sentence that says what it is for. `since` is a version of
   * our own then. Nothing that compares us with redis-server asks about it; all laws hold for it.
   */
  extension?: string;
  /**
   * What of it is not as in Redis, in a sentence, where that is so: docs/commands.md says it to
   * people. Left out: nothing is known to be different.
   */
  differs?: string;
  /** Left out only by placeholders, and by containers that do nothing by themselves. */
  run?: (call: C) => void;
}

/** A checked and completed declaration, frozen: what command() returns. */
export interface Command
  extends Omit<CommandSpec, "run" | "args" | "keys" | "categories" | "flagsOf"> {
  /** The grammar of its arguments; empty when it takes none. */
  args: readonly Argument[];
  /** Where its keys stand; empty when it has none, or only getKeys() finds them. */
  keys: readonly KeySpec[];
  /** The flags as bits (flags.ts). */
  bits: number;
  /** All its ACL categories: named, by its group and by its flags. */
  categories: readonly AclCategory[];
  /**
   * The code; undefined for placeholders and containers. Throws CommandError for what the client
   * did wrong.
   */
  run: ((call: Call) => void) | undefined;
  /** The flags of one call as bits; undefined where all calls have the same. */
  flagsOf: ((call: Call) => number) | undefined;
  /** What isCommand() looks for. */
  isCommand: true;
}

/** Checks and completes a declaration. Throws when it contradicts itself. */
export function command<C extends Call = Call>(spec: CommandSpec<C>): Command {
  const has = (flag: CommandFlag) => spec.flags.includes(flag);
  const claim = (condition: boolean, message: string) => {
    if (!condition) throw new Error(`command ${spec.name}: ${message}`);
  };
  const args = spec.args ?? [];
  const container = spec.subcommands !== undefined && spec.subcommands.length > 0;
  claim(spec.name === spec.name.toLowerCase(), "names are lower case");
  claim(
    spec.extension === undefined || /^[A-Z].*\.$/.test(spec.extension),
    "what an extension is for is one sentence",
  );
  claim(
    spec.differs === undefined || /^[A-Z].*\.$/.test(spec.differs),
    "what differs is said in sentences",
  );
  claim(!(has("write") && has("readonly")), "cannot both write and be readonly");
  claim(
    !(
      has("denyoom") &&
      !has("write") &&
      !has("may_replicate") &&
      !has("noscript") &&
      !has("pubsub")
    ),
    "only what may grow memory can be denied it",
  );
  claim(container || spec.isPlaceholder === true || spec.run !== undefined, "something must run");
  if (!container && spec.arityBecause === undefined && spec.arity !== arityOf(args, 1)) {
    const asSubcommand = arityOf(args, 2);
    claim(
      spec.arity === asSubcommand,
      `arity ${spec.arity} disagrees with args (${arityOf(args, 1)}, or ${asSubcommand} as a subcommand)`,
    );
  }
  return Object.freeze({
    ...spec,
    args,
    keys: spec.keys ?? [],
    bits: flagBits(spec.flags),
    categories: categoriesOf(container ? undefined : spec.group, spec.flags, spec.categories ?? []),
    // The engine hands every command the Call it was declared for.
    run: spec.run as ((call: Call) => void) | undefined,
    flagsOf: spec.flagsOf as ((call: Call) => number) | undefined,
    isCommand: true as const,
  });
}

/** True for what command() has made. */
export function isCommand(value: unknown): value is Command {
  return typeof value === "object" && value !== null && "isCommand" in value;
}

/**
 * The commands among what some modules export (each given as its namespace, `import * as`). Whatever
 * else they export is passed over, and so is a command that another one of them has as its
 * subcommand: a long container keeps some of those in files of their own.
 */
export function commandsOf(modules: Iterable<object>): readonly Command[] {
  const all = [...modules].flatMap((each) => Object.values(each).filter(isCommand));
  const inside = new Set(all.flatMap(({ subcommands = [] }) => subcommands));
  return all.filter((each) => !inside.has(each));
}
