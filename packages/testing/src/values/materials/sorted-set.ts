/** Sorted sets, as listpack and as table: the limits of all-layers.ts part the two. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, sortedPairs, textOf, type ValueMaterial } from "../material.ts";

const LISTPACK_MEMBERS = 8;
const TABLE_MEMBERS_MIN = 20;
const SCORES = ["0", "1", "1.5", "-3", "0.1", "Infinity", "-Infinity", "1e+300", "123456789012"];

/** Not -0: a table alone tells it from 0, and whether one is loaded as a table hangs on the limits. */
function randomScore(chance: Chance): string {
  return chance.percent(50) ? chance.of(SCORES) : `${chance.below(200_000) / 8 - 5000}`;
}

/** A member of a table may have any length. */
function randomMember(chance: Chance, isTable: boolean): string {
  if (chance.percent(30)) return `${chance.below(100_000) - 50_000}`;
  const bytes = isTable && chance.percent(3) ? 20_000 : chance.below(40);
  return `${textOf(chance, bytes)}${chance.below(1_000_000)}`;
}

function madeOf(key: string, members: Map<string, string>, words: string[][]): Made {
  return {
    requests: words.map(([name, ...rest]) => [name as string, key, ...rest]),
    content: sortedPairs(members),
  };
}

function make(key: string, chance: Chance, count: number, isTable: boolean): Made {
  const members = new Map<string, string>();
  while (members.size < count) members.set(randomMember(chance, isTable), randomScore(chance));
  const pairs = [...members].flatMap(([member, score]) => [score, member]);
  return madeOf(key, members, [["ZADD", ...pairs]]);
}

/** A member more, another score for one, or a member less: never so few or many that the kind changes. */
function change(
  key: string,
  chance: Chance,
  content: Content,
  isTable: boolean,
  most: number,
): Made {
  const members = new Map(content as [string, string][]);
  const some = chance.of([...members.keys()]);
  const way = chance.of(["rescore", "add", "remove"]);
  if (way === "remove" && members.size > 1) {
    members.delete(some);
    return madeOf(key, members, [["ZREM", some]]);
  }
  const member = way === "add" && members.size < most ? randomMember(chance, isTable) : some;
  const score = randomScore(chance);
  // -0 and 0 are equal, so that one does not take the other's place.
  if (Number(members.get(member)) === Number(score)) {
    members.set(member, "77.5");
    return madeOf(key, members, [["ZADD", "77.5", member]]);
  }
  members.set(member, score);
  return madeOf(key, members, [["ZADD", score, member]]);
}

const listpack: ValueMaterial = {
  type: Type.ZSET,
  encoding: Encoding.LISTPACK,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_MEMBERS), false),
  change: (key, chance, content) => change(key, chance, content, false, LISTPACK_MEMBERS),
};

const table: ValueMaterial = {
  type: Type.ZSET,
  encoding: Encoding.SKIPLIST,
  make: (key, chance, count) => make(key, chance, Math.max(TABLE_MEMBERS_MIN, count), true),
  change: (key, chance, content) => change(key, chance, content, true, Infinity),
};

export const materials: readonly ValueMaterial[] = [listpack, table];
