/**
 * directive(): one configuration option as a row of data.
 *
 * From the row follow the typed option, CONFIG GET, SET and REWRITE, the file and command line
 * grammar, and the sample file. `directive()` runs at load and refuses a row that contradicts
 * itself.
 */
import type { Kind } from "./kind.ts";

/**
 * A directive as its author declares it. `Input` is what an embedder may give, where that is not
 * the whole value.
 */
export interface DirectiveSpec<Name extends string, Value, Input = Value> {
  /** As in redis.conf, in lower case. */
  readonly name: Name;
  /** Older names. Each also answers CONFIG GET and SET. */
  readonly aliases?: readonly string[];
  /** What its value is: grammar, limits, how it is printed. */
  readonly kind: Kind<Value, Input>;
  /** The value before anybody sets it. */
  readonly default: NoInfer<Value>;
  /** One line for the sample file. */
  readonly summary: string;

  /** Only the file and the command line can set it. */
  readonly immutable?: boolean;
  /** CONFIG SET needs `enable-protected-configs`. */
  readonly protected?: boolean;
  /** The value must not show in logs, MONITOR or the slow log. */
  readonly sensitive?: boolean;
  /** For tests: CONFIG GET shows it only by its exact name. */
  readonly hidden?: boolean;
  /** CONFIG SET answers LOADING while the data set is loading. */
  readonly denyLoading?: boolean;
  /**
   * CONFIG SET puts it into force also when the value is what it was: it names a file, and what that
   * holds may have changed.
   */
  readonly namesFile?: boolean;
  /** An empty text means "not set": CONFIG REWRITE leaves no line for it. */
  readonly emptyIsUnset?: boolean;
  /**
   * Which lines CONFIG REWRITE writes. "changed" (the default): those that differ from the
   * default or stood in the file. "always": all. "changed-only": none at all at the default.
   */
  readonly rewrite?: "changed" | "always" | "changed-only";
  /** Brings an accepted value into bounds without a word. */
  clamp?(value: Value): Value;
  /** Set when this row can never do anything here; says why, in sentences. */
  readonly noEffectBecause?: string;
  /** What of it is not as in Redis, in a sentence, where that is so: docs/directives.md says it to people. */
  readonly differs?: string;
  /** The first release of Redis that has it, such as "7.2.0", where that is later than 7.0.0. */
  readonly since?: string;
  /**
   * Set when no Redis has this directive: a sentence that says what it is for. Nothing that compares
   * us with redis-server asks about it.
   */
  readonly extension?: string;
}

/** A checked and completed row, frozen: what directive() returns. */
export interface Directive<Name extends string = string, Value = unknown, Input = Value>
  extends DirectiveSpec<Name, Value, Input> {
  /** Older names; empty when there are none. */
  readonly aliases: readonly string[];
}

/**
 * A row of any type. The compiler cannot say "for some Value"; the store only ever hands a row's
 * kind the values that the same kind made, which is why rows take them by methods.
 */
export type AnyDirective = Directive<string, unknown, unknown>;

const SENTENCE = /^[A-Z].*\.$/;

/** Checks and completes a row. Throws an Error when it contradicts itself. */
export function directive<const Name extends string, Value, Input = Value>(
  spec: DirectiveSpec<Name, Value, Input>,
): Directive<Name, Value, Input> {
  const names = [spec.name, ...(spec.aliases ?? [])];
  claim(
    spec,
    names.every((name) => /^[a-z0-9._-]+$/.test(name)),
    "names are lower case",
  );
  claim(spec, new Set(names).size === names.length, "a name is given twice");
  claim(spec, !(spec.immutable && (spec.protected || spec.denyLoading)), "immutable says it all");
  claim(spec, !spec.emptyIsUnset || typeof spec.default === "string", "only text can be unset");
  claim(spec, SENTENCE.test(spec.summary), "the summary is one sentence");
  claim(spec, SENTENCE.test(spec.extension ?? "None."), "what an extension is for is one sentence");
  claim(spec, SENTENCE.test(spec.noEffectBecause ?? "None."), "reasons are sentences");
  claim(spec, SENTENCE.test(spec.differs ?? "None."), "what differs is said in sentences");
  claim(
    spec,
    spec.differs === undefined || spec.noEffectBecause === undefined,
    "without effect nothing differs",
  );
  return Object.freeze({ ...spec, aliases: spec.aliases ?? [] });
}

function claim(spec: { readonly name: string }, holds: boolean, claimed: string): void {
  if (!holds) throw new Error(`directive '${spec.name}': ${claimed}`);
}
