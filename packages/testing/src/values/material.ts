/**
 * ValueMaterial: what a kind of value brings along so that a test can take it through all layers.
 * Each file in materials/ exports `materials`; all-kinds.test.ts finds them.
 */
import type { Chance } from "../chance.ts";

/**
 * What a value holds: a text, elements in order, or fields with values, or members with scores, in
 * order of their names.
 */
export type Content = string | readonly string[] | readonly (readonly [string, string])[];

/** Requests, and what the key holds when they have been carried out. */
export interface Made {
  readonly requests: readonly (readonly string[])[];
  readonly content: Content;
}

export interface ValueMaterial {
  /** The kind: see core's ValueKind. */
  readonly type: number;
  readonly encoding: number;
  /** A value for a key that is not there, of about so many elements if the kind can have them. */
  make(key: string, chance: Chance, elementCount: number): Made;
  /** A change of what make() made, or an earlier change. The kind stays. */
  change(key: string, chance: Chance, content: Content): Made;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz\0\r\n\xff";

/** So many bytes, one character each. */
export function textOf(chance: Chance, bytes: number): string {
  let text = "";
  while (text.length < bytes) text += LETTERS[chance.below(LETTERS.length)];
  return text;
}

/** Fields in order of their names, as Content has them. */
export function sortedPairs(fields: ReadonlyMap<string, string>): [string, string][] {
  return [...fields].sort(([one], [other]) => (one < other ? -1 : 1));
}
