/** Lists, as one listpack and as nodes: the limits of all-kinds.test.ts part the two. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, textOf, type ValueMaterial } from "../material.ts";

/** LSET makes room for one more before it takes the old one out. */
const LISTPACK_ELEMENTS = 4;
const QUICKLIST_ELEMENTS_MIN = 20;

/** Numbers, texts that compress, texts that do not, and elements that are nodes of their own. */
function randomElement(chance: Chance, isLong: boolean): string {
  if (chance.percent(30)) return String(chance.below(100_000) - 50_000);
  if (isLong && chance.percent(3)) return textOf(chance, 8200 + chance.below(3000));
  if (isLong && chance.percent(20)) return "abcdefgh".repeat(chance.below(30));
  return textOf(chance, chance.below(isLong ? 70 : 20));
}

function made(key: string, words: string[][], content: string[]): Made {
  return { requests: words.map(([name, ...rest]) => [name as string, key, ...rest]), content };
}

function make(key: string, chance: Chance, count: number, isLong: boolean): Made {
  const elements = Array.from({ length: count }, () => randomElement(chance, isLong));
  return made(key, [["RPUSH", ...elements]], elements);
}

/** An element more, less, or another one, anywhere: never so few or many that the kind changes. */
function change(
  key: string,
  chance: Chance,
  content: Content,
  isLong: boolean,
  low: number,
  high: number,
): Made {
  const elements = [...(content as string[])];
  const element = randomElement(chance, isLong);
  const index = chance.below(elements.length);
  const way = chance.below(8);
  if (elements.length < high) {
    if (way === 0) return made(key, [["LPUSH", element]], [element, ...elements]);
    if (way === 1) return made(key, [["RPUSH", element]], [...elements, element]);
    if (way === 2) {
      elements.splice(elements.indexOf(elements[index] as string), 0, element);
      return made(key, [["LINSERT", "BEFORE", content[index] as string, element]], elements);
    }
  }
  if (elements.length > low) {
    if (way === 3) return made(key, [["LPOP"]], elements.slice(1));
    if (way === 4) return made(key, [["RPOP"]], elements.slice(0, -1));
    if (way === 5) {
      const [gone] = elements.splice(elements.indexOf(elements[index] as string), 1);
      return made(key, [["LREM", "1", gone as string]], elements);
    }
    if (way === 6 && elements.length > low + 3)
      return made(key, [["LTRIM", "1", "-3"]], elements.slice(1, -2));
  }
  elements[index] = element;
  return made(key, [["LSET", `${index}`, element]], elements);
}

const listpack: ValueMaterial = {
  type: Type.LIST,
  encoding: Encoding.LISTPACK,
  make: (key, chance) => make(key, chance, 1 + chance.below(LISTPACK_ELEMENTS), false),
  change: (key, chance, content) => change(key, chance, content, false, 1, LISTPACK_ELEMENTS),
};

const quicklist: ValueMaterial = {
  type: Type.LIST,
  encoding: Encoding.QUICKLIST,
  make: (key, chance, count) => make(key, chance, Math.max(QUICKLIST_ELEMENTS_MIN, count), true),
  change: (key, chance, content) => change(key, chance, content, true, 10, Infinity),
};

export const materials: readonly ValueMaterial[] = [listpack, quicklist];
