/**
 * The tables of file forms: by the number in a file, and by the kind in memory. Made once and never
 * changed. That every kind can be written, and in pieces if it has any, is checked here.
 */
import { assert, InvariantError, kindOf, type ValueKind, valueKinds } from "@kv/core";
import type { Distinct } from "../distinct.ts";
import type { RdbInput } from "../input.ts";
import type { Skipper } from "../skip-string.ts";
import type { RdbForm, ReadForm, WriteForm } from "./form.ts";
import * as all from "./forms.ts";
import { refuse } from "./grammar.ts";
import type { ValueEnd } from "./value-end.ts";

/** How the values under one number are read. */
export interface ReadEntry extends ReadForm {
  readonly form: RdbForm;
}

function readTable(forms: readonly RdbForm[]): readonly (ReadEntry | undefined)[] {
  const table = new Array<ReadEntry | undefined>(256).fill(undefined);
  for (const form of forms) {
    for (const each of form.reads) {
      assert(table[each.type] === undefined, "a number in a file stands for one form");
      table[each.type] = Object.freeze({ ...each, form });
    }
  }
  return Object.freeze(table);
}

function writeTable(
  forms: readonly RdbForm[],
  kinds: readonly ValueKind[],
): readonly (WriteForm | undefined)[] {
  const table = new Array<WriteForm | undefined>(256).fill(undefined);
  for (const { writes } of forms) {
    for (const { type, encoding, rdbType, write, pieces } of writes) {
      assert(table[kindOf(type, encoding)] === undefined, "a kind is written in one way");
      // The same properties for all, so that reading one is the same for all.
      table[kindOf(type, encoding)] = {
        type,
        encoding,
        rdbType,
        write,
        ...{ pieces },
      } as WriteForm;
    }
  }
  for (const { type, encoding, pieces } of kinds) {
    const form = table[kindOf(type, encoding)];
    assert(form !== undefined, "every kind can be written");
    assert((form.pieces !== undefined) === (pieces !== undefined), "what has pieces is written so");
  }
  return Object.freeze(table);
}

const forms: readonly RdbForm[] = Object.values(all);
const READS = readTable(forms);
const WRITES = writeTable(forms, valueKinds);

/** For each number in a file: where its values end. */
const ENDS: readonly (ValueEnd | undefined)[] = READS.map((each) => each?.end);

/** What tells where the values under a number end; undefined when nothing does at a glance. */
export function valueEndOf(type: number): ValueEnd | undefined {
  return ENDS[type];
}

/** For each number in a file: 1 when it stands for values. */
const KNOWN = Uint8Array.from(READS, (each) => (each === undefined ? 0 : 1));

/** True for a number that stands for values. */
export function isRdbType(type: number): boolean {
  return KNOWN[type] === 1;
}

/** How the values under a number in a file are read; undefined when it stands for none. */
export function readFormOf(type: number): ReadEntry | undefined {
  return READS[type];
}

/** How the values of a kind are written: its byte, the first of an entry. */
export function writeFormOf(kind: number): WriteForm {
  const form = WRITES[kind];
  if (form === undefined) throw new InvariantError("a value that is written is of a known kind");
  return form;
}

/**
 * Passes over one value that is stored under the number `type`, checking it to its last byte: a
 * generator that yields MORE or BAD, and returns at the end. `seen` is for use, one value at a time.
 */
export function skipValue(input: RdbInput, type: number, seen: Distinct): Skipper {
  const form = READS[type];
  if (form === undefined) return refuse(input, `Invalid object type: ${type}`);
  return form.skip(input, seen);
}

/** What a number in a file stands for, in the words of redis-check-rdb. */
export function rdbTypeName(type: number): string {
  return READS[type]?.name ?? "unknown";
}
