/** Streams: entries of the same fields and of others, deleted ones among them; blocks of seven. */
import { Encoding, Type } from "@kv/core";
import type { Chance } from "../../chance.ts";
import { type Content, type Made, textOf, type ValueMaterial } from "../material.ts";

interface Entry {
  readonly id: string;
  readonly words: readonly string[];
}

function wordsOf(chance: Chance): string[] {
  const names = chance.percent(80) ? ["name", "7"] : ["other", "name", textOf(chance, 70)];
  const values = () =>
    chance.percent(30) ? `${chance.below(100_000) - 50_000}` : textOf(chance, chance.below(20));
  return names.flatMap((name) => [name, chance.percent(3) ? textOf(chance, 300) : values()]);
}

/** Entries as texts: the ID, how many words follow, the words. The number parts one from the next. */
function contentOf(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ id, words }) => [id, ...words]);
}

/** An ID is what has a dash between digits; no field or value of ours looks like that. */
function entriesOf(content: Content): Entry[] {
  const entries: { id: string; words: string[] }[] = [];
  for (const text of content as readonly string[]) {
    if (/^\d+-\d+$/.test(text)) entries.push({ id: text, words: [] });
    else entries.at(-1)?.words.push(text);
  }
  return entries;
}

function make(key: string, chance: Chance, count: number): Made {
  const requests: string[][] = [];
  const entries: Entry[] = [];
  let ms = 1 + chance.below(1000);
  for (let i = 0; i < count; i++) {
    if (chance.percent(70)) ms += 1 + chance.below(300);
    const id = `${ms}-${i}`;
    const words = wordsOf(chance);
    requests.push(["XADD", key, id, ...words]);
    entries.push({ id, words });
  }
  return { requests: [...requests, ...groupsOf(key, chance)], content: contentOf(entries) };
}

/** Groups with consumers to whom some entries were delivered, a few of which are acknowledged. */
function groupsOf(key: string, chance: Chance): string[][] {
  const requests: string[][] = [];
  for (let group = chance.below(3); group > 0; group--) {
    const name = `group ${group}`;
    requests.push(["XGROUP", "CREATE", key, name, "0"]);
    for (let consumer = chance.below(4); consumer > 0; consumer--)
      requests.push(readingOf(key, name, chance));
    requests.push(["XAUTOCLAIM", key, name, "heir", "0", "-", "COUNT", "2"]);
  }
  return requests;
}

function readingOf(key: string, group: string, chance: Chance): string[] {
  const words = ["XREADGROUP", "GROUP", group, `consumer ${chance.below(3)}`];
  return [...words, "COUNT", `${1 + chance.below(40)}`, "STREAMS", key, ">"];
}

/** An entry more, one less, or the first ones less. */
function change(key: string, chance: Chance, content: Content): Made {
  const entries = entriesOf(content);
  const way = chance.of(["add", "add", "delete", "trim"]);
  if (way === "delete" && entries.length > 1) {
    // Not the last one: the ID of the next is made from it.
    const [gone] = entries.splice(chance.below(entries.length - 1), 1);
    return { requests: [["XDEL", key, gone?.id ?? ""]], content: contentOf(entries) };
  }
  if (way === "trim" && entries.length > 20) {
    const left = entries.slice(chance.below(5));
    return { requests: [["XTRIM", key, "MAXLEN", `${left.length}`]], content: contentOf(left) };
  }
  const ms = Number(entries.at(-1)?.id.split("-")[0]) + 1 + chance.below(100);
  const words = wordsOf(chance);
  entries.push({ id: `${ms}-0`, words });
  return { requests: [["XADD", key, `${ms}-0`, ...words]], content: contentOf(entries) };
}

const stream: ValueMaterial = {
  type: Type.STREAM,
  encoding: Encoding.STREAM,
  make: (key, chance, count) => make(key, chance, count),
  change: (key, chance, content) => change(key, chance, content),
};

export const materials: readonly ValueMaterial[] = [stream];
