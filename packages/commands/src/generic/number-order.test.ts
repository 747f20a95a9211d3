import { Chance } from "@kv/testing";
import { expect, test } from "vitest";
import { orderByNumber } from "./number-order.ts";

function ordered(numbers: number[], isDescending: boolean): number[] {
  const given = Float64Array.from(numbers);
  const order = Int32Array.from(numbers.keys());
  const spare = new Int32Array(numbers.length);
  const isInSpare = orderByNumber(given, isDescending, order, spare);
  return [...(isInSpare ? spare : order)];
}

test("the order is that of a stable sort, either way round", () => {
  const sources: ((chance: Chance) => number)[] = [
    (chance) => chance.below(20) - 10,
    (chance) => chance.below(2 ** 31) * (chance.below(2) * 2 - 1),
    (chance) => (chance.below(2 ** 30) - 2 ** 29) / 2 ** chance.below(60),
    (chance) => chance.of([0, -0, 1, -1, Number.MIN_VALUE, -Number.MIN_VALUE]),
    (chance) => chance.of([Infinity, -Infinity, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53]),
  ];
  for (const [seed, source] of sources.entries()) {
    const chance = new Chance(seed + 1);
    for (const length of [0, 1, 2, 3, 100, 2000]) {
      const numbers = Array.from({ length }, () => source(chance));
      const indexes = [...numbers.keys()];
      const compare = (one: number, other: number) => {
        const [left, right] = [numbers[one] as number, numbers[other] as number];
        return left < right ? -1 : left > right ? 1 : 0;
      };
      const note = `source ${seed}, length ${length}`;
      expect(ordered(numbers, false), note).toEqual([...indexes].sort(compare));
      const backwards = [...indexes].sort((one, other) => compare(other, one));
      expect(ordered(numbers, true), note).toEqual(backwards);
    }
  }
});
