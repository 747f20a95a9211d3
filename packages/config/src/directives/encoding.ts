/** Directives: up to which size values keep their compact encodings. */
import { directive } from "../directive.ts";
import { integer, memory } from "../kinds.ts";
import { intMax, intMin, longMax } from "../value-grammar.ts";

const entryCount = integer(0, longMax);
const byteSize = memory(0, longMax);

export const encoding = [
  directive({
    name: "hash-max-listpack-entries",
    aliases: ["hash-max-ziplist-entries"],
    kind: entryCount,
    default: 512,
    summary: "Fields of a hash kept as a listpack.",
  }),
  directive({
    name: "hash-max-listpack-value",
    aliases: ["hash-max-ziplist-value"],
    kind: byteSize,
    default: 64,
    summary: "Longest field or value of such a hash.",
  }),
  directive({
    name: "list-max-listpack-size",
    aliases: ["list-max-ziplist-size"],
    kind: integer(intMin, intMax),
    default: -2,
    summary: "Elements of a list node, or -1 to -5 for 4 to 64 kilobytes.",
  }),
  directive({
    name: "list-compress-depth",
    kind: integer(0, intMax),
    default: 0,
    summary: "Nodes at both ends of a list that stay uncompressed; 0 compresses none.",
  }),
  directive({
    name: "set-max-intset-entries",
    kind: entryCount,
    default: 512,
    summary: "Integers of a set kept as an intset.",
  }),
  directive({
    name: "set-max-listpack-entries",
    since: "7.2.0",
    kind: entryCount,
    default: 128,
    summary: "Members of a set kept as a listpack.",
  }),
  directive({
    name: "set-max-listpack-value",
    since: "7.2.0",
    kind: byteSize,
    default: 64,
    summary: "Longest member of such a set.",
  }),
  directive({
    name: "zset-max-listpack-entries",
    aliases: ["zset-max-ziplist-entries"],
    kind: entryCount,
    default: 128,
    summary: "Members of a sorted set kept as a listpack.",
  }),
  directive({
    name: "zset-max-listpack-value",
    aliases: ["zset-max-ziplist-value"],
    kind: byteSize,
    default: 64,
    summary: "Longest member of such a sorted set.",
  }),
  directive({
    name: "hll-sparse-max-bytes",
    kind: byteSize,
    default: 3000,
    summary: "Size from which a HyperLogLog becomes dense.",
  }),
  directive({
    name: "stream-node-max-bytes",
    kind: byteSize,
    default: 4096,
    summary: "Bytes of a stream node; 0 sets no limit.",
  }),
  directive({
    name: "stream-node-max-entries",
    kind: entryCount,
    default: 100,
    summary: "Entries of a stream node; 0 sets no limit.",
  }),
] as const;
