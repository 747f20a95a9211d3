/** Directives: RDB snapshots and the working directory. */
import { directive } from "../directive.ts";
import { boolean, oneOf, text } from "../kinds.ts";
import { savePoints } from "../special-kinds.ts";
import { refusePath } from "./file-name.ts";

export const snapshot = [
  directive({
    name: "save",
    kind: savePoints,
    default: [
      { seconds: 3600, changes: 1 },
      { seconds: 300, changes: 100 },
      { seconds: 60, changes: 10000 },
    ],
    rewrite: "always",
    summary: "Take a snapshot after so many seconds with at least so many changes.",
  }),
  directive({
    name: "stop-writes-on-bgsave-error",
    kind: boolean,
    default: true,
    summary: "Refuse writes while the last snapshot could not be saved.",
  }),
  directive({
    name: "rdbcompression",
    kind: boolean,
    default: true,
    summary: "Compress long strings in snapshots.",
  }),
  directive({
    name: "rdbchecksum",
    kind: boolean,
    default: true,
    immutable: true,
    summary: "End snapshots with a checksum and verify it.",
  }),
  directive({
    name: "rdb.version",
    kind: oneOf(["10", "11", "12"]),
    default: "10",
    extension: "Snapshots are written for the oldest servers that are to read them.",
    summary: "Version of the RDB format to write: 10 as Redis 7.0, 11 as 7.2, 12 as 7.4.",
  }),
  directive({
    name: "sanitize-dump-payload",
    kind: oneOf(["no", "yes", "clients"]),
    default: "no",
    summary: "Check every element of loaded values: never, always, or when clients send them.",
    noEffectBecause: "Every value is checked to its last byte, whoever it comes from.",
  }),
  directive({
    name: "dbfilename",
    kind: text({ refuse: (name) => refusePath("dbfilename", "filename", name) }),
    default: "dump.rdb",
    protected: true,
    summary: "File name of the snapshot, in the working directory.",
  }),
  directive({
    name: "rdb-del-sync-files",
    kind: boolean,
    default: false,
    summary: "Delete snapshots made only for replication once they are sent.",
  }),
  directive({
    name: "rdb-save-incremental-fsync",
    kind: boolean,
    default: true,
    summary: "Sync a snapshot to disk bit by bit while it is written.",
  }),
  directive({
    name: "dir",
    kind: text(),
    default: ".",
    protected: true,
    denyLoading: true,
    rewrite: "always",
    summary: "Working directory; data files live here.",
  }),
] as const;
