/** SETBIT and GETBIT: one bit of a string. Bit 0 is the highest bit of the first byte. */
import { NONE, Type } from "@kv/core";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readString } from "../string/string-at.ts";
import { bitOffsetAt, invalidBit } from "./bit-offset.ts";
import { closeBits, openBits } from "./writable-bits.ts";

export const setbit = command({
  name: "setbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Sets or clears a bit of a string, which grows as far as it must; returns the old bit.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.integer("offset"), arg.integer("value")],

  run(call) {
    const offset = bitOffsetAt(call, 2, 0);
    const bit = call.integer(3, invalidBit);
    if (bit !== 0 && bit !== 1) throw invalidBit;
    const byte = Math.floor(offset / 8);
    const isLonger = openBits(call, call.writeTyped(1, Type.STRING), byte + 1);
    const { bytes, start } = call.value;
    const mask = 128 >> (offset % 8);
    const before = bytes[start + byte] as number;
    const had = (before & mask) === 0 ? 0 : 1;
    bytes[start + byte] = bit === 0 ? before & ~mask : before | mask;
    closeBits(call, isLonger || had !== bit);
    call.reply.integer(had);
  },
});

export const getbit = command({
  name: "getbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Returns a bit of a string; bits behind its end are 0.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("offset")],

  run(call) {
    const offset = bitOffsetAt(call, 2, 0);
    const entry = call.readTyped(1, Type.STRING);
    let bit = 0;
    if (entry !== NONE) {
      readString(call, entry);
      const { bytes, start, end } = call.value;
      const at = start + Math.floor(offset / 8);
      if (at < end) bit = ((bytes[at] as number) >> (7 - (offset % 8))) & 1;
    }
    call.reply.integer(bit);
  },
});
