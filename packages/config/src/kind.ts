/**
 * Kind: what a directive's value is. One kind says how words become a value, which values are
 * allowed, how CONFIG GET prints it and which lines CONFIG REWRITE leaves in the file.
 *
 * Each kind is a zod codec between words and value, made when first used: start-up pays for the
 * directives that a file names and no others. The schema's messages are the texts that clients
 * and operators of Redis know.
 *
 *     words from file, command line,          value, as the engine
 *     CONFIG SET                    -- codec ->  reads it
 *                                   <-        and as an embedder writes it
 */
import * as z from "zod/mini";

/** Why a value is not taken. `reason` may be empty: then nothing is said beyond the name. */
export class Refusal {
  /** In the words of Redis; may be empty. */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Says which values are allowed: a schema of zod/mini. */
export type ValueSchema<Value> = z.ZodMiniType<Value, Value>;
/** Turns words into values and back: a codec of zod/mini. */
export type ValueCodec<Value> = z.ZodMiniType<Value, string[]>;

/** Where words come from decides how they join the value that is there. */
export interface MergeContext {
  /** From a file or the command line, where lines of some directives add up. */
  readonly inFile: boolean;
  /** An earlier line of this load named the same directive. */
  readonly seen: boolean;
}

/** What is written down of a kind. `Value` is what the store holds, `Input` what is read. */
export interface KindSpec<Value, Input = Value> {
  /** For messages and the sample file: "boolean", "memory", ... */
  readonly type: string;
  /** What the sample file says may follow the name. */
  readonly syntax: string;
  /** Takes any number of words; otherwise exactly one. */
  readonly multiArg?: boolean;
  /** Allowed values, apart from notation. Called once, when first needed. */
  schema(): ValueSchema<Input>;
  /** What the words stand for, whether or not it is allowed. */
  parse(words: readonly string[]): Input | Refusal;
  /** The words that parse() would read as this value. */
  words(value: Input): string[];
  /** CONFIG GET; by default the words with blanks between them. */
  print?(value: Value): string;
  /** CONFIG REWRITE: what follows the name, a line each; by default one line of the words. */
  lines?(value: Value): readonly string[];
  /** How what was read joins what was there; by default it takes its place. */
  merge?(previous: Value, input: Input, context: MergeContext): Value;
}

/** A kind of value, ready for use. See KindSpec, from which each of its parts comes. */
export interface Kind<Value, Input = Value> {
  /** For messages and the sample file: "boolean", "memory", ... */
  readonly type: string;
  /** What the sample file says may follow the name. */
  readonly syntax: string;
  /** Takes any number of words; otherwise exactly one. */
  readonly multiArg: boolean;
  /** The allowed values; made when first asked for. */
  schema(): ValueSchema<Input>;
  /** Between words and value; made when first asked for. */
  codec(): ValueCodec<Input>;
  /** The words that stand for a value. */
  words(value: Input): string[];
  /** The value as CONFIG GET prints it. */
  print(value: Value): string;
  /** What follows the name in a file, a line each. */
  lines(value: Value): readonly string[];
  /** The value after `input` was read where `previous` was. */
  merge(previous: Value, input: Input, context: MergeContext): Value;
}

/** Makes a kind, with what its spec leaves out. */
export function kind<Value, Input = Value>(spec: KindSpec<Value, Input>): Kind<Value, Input> {
  let schema: ValueSchema<Input> | undefined;
  let codec: ValueCodec<Input> | undefined;
  // Without `merge`, what is read is the value: the two types are one then.
  const joined = (value: Value) => spec.words(value as unknown as Input).join(" ");
  const self: Kind<Value, Input> = {
    type: spec.type,
    syntax: spec.syntax,
    multiArg: spec.multiArg === true,
    schema() {
      schema ??= spec.schema();
      return schema;
    },
    codec() {
      codec ??= codecOf(spec, self.schema());
      return codec;
    },
    words: (value) => spec.words(value),
    print: (value) => (spec.print ?? joined)(value),
    lines: (value) => spec.lines?.(value) ?? [joined(value)],
    merge: (previous, input, context) =>
      spec.merge === undefined ? (input as unknown as Value) : spec.merge(previous, input, context),
  };
  return self;
}

function codecOf<Value, Input>(
  spec: KindSpec<Value, Input>,
  schema: ValueSchema<Input>,
): ValueCodec<Input> {
  return z.codec(z.array(z.string()), schema, {
    decode(words, payload) {
      const parsed = spec.parse(words);
      if (!(parsed instanceof Refusal)) return parsed;
      payload.issues.push({ code: "custom", message: parsed.reason, input: words });
      return z.NEVER;
    },
    encode: (value) => spec.words(value),
  });
}

/** The value that `words` stand for, or the reason why they stand for none. */
export function decodeWords<Input>(
  of: Kind<unknown, Input>,
  words: readonly string[],
): Input | Refusal {
  const result = z.safeDecode(of.codec(), [...words]);
  return result.success ? result.data : new Refusal(result.error.issues[0].message);
}

/** `value` when it is allowed as it is, or the reason why not. */
export function checkValue<Input>(of: Kind<unknown, Input>, value: unknown): Input | Refusal {
  const result = z.safeParse(of.schema(), value);
  return result.success ? result.data : new Refusal(result.error.issues[0].message);
}
