/** Strings in their three encodings. */
import { Encoding, Type } from "@kv/core";
import { textOf, type ValueMaterial } from "../material.ts";

const raw: ValueMaterial = {
  type: Type.STRING,
  encoding: Encoding.RAW,
  make(key, chance) {
    // Behind the key, and in a block of its own.
    const content = textOf(chance, chance.of([45, 512, 513, 20_000]));
    return { requests: [["SET", key, content]], content };
  },
  change(key, chance, content) {
    const more = textOf(chance, 1 + chance.below(600));
    return { requests: [["APPEND", key, more]], content: `${content}${more}` };
  },
};

const int: ValueMaterial = {
  type: Type.STRING,
  encoding: Encoding.INT,
  make(key, chance) {
    const content = chance.of(["0", "-7", "12345", "9007199254740993", "-9223372036854775808"]);
    return { requests: [["SET", key, content]], content };
  },
  change(key, _chance, content) {
    return { requests: [["INCR", key]], content: String(BigInt(content as string) + 1n) };
  },
};

const embstr: ValueMaterial = {
  type: Type.STRING,
  encoding: Encoding.EMBSTR,
  make(key, chance) {
    const content = `x${textOf(chance, chance.below(44))}`;
    return { requests: [["SET", key, content]], content };
  },
  change(key, chance) {
    const { content } = embstr.make(key, chance, 1);
    return { requests: [["SET", key, content as string, "KEEPTTL"]], content };
  },
};

export const materials: readonly ValueMaterial[] = [raw, int, embstr];
