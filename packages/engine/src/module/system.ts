/**
 * System: a part of the server with commands, directives, INFO rows and state of its own. The
 * engine's own systems (systems/) and those that come from outside have this one shape; a system
 * sees the kernel and what is below the engine, never another system (ports.ts).
 *
 *      const clock: System = {
 *        name: "clock",
 *        commands: [what],                          // engineCommand({ ... })
 *        start: (ports) => new Clock(ports),        // its state, and the hooks of Running
 *      };
 *      createEngine({ host, config, modules: [clock] });
 */
import type { Command, CommandTable } from "@kv/commands";
import type { AnyDirective, ConfigStore, StatementName } from "@kv/config";
import type { Client } from "../kernel/client.ts";
import type { ClientFacts } from "../kernel/client-report.ts";
import type { Job } from "../kernel/cron.ts";
import type { ChangeListener, CommandListener, EventPublisher } from "../kernel/effects.ts";
import type { Guard, GuardName } from "../kernel/guards.ts";
import type { PropagationSink } from "../kernel/propagate.ts";
import type { ShutdownRequest } from "../kernel/shutdown-request.ts";
import type { Port, Ports } from "./ports.ts";

/** One row of INFO: a name and where its value comes from. `undefined` leaves the row out. */
export interface InfoField {
  /** As it stands before the colon. */
  name: string;
  /** Asked with every INFO that shows the row. */
  value: (ports: Ports) => string | number | undefined;
}

/** A section of INFO, or what a system adds to one that others have begun. */
export interface InfoSection {
  /** As in `INFO replication`, in lower case. */
  name: string;
  /** The heading, as in "# Replication". */
  title: string;
  /** Shown by a plain INFO (others only by name, `all` or `everything`). */
  isDefault: boolean;
  /** Not even shown by `all` and `everything`. */
  isOnlyByName?: true;
  /** All that others have put into the section so far gives way. */
  replaces?: true;
  /** A row of a name that is there already takes its place. */
  fields: readonly InfoField[];
  /** Rows whose names are only known at run time (commandstats, keyspace), behind the fields. */
  rows?: (ports: Ports) => Iterable<readonly [name: string, value: string | number]>;
}

/** A directive, or several that belong together, that a system acts upon. */
export interface DirectiveRow {
  /**
   * Their names, in lower case. One that Redis does not have stands here whole, and is declared by
   * that: directivesFor() adds it to those of a ConfigStore. Its name has a dot, as those of Redis's
   * modules ("clock.zone"): so a line of a file is known for one of a module's, and options in
   * TypeScript may have it.
   */
  readonly names: readonly (string | AnyDirective)[];
  /**
   * Called at the start and with every CONFIG SET of one of the names. Undefined, or why the value
   * cannot be taken. Left out where the value is read when it is needed.
   */
  readonly apply?: (config: ConfigStore, ports: Ports) => string | undefined;
  /**
   * For a part of Redis that is not there: the name is the first one, and `isAsked` whether the
   * configuration asks for it. To go on as if it were there would lose data, or leave unprotected
   * what somebody wanted protected, so that is refused.
   */
  readonly missing?: { readonly what: string; readonly isAsked: (config: ConfigStore) => boolean };
}

/** A line of the configuration file that sets no directive. */
export interface StatementRow {
  /** The first word of the line. */
  readonly keyword: StatementName;
  /**
   * Whether such a line, whose further words these are, can be taken: undefined, or why not. What
   * rename-command lines before it say is in the table.
   */
  check(words: readonly string[], config: ConfigStore, commands: CommandTable): string | undefined;
  /** Does what all these lines say. Each was checked. Once, when the engine is put together. */
  apply(lines: readonly (readonly string[])[], ports: Ports): void;
  /** What CONFIG REWRITE is to write in their place, without the keyword. */
  rewritten(ports: Ports): string[];
}

/**
 * A system that has started: its hooks, all optional. What it offers by its port is the same
 * object. Hooks are called in the order in which systems have started, the engine's own first. One
 * that throws is a fault: nobody knows what was left half done, and the host ends the server.
 */
export interface Running extends Job {
  /**
   * Take the places of the guards of the same names, whoever brought those. Guards are only asked
   * while a bit of EngineState or of ClientState says that something is unusual: whoever brings one
   * sets the bit that it is about (Situation.setUnusual, Client.mark).
   */
  readonly guards?: Partial<Record<GuardName, Guard>>;
  /** Takes what is propagated. */
  readonly sink?: PropagationSink;
  /** Hears of changes to keys. */
  readonly changeListener?: ChangeListener;
  /** Hears of each command that ran. */
  readonly commandListener?: CommandListener;
  /** Where keyspace events are published, in place of whoever has published them before. */
  readonly events?: EventPublisher;
  /** What it knows of each client. */
  readonly clientFacts?: ClientFacts;
  /** All systems have started, these and no others. */
  assembled?(systems: readonly System[]): void;
  /** Bytes in use besides the arena's blocks and the clients' buffers. */
  uncountedBytes?(): number;
  /** The client has been let in. */
  clientOpened?(client: Client): void;
  /** The client is to be as it was when it came (RESET). */
  clientReset?(client: Client): void;
  /** The client has gone. */
  clientClosed?(client: Client): void;
  /** The client's transaction ends; also called when there may have been none (RESET, a close). */
  transactionEnded?(client: Client): void;
  /** FLUSHALL has emptied all databases. True: that is on disk already. */
  allFlushed?(): boolean;
  /** Loads the data set at the start. False: it could not be loaded, and the log says why. */
  load?(): Promise<boolean>;
  /** CONFIG RESETSTAT. */
  resetStatistics?(): void;
  /**
   * Somebody has set the wall clock on by so many milliseconds (below 0: back). Times since when something
   * lasts, or until when it is to last, move along; times of day (expiries) do not.
   */
  clockStepped?(stepMs: number): void;
  /**
   * A shutdown is asked for, by somebody who can wait: what takes long may be done beside the event loop,
   * before stopping() is called. Until then nothing else happens: see Standstill. Undefined: nothing takes long.
   */
  preparing?(request: ShutdownRequest): Promise<void> | undefined;
  /** Who asked does not want to wait any more: the process ends, and takes what is under way with it. */
  hurried?(): void;
  /**
   * A shutdown is asked for. False: it may not be, and the log says why; those behind it are not
   * asked then, and those before it (saving is one) have done what they do.
   */
  stopping?(request: ShutdownRequest): boolean;
  /** For good: what is under way is given up. */
  stop?(): void;
  /** True when the disk has nothing to do for it. */
  readonly isSettled?: boolean;
  /** Resolves when the disk has nothing more to do for it. */
  settled?(): Promise<void>;
}

/** What is left of a server that is no data server: see System.limits. */
export interface SystemLimits {
  /** Commands of other systems, by their names. There are none on data. */
  readonly commands: readonly string[];
  /** Their subcommands that there are not, as in "client|kill". */
  readonly leftOut?: readonly string[];
  /** Sections of INFO, in any order. */
  readonly sections: readonly string[];
}

/**
 * A part of the server: see the head of this file. A constant: its state is what start() returns.
 */
export interface System {
  /** One lower-case word, for people. */
  readonly name: string;
  /** By which others, and its own commands, find what start() returned. */
  readonly ports?: readonly Port<unknown>[];
  /**
   * A placeholder of the same name gives way. A container that is there already takes the
   * subcommands of one of the same name besides its own.
   */
  readonly commands?: readonly Command[];
  /** The directives that it acts upon. */
  readonly directives?: readonly DirectiveRow[];
  /** The lines of the configuration file that set no directive and are its to read. */
  readonly statements?: readonly StatementRow[];
  /** Sections of INFO, and rows that it adds to those of others. */
  readonly info?: readonly InfoSection[];
  /** Set by one that makes the server another kind of server: what of others' there is besides its own. */
  readonly limits?: SystemLimits;
  /**
   * Once, when the engine is put together: the kernel stands, systems before this one have started.
   */
  readonly start?: (ports: Ports) => Running;
}
