/** Directives: the append-only file. */
import { directive } from "../directive.ts";
import { boolean, integer, memory, oneOf, text } from "../kinds.ts";
import { intMax, longMax } from "../value-grammar.ts";
import { refuseEmptyOrPath } from "./file-name.ts";

export const appendOnlyFile = [
  directive({
    name: "appendonly",
    kind: boolean,
    default: false,
    denyLoading: true,
    summary: "Log every write to the append-only file.",
  }),
  directive({
    name: "appendfilename",
    kind: text({ refuse: (name) => refuseEmptyOrPath("appendfilename", "filename", name) }),
    default: "appendonly.aof",
    immutable: true,
    summary: "How the names of its files begin.",
  }),
  directive({
    name: "appenddirname",
    kind: text({ refuse: (name) => refuseEmptyOrPath("appenddirname", "dirname", name) }),
    default: "appendonlydir",
    immutable: true,
    summary: "Directory of its files, in the working directory.",
  }),
  directive({
    name: "appendfsync",
    kind: oneOf(["everysec", "always", "no"]),
    default: "everysec",
    summary: "When to sync it to disk.",
  }),
  directive({
    name: "no-appendfsync-on-rewrite",
    kind: boolean,
    default: false,
    summary: "Do not sync while a snapshot or a rewrite keeps the disk busy.",
  }),
  directive({
    name: "auto-aof-rewrite-percentage",
    kind: integer(0, intMax),
    default: 100,
    summary: "Growth since the last rewrite that starts another; 0 never does.",
  }),
  directive({
    name: "auto-aof-rewrite-min-size",
    kind: memory(0, longMax),
    default: 64 * 1024 * 1024,
    summary: "Size below which growth starts no rewrite.",
  }),
  directive({
    name: "aof-load-truncated",
    kind: boolean,
    default: true,
    summary: "Start with a file whose end is cut off.",
  }),
  directive({
    name: "aof-use-rdb-preamble",
    kind: boolean,
    default: true,
    summary: "Write the base file in snapshot format.",
  }),
  directive({
    name: "aof-timestamp-enabled",
    kind: boolean,
    default: false,
    summary: "Note the time between commands, so that a moment can be restored.",
  }),
  directive({
    name: "aof-rewrite-incremental-fsync",
    kind: boolean,
    default: true,
    summary: "Sync a rewritten file to disk bit by bit while it is written.",
  }),
] as const;
