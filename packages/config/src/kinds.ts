/**
 * The common kinds of value: yes or no, numbers, words from a list, text.
 *
 * A kind's `parse` knows notation, its `schema` knows which values are allowed. Both speak with
 * Redis's own texts, so an embedder's typed value and a line in a file are refused alike.
 */
import * as z from "zod/mini";
import { type Kind, kind, Refusal, type ValueSchema } from "./kind.ts";
import { quoteArg } from "./split-args.ts";
import {
  type Integer,
  isInteger,
  longMax,
  parseInteger,
  parseMemory,
  parseOctal,
  printMemory,
} from "./value-grammar.ts";

const notBoolean = "argument must be 'yes' or 'no'";

/** Yes or no, in any case. */
export const boolean: Kind<boolean> = kind<boolean>({
  type: "boolean",
  syntax: "yes | no",
  schema: () => z.boolean({ error: () => notBoolean }),
  parse: ([word]) => {
    const lower = word.toLowerCase();
    return lower === "yes" ? true : lower === "no" ? false : new Refusal(notBoolean);
  },
  words: (value) => [value ? "yes" : "no"],
});

/** An Integer, refused with `notation` when it is none and with `range` when out of bounds. */
function bounded(min: Integer, max: Integer, notation: string, range: string) {
  return (): ValueSchema<Integer> =>
    z
      .custom<Integer>(isInteger, { error: () => notation })
      .check(z.refine((value) => value >= min && value <= max, { error: () => range }));
}

function rangeText(min: Integer, max: Integer): string {
  return `argument must be between ${min} and ${max} inclusive`;
}

const notInteger = "argument couldn't be parsed into an integer";

/** A whole number from `min` to `max`, both included. */
export function integer(min: Integer, max: Integer): Kind<Integer> {
  return kind<Integer>({
    type: "integer",
    syntax: `${min} to ${max}`,
    schema: bounded(min, max, notInteger, rangeText(min, max)),
    parse: ([word]) => parseInteger(word) ?? new Refusal(notInteger),
    words: (value) => [String(value)],
  });
}

const notMemory = "argument must be a memory value";

/** Bytes, with a unit if wished; CONFIG GET prints plain bytes, CONFIG REWRITE uses units. */
export function memory(min: Integer, max: Integer): Kind<Integer> {
  return kind<Integer>({
    type: "memory",
    syntax: "bytes, or with a unit: k kb m mb g gb",
    schema: bounded(min, max, notMemory, rangeText(min, max)),
    parse: ([word]) => parseMemory(word) ?? new Refusal(notMemory),
    words: (value) => [String(value)],
    lines: (value) => [printMemory(value)],
  });
}

const notMemoryOrPercent = "argument must be a memory or percent value";

/** Bytes, or a percentage, which is held as a negative number: 5% is -5. */
export const memoryOrPercent: Kind<Integer> = kind<Integer>({
  type: "memory or percentage",
  syntax: "bytes, or with a unit, or a percentage: 5%",
  schema: bounded(
    -100,
    longMax,
    notMemoryOrPercent,
    "percentage argument must be less or equal to 100",
  ),
  parse: ([word]) => {
    const percent = word.endsWith("%") ? parseInteger(word.slice(0, -1)) : undefined;
    if (percent !== undefined && percent >= 0) return percent === 0 ? 0 : -percent;
    return parseMemory(word) ?? new Refusal(notMemoryOrPercent);
  },
  words: (value) => [value < 0 ? `${-value}%` : String(value)],
  lines: (value) => [value < 0 ? `${-value}%` : printMemory(value)],
});

const notOctal = "argument couldn't be parsed as an octal number";

/** Octal digits, as those of permissions, from 0 to `max`. */
export function octal(max: number): Kind<Integer> {
  return kind<Integer>({
    type: "octal",
    syntax: `octal, 0 to ${max.toString(8)}`,
    schema: bounded(
      0,
      max,
      notOctal,
      `argument must be between 0 and ${max.toString(8)} inclusive`,
    ),
    parse: ([word]) => parseOctal(word) ?? new Refusal(notOctal),
    words: (value) => [value.toString(8)],
  });
}

function listText(words: readonly string[]): string {
  return `argument(s) must be one of the following: ${words.join(", ")}`;
}

/** One word of a list. `same` maps a word to the listed one that means the same. */
export function oneOf<const Word extends string>(
  words: readonly [Word, ...Word[]],
  same: ReadonlyMap<string, Word> = new Map(),
): Kind<Word> {
  const refusal = listText(words);
  return kind<Word>({
    type: "word",
    syntax: words.join(" | "),
    schema: () => z.enum(words as unknown as [Word], { error: () => refusal }),
    parse: ([given]) => {
      const lower = given.toLowerCase();
      return same.get(lower) ?? words.find((word) => word === lower) ?? new Refusal(refusal);
    },
    words: (value) => [value],
  });
}

/**
 * Any number of words of a list; `none` is the word for the empty set. `refuse` gives the reason why
 * some words do not go together, if it knows one.
 */
export function flags<const Word extends string>(
  none: Word,
  words: readonly [Word, ...Word[]],
  refuse: (chosen: readonly Word[]) => string | undefined = () => undefined,
): Kind<readonly Word[]> {
  const refusal = listText([none, ...words]);
  const refused = { error: () => refusal };
  return kind<readonly Word[]>({
    type: "words",
    syntax: `${none}, or any of: ${words.join(" ")}`,
    multiArg: true,
    schema: () => {
      const chosen = z.array(z.enum(words as unknown as [Word], refused), refused);
      return chosen.check(
        z.refine((value) => refuse(value) === undefined, {
          error: (issue) => refuse(issue.input as readonly Word[]),
        }),
      ) as ValueSchema<readonly Word[]>;
    },
    parse: (given) => {
      const lower = given.map((word) => word.toLowerCase());
      const known = lower.every((word) => word === none || words.some((each) => each === word));
      if (lower.length === 0 || !known) return new Refusal(refusal);
      return words.filter((word) => lower.includes(word)); // In the order of the list, once each.
    },
    words: (value) => (value.length === 0 ? [none] : [...value]),
  });
}

/** What text() demands. */
export interface TextRules {
  /** Shown in the sample file. */
  readonly syntax?: string;
  /** The reason why a text is not allowed, or undefined. */
  readonly refuse?: (text: string) => string | undefined;
}

/** Any bytes, a character each. */
export function text(rules: TextRules = {}): Kind<string> {
  return kind<string>({
    type: "text",
    syntax: rules.syntax ?? "text",
    schema: () => {
      const schema = z.string({ error: () => "argument must be a text" });
      const { refuse } = rules;
      if (refuse === undefined) return schema;
      return schema.check(
        z.refine((value) => refuse(value) === undefined, {
          error: (issue) => refuse(issue.input as string),
        }),
      );
    },
    parse: ([word]) => word,
    words: (value) => [value],
    lines: (value) => [quoteArg(value)],
  });
}
