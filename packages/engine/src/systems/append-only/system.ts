/** The system of the append-only file: BGREWRITEAOF, its directives, and its rows of INFO. */
import { commandsOf } from "@kv/commands";
import { appendOnlyFilePort } from "../../module/ports.ts";
import type { InfoField, System } from "../../module/system.ts";
import { AppendOnly, appendOnlyPort } from "./append-only.ts";
import * as commands from "./index.ts";
import type { SyncPolicy } from "./log-writer.ts";

const field = (name: string, of: (log: AppendOnly) => number | string): InfoField => ({
  name,
  value: (ports) => of(ports.of(appendOnlyPort)),
});

/** A row that is only there while commands are logged. */
const whileOn = (name: string, of: (log: AppendOnly) => number): InfoField => ({
  name,
  value: (ports) => {
    const log = ports.of(appendOnlyPort);
    return log.state === "off" ? undefined : of(log);
  },
});

export const appendOnlySystem: System = {
  name: "append-only",
  ports: [appendOnlyPort, appendOnlyFilePort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["appendonly"],
      apply: (config, ports) => ports.of(appendOnlyPort).setWanted(config.boolean("appendonly")),
    },
    {
      names: ["appendfsync"],
      apply: (config, ports) => {
        ports.of(appendOnlyPort).writer.policy = config.text("appendfsync") as SyncPolicy;
        return undefined;
      },
    },
    {
      names: ["aof-timestamp-enabled"],
      apply: (config, ports) => {
        const { writer } = ports.of(appendOnlyPort);
        writer.hasTimestamps = config.boolean("aof-timestamp-enabled");
        return undefined;
      },
    },
    {
      names: ["aof-disable-auto-gc"],
      apply: (_config, ports) => {
        ports.of(appendOnlyPort).tidy();
        return undefined;
      },
    },
    {
      names: [
        "propagation-error-behavior",
        "appendfilename",
        "appenddirname",
        "no-appendfsync-on-rewrite",
        "auto-aof-rewrite-percentage",
        "auto-aof-rewrite-min-size",
        "aof-load-truncated",
        "aof-use-rdb-preamble",
        "aof-rewrite-incremental-fsync",
      ],
    },
  ],
  info: [
    {
      name: "persistence",
      title: "Persistence",
      isDefault: true,
      fields: [
        field("aof_enabled", ({ state }) => (state === "off" ? 0 : 1)),
        field("aof_rewrite_in_progress", ({ isRewriting }) => (isRewriting ? 1 : 0)),
        field("aof_rewrite_scheduled", ({ isScheduled }) => (isScheduled ? 1 : 0)),
        field("aof_last_rewrite_time_sec", ({ lastRewriteSeconds }) => lastRewriteSeconds),
        field("aof_current_rewrite_time_sec", ({ rewriteSeconds }) => rewriteSeconds),
        field("aof_last_bgrewrite_status", ({ lastRewriteOk }) => (lastRewriteOk ? "ok" : "err")),
        field("aof_rewrites", ({ rewriteCount }) => rewriteCount),
        field("aof_rewrites_consecutive_failures", ({ failuresInARow }) => failuresInARow),
        field("aof_last_write_status", ({ writer }) => (writer.isHealthy ? "ok" : "err")),
        // A rewrite copies no pages, for nothing forks.
        field("aof_last_cow_size", () => 0),
        field("module_fork_in_progress", () => 0),
        field("module_fork_last_cow_size", () => 0),
        whileOn("aof_current_size", ({ currentBytes }) => currentBytes),
        whileOn("aof_base_size", ({ baseBytes }) => baseBytes),
        whileOn("aof_pending_rewrite", ({ isScheduled }) => (isScheduled ? 1 : 0)),
        whileOn("aof_buffer_length", ({ writer }) => writer.bufferedBytes),
        whileOn("aof_pending_bio_fsync", ({ writer }) => (writer.isSyncing ? 1 : 0)),
        whileOn("aof_delayed_fsync", ({ writer }) => writer.delayedSyncCount),
      ],
    },
  ],
  start: (ports) => new AppendOnly(ports),
};
