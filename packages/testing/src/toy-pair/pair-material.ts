/** Pairs for the test of all layers. */
import type { Chance } from "../chance.ts";
import { type Made, textOf, type ValueMaterial } from "../values/material.ts";
import { PAIR_ENCODING, PAIR_TYPE } from "./pair-kind.ts";

function make(key: string, chance: Chance): Made {
  const content = [textOf(chance, chance.below(100)), String(chance.below(1_000_000))];
  return { requests: [["PAIRSET", key, ...content]], content };
}

export const pairMaterial: ValueMaterial = {
  type: PAIR_TYPE,
  encoding: PAIR_ENCODING,
  make,
  change: make,
};
