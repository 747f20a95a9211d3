/**
 * A module is a part of the server with commands, directives, INFO fields and hooks of its own.
 * createEngine() merges them; a module sees the engine, never another module.
 */
import type { Command } from "@kv/commands";
import type { Engine } from "../engine.ts";
import type { Client } from "../kernel/client.ts";

/** One row of INFO: a name and where its value comes from. `undefined` leaves the row out. */
export interface InfoField {
  name: string;
  value: (engine: Engine) => string | number | undefined;
}

export interface InfoSection {
  /** As in `INFO replication`, and with a capital as in "# Replication". */
  name: string;
  title: string;
  /** Shown by a plain INFO (others only by name, `all` or `everything`). */
  isDefault: boolean;
  /** Not even shown by `all` and `everything`. */
  isOnlyByName?: true;
  fields: readonly InfoField[];
  /** Rows whose names are only known at run time (commandstats, keyspace). */
  rows?: (engine: Engine) => Iterable<readonly [name: string, value: string | number]>;
}

export interface Hooks {
  /** Once, when the engine is put together. */
  created?: (engine: Engine) => void;
  clientClosed?: (engine: Engine, client: Client) => void;
  /** `hz` times a second. */
  cron?: (engine: Engine, nowMs: number) => void;
  /** Before the host waits for events. */
  turn?: (engine: Engine) => void;
}

export interface EngineModule {
  name: string;
  commands?: readonly Command[];
  info?: readonly InfoSection[];
  hooks?: Hooks;
}
