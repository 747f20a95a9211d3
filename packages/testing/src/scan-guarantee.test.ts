/**
 * What a scan promises: whatever comes and goes between its calls, it returns each element that was
 * there from the first call to the last, and none that never was. For keys and for the elements of
 * every type that can be scanned, in each of their encodings, while tables grow, shrink and convert.
 */
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";

interface Scanned {
  readonly name: string;
  /** Requests that add and remove elements, given by their names. */
  add(names: readonly string[]): (string | number)[];
  remove(names: readonly string[]): (string | number)[];
  scan(cursor: string, count: number): (string | number)[];
  /** Words of the reply that belong to one element. */
  readonly together: number;
}

const scanned: readonly Scanned[] = [
  {
    name: "SCAN",
    add: (names) => ["MSET", ...names.flatMap((name) => [name, "v"])],
    remove: (names) => ["DEL", ...names],
    scan: (cursor, count) => ["SCAN", cursor, "COUNT", count],
    together: 1,
  },
  {
    name: "HSCAN",
    add: (names) => ["HSET", "k", ...names.flatMap((name) => [name, "v"])],
    remove: (names) => ["HDEL", "k", ...names],
    scan: (cursor, count) => ["HSCAN", "k", cursor, "COUNT", count],
    together: 2,
  },
  {
    name: "HSCAN NOVALUES",
    add: (names) => ["HSET", "k", ...names.flatMap((name) => [name, "v"])],
    remove: (names) => ["HDEL", "k", ...names],
    scan: (cursor, count) => ["HSCAN", "k", cursor, "COUNT", count, "NOVALUES"],
    together: 1,
  },
  {
    name: "SSCAN",
    add: (names) => ["SADD", "k", ...names],
    remove: (names) => ["SREM", "k", ...names],
    scan: (cursor, count) => ["SSCAN", "k", cursor, "COUNT", count],
    together: 1,
  },
  {
    name: "ZSCAN",
    add: (names) => ["ZADD", "k", ...names.flatMap((name) => [name.length, name])],
    remove: (names) => ["ZREM", "k", ...names],
    scan: (cursor, count) => ["ZSCAN", "k", cursor, "COUNT", count],
    together: 2,
  },
];

/** How many elements stay throughout, and how many others there may be at a time. */
const sizes = [
  { lasting: 1, others: 3 },
  { lasting: 5, others: 600 },
  { lasting: 300, others: 30 },
  { lasting: 200, others: 9000 },
];

class Scan {
  private readonly kv: Harness = harness();
  private readonly present = new Set<string>();
  private readonly ever = new Set<string>();
  private readonly of: Scanned;
  private readonly chance: Chance;
  private readonly others: number;
  /** Few names, so that the same ones come and go; some look like integers. */
  private readonly name = () => {
    const number = this.chance.below(this.others * 2);
    return this.isNumeric ? `${number}` : `other ${number}`;
  };
  private readonly isNumeric: boolean;

  constructor(of: Scanned, chance: Chance, others: number) {
    this.of = of;
    this.chance = chance;
    this.others = others;
    this.isNumeric = chance.percent(40);
  }

  add(names: readonly string[]): void {
    if (names.length === 0) return;
    this.kv.send(...this.of.add(names));
    for (const name of names) this.ever.add(name);
  }

  /** Fills up, or empties, or a bit of both. */
  disturb(): void {
    const { chance, present } = this;
    const way = chance.below(4);
    const size = 1 + chance.below(way === 0 ? this.others : 20);
    if (way <= 1) {
      const names = Array.from({ length: size }, this.name);
      this.add(names);
      for (const name of names) present.add(name);
      return;
    }
    const gone = way === 2 ? [...present].slice(0, size) : [...present];
    if (gone.length > 0) this.kv.send(...this.of.remove(gone));
    for (const name of gone) present.delete(name);
  }

  /** Everything that a whole scan returns, with changes in between. */
  run(): Set<string> {
    const { of, chance, kv } = this;
    const seen = new Set<string>();
    let cursor = "0";
    let calls = 0;
    do {
      const [next, part] = kv.send(...of.scan(cursor, 1 + chance.below(60))) as [string, string[]];
      part.forEach((word, index) => {
        if (index % of.together !== 0) return;
        expect(this.ever.has(word), `${word} was there once`).toBe(true);
        seen.add(word);
      });
      cursor = next;
      if (chance.percent(60)) this.disturb();
      expect(++calls, "a scan comes to its end").toBeLessThan(20_000);
    } while (cursor !== "0");
    return seen;
  }
}

describe.each(scanned)("$name", (of) => {
  test.each(sizes)("$lasting that stay among up to $others that do not", ({ lasting, others }) => {
    for (let seed = 1; seed <= 6; seed++) {
      const chance = new Chance(seed);
      const scan = new Scan(of, chance, others);
      const stays = Array.from({ length: lasting }, (_, index) => `${1_000_000 + index * 7919}`);
      scan.add(stays);
      for (let i = chance.below(4); i > 0; i--) scan.disturb();
      const seen = scan.run();
      expect(
        stays.filter((name) => !seen.has(name)),
        `missed with seed ${seed}`,
      ).toEqual([]);
    }
  });
});
