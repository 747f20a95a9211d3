/** Sets, as intset, listpack and table: the limits of all-kinds.test.ts part the three. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, textOf, type ValueMaterial } from "../material.ts";

const LISTPACK_MEMBERS = 8;
const TABLE_MEMBERS_MIN = 20;
/** As wide as two, four and eight bytes, and the ends of each. */
const INTEGERS = ["0", "-1", "32767", "32768", "-32769", "2147483647", "-2147483649"];
const WIDE_INTEGERS = ["9007199254740993", "9223372036854775807", "-9223372036854775808"];
const MEMBER_BYTES = [0, 5, 64, 65, 1024, 3000];

type NewMember = (chance: Chance) => string;

function integer(chance: Chance): string {
  if (chance.percent(20)) return chance.of([...INTEGERS, ...WIDE_INTEGERS]);
  return String(chance.below(100_000) - 50_000);
}

/** No integer: with one of those alone a set is an intset. */
function short(chance: Chance): string {
  return `m${textOf(chance, chance.below(20))}`;
}

function any(chance: Chance): string {
  if (chance.percent(20)) return integer(chance);
  if (chance.percent(5)) return textOf(chance, chance.of(MEMBER_BYTES));
  return `m${chance.below(1_000_000)}`;
}

function madeOf(key: string, members: Set<string>, requests: string[][]): Made {
  return {
    requests: requests.map(([name, ...rest]) => [name, key, ...rest]),
    content: [...members].sort(),
  };
}

function make(key: string, chance: Chance, count: number, member: NewMember): Made {
  const members = new Set<string>();
  while (members.size < count) members.add(member(chance));
  return madeOf(key, members, [["SADD", ...members]]);
}

/** One member more or one less: never so few or many that the kind changes. */
function change(
  key: string,
  chance: Chance,
  content: Content,
  member: NewMember,
  high: number,
): Made {
  const members = new Set(content as string[]);
  if (members.size >= high || (members.size > 1 && chance.percent(50))) {
    const some = chance.of([...members]);
    members.delete(some);
    return madeOf(key, members, [["SREM", some]]);
  }
  const added = member(chance);
  members.add(added);
  return madeOf(key, members, [["SADD", added]]);
}

const intset: ValueMaterial = {
  type: Type.SET,
  encoding: Encoding.INTSET,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_MEMBERS), integer),
  change: (key, chance, content) => change(key, chance, content, integer, LISTPACK_MEMBERS),
};

const listpack: ValueMaterial = {
  type: Type.SET,
  encoding: Encoding.LISTPACK,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_MEMBERS), short),
  change: (key, chance, content) => change(key, chance, content, short, LISTPACK_MEMBERS),
};

const table: ValueMaterial = {
  type: Type.SET,
  encoding: Encoding.HASHTABLE,
  make: (key, chance, count) => make(key, chance, Math.max(TABLE_MEMBERS_MIN, count), any),
  change: (key, chance, content) => change(key, chance, content, any, Infinity),
};

export const materials: readonly ValueMaterial[] = [intset, listpack, table];
