/** Hashes of which some fields expire, some day, as listpack and as table. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, sortedPairs, textOf, type ValueMaterial } from "../material.ts";

const LISTPACK_FIELDS = 8;
const TABLE_FIELDS_MIN = 20;
const VALUE_BYTES = [0, 5, 64, 1024, 1025, 3000];
/** A field that expires whatever else changes: the kind stays. */
const LASTING = "lasting";

function randomValue(chance: Chance, isTable: boolean): string {
  if (chance.percent(30)) return String(chance.below(100_000) - 50_000);
  return textOf(chance, isTable && chance.percent(10) ? chance.of(VALUE_BYTES) : chance.below(20));
}

/** Later than any test lets its clock go. */
function someTime(chance: Chance): string {
  return String(10_000_000 + chance.below(1000));
}

function make(key: string, chance: Chance, count: number, isTable: boolean): Made {
  const fields = new Map<string, string>([[LASTING, randomValue(chance, isTable)]]);
  while (fields.size < count) fields.set(`f${chance.below(100_000)}`, randomValue(chance, isTable));
  const requests = [
    ["HSET", key, ...[...fields].flat()],
    ["HPEXPIRE", key, someTime(chance), "FIELDS", "1", LASTING],
  ];
  for (const field of fields.keys())
    if (chance.percent(40))
      requests.push(["HPEXPIRE", key, someTime(chance), "FIELDS", "1", field]);
  return { requests, content: sortedPairs(fields) };
}

/** A field more or less, another value, another expiry or none. */
function change(
  key: string,
  chance: Chance,
  content: Content,
  isTable: boolean,
  high: number,
): Made {
  const fields = new Map(content as [string, string][]);
  const others = [...fields.keys()].filter((name) => name !== LASTING);
  const some = others.length === 0 ? `new${chance.below(100_000)}` : chance.of(others);
  const value = randomValue(chance, isTable);
  const way = chance.of(["set", "add", "remove", "expire", "persist", "setex"]);
  // Whatever else happens: an expiry alone would not show in what a key holds.
  const kept = `kept ${chance.below(1_000_000)}`;
  fields.set(LASTING, kept);
  const made = (...words: string[]): Made => ({
    requests: [words, ["HSETEX", key, "KEEPTTL", "FIELDS", "1", LASTING, kept]],
    content: sortedPairs(fields),
  });
  if (way === "remove" && fields.delete(some)) return made("HDEL", key, some);
  if (way === "expire") return made("HPEXPIRE", key, someTime(chance), "FIELDS", "1", some);
  if (way === "persist") return made("HPERSIST", key, "FIELDS", "1", some);
  const name = way === "add" ? `new${chance.below(100_000)}` : some;
  if (!fields.has(name) && fields.size >= high) return made("HLEN", key);
  fields.set(name, value);
  if (way === "setex")
    return made("HSETEX", key, "PX", someTime(chance), "FIELDS", "1", name, value);
  return made("HSET", key, name, value);
}

const listpack: ValueMaterial = {
  type: Type.HASH,
  encoding: Encoding.LISTPACK_EX,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_FIELDS), false),
  change: (key, chance, content) => change(key, chance, content, false, LISTPACK_FIELDS),
};

const table: ValueMaterial = {
  type: Type.HASH,
  encoding: Encoding.HASHTABLE_EX,
  make: (key, chance, count) => make(key, chance, Math.max(TABLE_FIELDS_MIN, count), true),
  change: (key, chance, content) => change(key, chance, content, true, Infinity),
};

export const materials: readonly ValueMaterial[] = [listpack, table];
