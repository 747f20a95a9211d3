/**
 * ConfigStore: the values of all directives, and who wants to know of changes.
 *
 *     file, command line --load()------+                     +-- value(), number(), text() ...
 *     typed options ------loadOptions()-+--> parse --> values-+-- configGet()
 *     CONFIG SET ---------configSet()---+     hooks   apply --+-- rewrite()
 *
 * Promises:
 *   - configSet() changes everything it was asked to, or nothing: when a value or a listener
 *     refuses, all values go back and the listeners that ran are run again;
 *   - a value is always one that its kind allows, so readers never check;
 *   - names are case-insensitive and live in Maps: `__proto__` is a name like any other.
 *
 * Reading costs a Map lookup. Hot paths read once and follow with onApply().
 */
import {
  type ConfFiles,
  type ConfLine,
  confLines,
  includeDepthMax,
  readConf,
} from "./conf-file.ts";
import type { AnyDirective } from "./directive.ts";
import { directives as redisDirectives } from "./directives/index.ts";
import {
  ConfigFileError,
  ConfigOptionsError,
  type ConfigProblem,
  ConfigSetError,
} from "./errors.ts";
import { checkValue, decodeWords, type MergeContext, Refusal } from "./kind.ts";
import { type ConfigOptions, parseOptions } from "./options.ts";
import { type RewriteOption, rewriteConf } from "./rewrite.ts";
import { splitArgs } from "./split-args.ts";
import { Statements } from "./statements.ts";

/** How a store begins. */
export interface ConfigStoreOptions {
  /** Names whose value the server acts upon. Without it, every name counts as such. */
  readonly implemented?: ReadonlySet<string>;
  /** Values to begin with, as an embedder writes them. */
  readonly options?: ConfigOptions;
}

/** What a load may use. Without `readFile` an `include` is refused. */
export interface LoadContext extends Partial<ConfFiles> {
  /** Directives called `sentinel` are allowed. */
  readonly sentinel?: boolean;
}

/** Who asks for a CONFIG SET, and when. */
export interface ConfigSetContext {
  /** The client may set protected directives. */
  readonly protectedAllowed?: boolean;
  /** The data set is being loaded. */
  readonly loading?: boolean;
  /** Told of the directive that could not be put into force, before the old values come back. */
  restoring?(name: string): void;
}

/** Undefined when the new values are in force, else the reason why they cannot be. */
export type ApplyListener = (store: ConfigStore) => string | undefined;
/** Looks at a whole configuration: the directives whose values cannot be had, and why. */
export type LoadCheck = (
  store: ConfigStore,
) => readonly { readonly name: string; readonly reason: string }[];
/**
 * True when a name (in lower case) matches a pattern of CONFIG GET, as the client wrote it. Whoever
 * has clients has a glob; there is none of its own in this package.
 */
export type NameMatcher = (pattern: string, name: string) => boolean;
/** Looks at a value before it is taken; may give another in its place. */
export type ParseHook<Value> = (value: Value) => Value | Refusal;

interface Slot {
  readonly directive: AnyDirective;
  value: unknown;
  /** A file, the command line, CONFIG SET or the embedder named it. */
  isExplicit: boolean;
  hook: ParseHook<unknown> | undefined;
  readonly listeners: ApplyListener[];
}

/** A name, and the slot that it and its aliases share. */
interface Entry {
  readonly name: string;
  readonly slot: Slot;
}

/** The values of one server's directives: see the head of this file. */
export class ConfigStore {
  readonly #entries = new Map<string, Entry>();
  readonly #implemented: ReadonlySet<string> | undefined;
  readonly #statements = new Statements();
  /** Directives that the last load has set, each with the last line that did. */
  readonly #seen = new Map<Slot, ConfLine>();
  readonly #checks: LoadCheck[] = [];

  constructor(
    directives: readonly AnyDirective[] = redisDirectives,
    options: ConfigStoreOptions = {},
  ) {
    this.#implemented = options.implemented;
    for (const directive of directives) {
      const slot: Slot = {
        directive,
        value: directive.default,
        isExplicit: false,
        hook: undefined,
        listeners: [],
      };
      for (const name of [directive.name, ...directive.aliases]) {
        if (this.#entries.has(name)) throw new Error(`directive '${name}' is declared twice`);
        this.#entries.set(name, { name, slot });
      }
    }
    if (options.options !== undefined) this.loadOptions(options.options);
  }

  // ---- Reading ---------------------------------------------------------------------------------

  /** Whether there is a directive of this name or alias, whatever its case. */
  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase());
  }

  /** The row behind a name or an alias. */
  directive(name: string): AnyDirective | undefined {
    return this.#entries.get(name.toLowerCase())?.slot.directive;
  }

  /**
   * The value as the row's kind holds it; the caller names its type. Throws a RangeError for a name
   * that is not in the table, as all readers do.
   */
  value<Value>(name: string): Value {
    return this.#slot(name).value as Value;
  }

  /** A number as a double: exact up to 2^53. A percentage is negative. */
  number(name: string): number {
    const { value } = this.#slot(name);
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    throw new TypeError(`directive '${name}' is no number`);
  }

  /** A value that is yes or no. Throws a TypeError for any other. */
  boolean(name: string): boolean {
    const { value } = this.#slot(name);
    if (typeof value === "boolean") return value;
    throw new TypeError(`directive '${name}' is not yes or no`);
  }

  /** A text or a word of a list. */
  text(name: string): string {
    const { value } = this.#slot(name);
    if (typeof value === "string") return value;
    throw new TypeError(`directive '${name}' is no text`);
  }

  /** The value as CONFIG GET prints it. */
  print(name: string): string {
    const slot = this.#slot(name);
    return slot.directive.kind.print(slot.value);
  }

  #slot(name: string): Slot {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new RangeError(`there is no directive '${name}'`);
    return entry.slot;
  }

  // ---- Commands --------------------------------------------------------------------------------

  /**
   * Names and values for CONFIG GET, each name once, in the order of the patterns and then of the
   * table. A name without pattern characters comes back in the caller's spelling. Without `matches`
   * the one pattern that is known is `*`, for all.
   */
  configGet(
    patterns: Iterable<string>,
    matches: NameMatcher = (pattern) => pattern === "*",
  ): [name: string, value: string][] {
    const found = new Map<string, [string, string]>();
    for (const pattern of patterns) {
      if (!isPattern(pattern)) {
        const key = pattern.toLowerCase();
        const entry = this.#entries.get(key);
        if (entry !== undefined && !found.has(key)) found.set(key, [pattern, printed(entry)]);
        continue;
      }
      for (const [key, entry] of this.#entries) {
        if (entry.slot.directive.hidden || found.has(key)) continue;
        if (matches(pattern, key)) found.set(key, [key, printed(entry)]);
      }
    }
    return [...found.values()];
  }

  /** Sets all pairs, or none and says why not. */
  configSet(
    pairs: readonly (readonly [name: string, value: string])[],
    context: ConfigSetContext = {},
  ): ConfigSetError | undefined {
    const entries = this.#settable(pairs, context);
    if (entries instanceof ConfigSetError) return entries;

    const undo: { slot: Slot; value: unknown }[] = [];
    const changed: Entry[] = [];
    for (const [index, entry] of entries.entries()) {
      const { slot } = entry;
      const given = pairs[index][1];
      // Redis splits at every single blank; two in a row make an empty word.
      const words = !slot.directive.kind.multiArg ? [given] : given === "" ? [] : given.split(" ");
      const before = slot.value;
      const refusal = this.#take(slot, words);
      if (refusal !== undefined) {
        this.#restore(undo);
        return related(entry.name, refusal.reason);
      }
      undo.push({ slot, value: before });
      const { kind, namesFile = false } = slot.directive;
      if (namesFile || kind.print(before) !== kind.print(slot.value)) changed.push(entry);
    }

    const ran: ApplyListener[] = [];
    for (const { name, slot } of changed) {
      for (const listener of slot.listeners) {
        if (ran.includes(listener)) continue;
        ran.push(listener);
        const reason = listener(this);
        if (reason === undefined) continue;
        context.restoring?.(name);
        this.#restore(undo);
        for (const each of ran) each(this); // Brings the old values back into force.
        return related(name, reason);
      }
    }
    for (const { slot } of entries) slot.isExplicit = true;
    return undefined;
  }

  /** The entries of `pairs` in order, or the first reason why they cannot be set at all. */
  #settable(
    pairs: readonly (readonly [name: string, value: string])[],
    { protectedAllowed = false, loading = false }: ConfigSetContext,
  ): Entry[] | ConfigSetError {
    const entries: Entry[] = [];
    for (const [name] of pairs) {
      const entry = this.#entries.get(name.toLowerCase());
      if (entry === undefined) {
        const [shown] = name.split("\0", 1); // As C ends its strings.
        return new ConfigSetError(
          `ERR Unknown option or number of arguments for CONFIG SET - '${shown}'`,
        );
      }
      const { directive } = entry.slot;
      if (directive.immutable) return related(name, "can't set immutable config");
      if (directive.protected && !protectedAllowed) {
        return related(name, "can't set protected config");
      }
      if (loading && directive.denyLoading) {
        return new ConfigSetError("LOADING Redis is loading the dataset in memory");
      }
      if (entries.includes(entry)) return related(name, "duplicate parameter");
      entries.push(entry);
    }
    return entries;
  }

  /**
   * The text of the configuration file `original`, with the values that are in force: of all directives,
   * or of `only` these. Statements are brought up to date in either case.
   */
  rewrite(original: string, only?: ReadonlySet<string>): string {
    const options: RewriteOption[] = [];
    for (const [key, { name, slot }] of this.#entries) {
      if (name !== slot.directive.name || only?.has(name) === false) continue;
      options.push(rewriteOption(key, slot));
    }
    options.push(...this.#statements.rewriteOptions(original));
    return rewriteConf(original, options, (words) => {
      const name = words[0].toLowerCase();
      return this.#entries.get(name)?.slot.directive.name ?? this.#statements.keyOf(words);
    });
  }

  // ---- Loading ---------------------------------------------------------------------------------

  /**
   * Takes the lines of a configuration text. Throws ConfigFileError when any are wrong, and tells
   * all of them; the values are those of the others then, and the server should not start.
   */
  load(text: string, context: LoadContext = {}): void {
    this.#seen.clear();
    this.#statements.clearSeen();
    const problems: ConfigProblem[] = [];
    this.#loadText(text, context, 0, problems);
    if (this.#isClusterReplica()) {
      problems.push({ reason: "replicaof directive not allowed in cluster mode" });
    }
    for (const check of this.#checks) {
      for (const { name, reason } of check(this)) {
        problems.push(problemOf(reason, this.#seen.get(this.#slot(name))));
      }
    }
    const [first, ...further] = problems;
    if (first !== undefined) throw new ConfigFileError(first, further);
  }

  /** Has `check` look at the whole after each load, and refuse what it finds. */
  onLoaded(check: LoadCheck): void {
    this.#checks.push(check);
  }

  #loadText(text: string, context: LoadContext, depth: number, problems: ConfigProblem[]): void {
    for (const line of confLines(text)) {
      const reason = this.#loadLine(line, context, depth, problems);
      if (reason !== undefined) problems.push(problemOf(reason, line));
    }
  }

  /** The reason why the line is wrong, or undefined. */
  #loadLine(
    line: ConfLine,
    context: LoadContext,
    depth: number,
    problems: ConfigProblem[],
  ): string | undefined {
    const { words } = line;
    if (words === undefined) return unbalanced;
    const [name, ...args] = words;
    const slot = this.#entries.get(name.toLowerCase())?.slot;
    if (slot !== undefined) {
      if (slot.directive.kind.multiArg) {
        const separate = separateArgs(args);
        return separate === undefined ? unbalanced : this.#take(slot, separate, line)?.reason;
      }
      return args.length === 1 ? this.#take(slot, args, line)?.reason : "wrong number of arguments";
    }
    if (name.toLowerCase() === "include" && args.length === 1) {
      if (depth === includeDepthMax) return "Files include each other";
      const { readFile, glob } = context;
      if (readFile === undefined) return "include is not possible here";
      this.#loadText(readConf(args[0], { readFile, glob }), context, depth + 1, problems);
      return undefined;
    }
    return this.#statements.take(words, context.sentinel === true);
  }

  #isClusterReplica(): boolean {
    const isCluster = this.#entries.get("cluster-enabled")?.slot.value === true;
    return isCluster && (this.#entries.get("replicaof")?.slot.value ?? null) !== null;
  }

  /** Takes an embedder's typed options. Throws ConfigOptionsError with all that is wrong. */
  loadOptions(options: ConfigOptions): void {
    const problems: string[] = [];
    for (const [name, words] of parseOptions(options, (key) => this.directive(key))) {
      const slot = this.#slot(name);
      const refusal = this.#take(slot, words);
      if (refusal !== undefined) problems.push(`${name}: ${refusal.reason}`);
      slot.isExplicit = true;
    }
    if (problems.length > 0) throw new ConfigOptionsError(problems);
  }

  /** Parses, lets the hook look, and stores. `line`: of the file that is being read. */
  #take(slot: Slot, words: readonly string[], line?: ConfLine): Refusal | undefined {
    const { kind, clamp } = slot.directive;
    const input = decodeWords(kind, words);
    if (input instanceof Refusal) return input;
    const context: MergeContext = { inFile: line !== undefined, seen: this.#seen.has(slot) };
    const merged = kind.merge(slot.value, input, context);
    const clamped = clamp === undefined ? merged : clamp(merged);
    const value = slot.hook === undefined ? clamped : slot.hook(clamped);
    if (value instanceof Refusal) return value;
    slot.value = value;
    if (line !== undefined) {
      this.#seen.set(slot, line);
      slot.isExplicit = true;
    }
    return undefined;
  }

  /** Puts old values back, last first; hooks see them, too, for what they did must be undone. */
  #restore(undo: readonly { slot: Slot; value: unknown }[]): void {
    for (const { slot, value } of undo.toReversed()) {
      const restored = slot.hook === undefined ? value : slot.hook(value);
      slot.value = restored instanceof Refusal ? value : restored;
    }
  }

  // ---- For the server --------------------------------------------------------------------------

  /** Sets a value that the server itself changed, say by REPLICAOF. No listener is told. */
  assign<Value>(name: string, value: Value): void {
    const slot = this.#slot(name);
    const checked = checkValue(slot.directive.kind, value);
    if (checked instanceof Refusal) throw new TypeError(`directive '${name}': ${checked.reason}`);
    slot.value = value;
  }

  /**
   * Lets the server look at each value before it is taken, from wherever it comes: to resolve and
   * enter `dir`, say. One hook a directive.
   */
  onParse<Value>(name: string, hook: ParseHook<Value>): void {
    this.#slot(name).hook = hook as ParseHook<unknown>;
  }

  /**
   * Has `listener` called once after a CONFIG SET that changed any of `names`. It reads the new
   * values and puts them into force, or gives the reason why it cannot ("" for none).
   */
  onApply(names: string | readonly string[], listener: ApplyListener): void {
    for (const name of typeof names === "string" ? [names] : names) {
      this.#slot(name).listeners.push(listener);
    }
  }

  /** `user`, `rename-command` and `sentinel` lines: see Statements. */
  get statements(): Statements {
    return this.#statements;
  }

  /** Whether the server acts upon the directive, or only accepts it. */
  effectOf(name: string): "implemented" | "accepted" {
    const { directive } = this.#slot(name.toLowerCase());
    if (directive.noEffectBecause !== undefined) return "accepted";
    return this.#implemented?.has(directive.name) === false ? "accepted" : "implemented";
  }

  /**
   * A sentence for each directive that was set, differs from its default and has no effect: of
   * `names`, which may be aliases in any case, or of all.
   */
  ineffective(names?: Iterable<string>): string[] {
    const sentences: string[] = [];
    const asked = names && new Set(Array.from(names, (name) => this.#slot(name.toLowerCase())));
    for (const [name, { slot }] of this.#entries) {
      if (asked?.has(slot) === false) continue;
      const { directive } = slot;
      if (name !== directive.name || !slot.isExplicit) continue;
      if (directive.kind.print(slot.value) === directive.kind.print(directive.default)) continue;
      if (this.effectOf(name) === "implemented") continue;
      const because = directive.noEffectBecause ?? "It is not implemented yet.";
      sentences.push(`'${name}' is accepted but has no effect here. ${because}`);
    }
    return sentences;
  }
}

function problemOf(reason: string, line: ConfLine | undefined): ConfigProblem {
  return { reason, lineNumber: line?.number, line: line?.text };
}

const unbalanced = "Unbalanced quotes in configuration line";

/** `--save "900 1"`: a lone argument of a directive that takes several may hold all of them. */
function separateArgs(args: readonly string[]): readonly string[] | undefined {
  return args.length === 1 && args[0] !== "" ? splitArgs(args[0]) : args;
}

/** True when `pattern` has a character that makes CONFIG GET search instead of look up. */
function isPattern(pattern: string): boolean {
  return /[[*?]/.test(pattern);
}

function printed({ slot }: Entry): string {
  return slot.directive.kind.print(slot.value);
}

function related(name: string, reason: string): ConfigSetError {
  const why = reason === "" ? "" : ` - ${reason}`;
  return new ConfigSetError(`ERR CONFIG SET failed (possibly related to argument '${name}')${why}`);
}

function rewriteOption(key: string, { directive, value }: Slot): RewriteOption {
  const { kind, name, rewrite = "changed" } = directive;
  const lines: readonly string[] = kind.lines(value);
  const usual: readonly string[] = kind.lines(directive.default);
  const isDefault = kind.print(value) === kind.print(directive.default);
  if ((directive.emptyIsUnset && value === "") || (rewrite === "changed-only" && isDefault)) {
    return { key, lines: [] };
  }
  return {
    key,
    // A directive of several lines adds only those that differ, as each stands for itself.
    lines: lines.map((line, index) => ({
      text: `${name} ${line}`,
      force: rewrite === "always" || line !== usual[index],
    })),
  };
}
