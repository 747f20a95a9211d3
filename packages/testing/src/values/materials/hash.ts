/** Hashes, as listpack and as table: the limits of all-kinds.test.ts part the two. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, sortedPairs, textOf, type ValueMaterial } from "../material.ts";

const LISTPACK_FIELDS = 8;
const TABLE_FIELDS_MIN = 20;
/** Values of a table: behind their fields, and in blocks of their own. */
const VALUE_BYTES = [0, 5, 64, 1024, 1025, 3000];

function randomValue(chance: Chance, isTable: boolean): string {
  if (chance.percent(30)) return String(chance.below(100_000) - 50_000);
  return textOf(chance, isTable && chance.percent(10) ? chance.of(VALUE_BYTES) : chance.below(20));
}

function madeOf(key: string, fields: Map<string, string>, words: string[][]): Made {
  return {
    requests: words.map(([name, ...rest]) => [name, key, ...rest]),
    content: sortedPairs(fields),
  };
}

function make(key: string, chance: Chance, count: number, isTable: boolean): Made {
  const fields = new Map<string, string>();
  while (fields.size < count) fields.set(`f${chance.below(100_000)}`, randomValue(chance, isTable));
  return madeOf(key, fields, [["HSET", ...[...fields].flat()]]);
}

/** One field more, another value for one, or one field less: never so few or many that the kind changes. */
function change(
  key: string,
  chance: Chance,
  content: Content,
  isTable: boolean,
  low: number,
  high: number,
): Made {
  const fields = new Map(content as [string, string][]);
  const some = chance.of([...fields.keys()]);
  const way = chance.of(["overwrite", "add", "remove"]);
  if (way === "remove" && fields.size > low) {
    fields.delete(some);
    return madeOf(key, fields, [["HDEL", some]]);
  }
  const field = way === "add" && fields.size < high ? `new${chance.below(100_000)}` : some;
  fields.set(field, randomValue(chance, isTable));
  return madeOf(key, fields, [["HSET", field, fields.get(field) as string]]);
}

const listpack: ValueMaterial = {
  type: Type.HASH,
  encoding: Encoding.LISTPACK,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_FIELDS), false),
  change: (key, chance, content) => change(key, chance, content, false, 1, LISTPACK_FIELDS),
};

const table: ValueMaterial = {
  type: Type.HASH,
  encoding: Encoding.HASHTABLE,
  make: (key, chance, count) => make(key, chance, Math.max(TABLE_FIELDS_MIN, count), true),
  change: (key, chance, content) => change(key, chance, content, true, 1, Infinity),
};

export const materials: readonly ValueMaterial[] = [listpack, table];
