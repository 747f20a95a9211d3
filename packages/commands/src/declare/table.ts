/**
 * The command table of one engine: finds a command from the bytes of its name without making a
 * string, and keeps the command's counters. Built from declarations; there is no list to maintain.
 *
 * A name is declared once. Only a placeholder (placeholder.ts) gives way to a declaration of the
 * same name, and a container that is there takes from its placeholder the subcommands it lacks.
 */
import { latin1Bytes } from "@kv/resp";
import type { Call } from "../call/call.ts";
import type { Command } from "./command.ts";
import { FLAG_BITS } from "./flags.ts";

/** A command in one engine's table, with its counters (INFO commandstats, latencystats). */
export class CommandRow {
  /** Its declaration, shared by all engines. */
  readonly command: Command;
  /** `config|set` for a subcommand. */
  readonly fullName: string;
  /** The row of what it is a subcommand of, or null. */
  readonly container: CommandRow | null;
  /** The rows of its subcommands by name, in order; null when it is no container. */
  readonly subcommands: Map<string, CommandRow> | null;
  /** Index in CommandTable.all: what ACL bitmaps count by. */
  readonly id: number;
  /** The name is known, the command is not there yet. */
  readonly isPlaceholder: boolean;
  /** Its flags as bits (FLAG_BITS). */
  readonly bits: number;
  /** Words including the name(s); negative: at least so many. */
  readonly arity: number;
  /**
   * The arity as the short way of a request compares it, which asks nothing else. What has nothing
   * to run must not go there, nor what is protected: it has 0, and no request has so few words.
   */
  readonly shortWayArity: number;
  /** Argument of the first key when it always stands there, else 0. */
  readonly firstKey: number;
  /** Arguments from one key to the next where keys go on to the end of the request, else 0. */
  readonly keyStep: number;
  /** Argument of the first field or member that is looked up in the first key's value, else 0. */
  readonly firstElement: number;
  /** Arguments from one of them to the next, else 0. */
  readonly elementStep: number;
  /** The code; undefined where there is none to run. */
  readonly run: ((call: never) => void) | undefined;
  /** The name by which it was declared, without its container's, as bytes. */
  readonly nameBytes: Uint8Array;
  /** Times that it ran, errors included. */
  calls = 0;
  /** Time spent in it. */
  microseconds = 0;
  /** Times that a guard refused it before it ran. */
  rejectedCalls = 0;
  /** Times that it ran and answered an error. */
  failedCalls = 0;
  /** Made by whoever measures latency; null until the first call. */
  histogram: unknown = null;

  constructor(command: Command, id: number, container: CommandRow | null, name: string) {
    this.command = command;
    this.id = id;
    this.isPlaceholder = command.isPlaceholder === true;
    this.container = container;
    this.fullName = container === null ? name : `${container.fullName}|${name}`;
    this.subcommands =
      command.subcommands !== undefined && command.subcommands.length > 0 ? new Map() : null;
    this.bits = command.bits;
    this.arity = command.arity;
    this.shortWayArity =
      command.run === undefined || (command.bits & FLAG_BITS.protected) !== 0 ? 0 : command.arity;
    const { firstKey, keyStep } = plainKeysOf(command);
    this.firstKey = firstKey;
    this.keyStep = keyStep;
    this.firstElement = command.elements?.first ?? 0;
    this.elementStep = command.elements?.step ?? 0;
    this.run = command.run as ((call: never) => void) | undefined;
    this.nameBytes = latin1Bytes(name);
  }

  /** True for a placeholder that answers nothing of its own: to clients it is unknown. */
  get isAbsent(): boolean {
    return this.isPlaceholder && this.run === undefined;
  }

  /** The subcommands that are there. */
  listedSubcommands(): CommandRow[] {
    return [...(this.subcommands?.values() ?? [])].filter(({ isPlaceholder }) => !isPlaceholder);
  }

  /** The flags of one call, as bits: its words may have a say in them. */
  bitsOf(call: Call): number {
    const { flagsOf } = this.command;
    return flagsOf === undefined ? this.bits : flagsOf(call);
  }

  /** True when a request of `argc` words has the right number for this command. */
  accepts(argc: number): boolean {
    return this.arity >= 0 ? argc === this.arity : argc >= -this.arity;
  }

  /** Sets all counters back to zero (CONFIG RESETSTAT). */
  resetCounters(): void {
    this.calls = 0;
    this.microseconds = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    this.histogram = null;
  }
}

/** Where the keys of a command stand, if its arguments have no say in that; zeros otherwise. */
function plainKeysOf({ keys }: Command): { firstKey: number; keyStep: number } {
  const begin = keys[0]?.begin;
  const find = keys[0]?.find;
  if (begin?.type !== "index" || find?.type !== "range") return { firstKey: 0, keyStep: 0 };
  const goesOn = find.last === -1 && find.limit === 0;
  return { firstKey: begin.index, keyStep: goesOn ? find.step : 0 };
}

const NAME_BYTES_MAX = 64;
/** Places for names that were found: a program uses a dozen or two. */
const RECENT_COUNT = 128;

/**
 * The commands of one engine, by name: see the head of this file. Throws an Error when a name is
 * declared twice.
 */
export class CommandTable {
  /** Every command and subcommand, in order of registration; placeholders come last. */
  readonly all: CommandRow[] = [];
  /** Those of `all` that are there: what may be shown to clients. */
  readonly listed: readonly CommandRow[];
  /** Those of `all` that answer something of their own, refusing placeholders too: what is measured. */
  readonly answering: readonly CommandRow[];
  /** Top-level commands by lower-case name. */
  readonly byName = new Map<string, CommandRow>();
  /** The same as a hash table: a row in the slot of its name's hash or, where that is taken, behind it. */
  private slots: (CommandRow | undefined)[] = [];
  /** The name of the row in each slot. */
  private names: (Uint8Array | undefined)[] = [];
  private mask = 0;
  /** Names as they were written, each found last of those that share its place, and their commands. */
  private readonly recentNames = new Uint8Array(RECENT_COUNT * NAME_BYTES_MAX);
  private readonly recentLengths = new Uint8Array(RECENT_COUNT);
  private readonly recentRows = new Array<CommandRow | undefined>(RECENT_COUNT).fill(undefined);

  constructor(commands: Iterable<Command>) {
    const placeholders: Command[] = [];
    for (const command of commands) {
      if (command.isPlaceholder === true) placeholders.push(command);
      else this.register(command);
    }
    this.listed = [...this.all];
    for (const placeholder of placeholders) this.registerPlaceholder(placeholder);
    this.answering = this.all.filter(({ isAbsent }) => !isAbsent);
    this.rebuild();
  }

  private register(command: Command): void {
    const { name } = command;
    const declared = this.byName.get(name);
    // A container that is declared again adds its subcommands.
    if (declared != null && declared.subcommands !== null && command.subcommands !== undefined) {
      this.registerSubcommands(declared, command);
      return;
    }
    if (declared !== undefined) throw new Error(`command ${name} is declared twice`);
    const row = new CommandRow(command, this.all.length, null, name);
    this.all.push(row);
    this.byName.set(name, row);
    this.registerSubcommands(row, command);
  }

  /** Subcommands that the container has already need no placeholder. */
  private registerSubcommands(container: CommandRow, command: Command): void {
    const { subcommands } = container;
    if (subcommands === null) return;
    for (const sub of command.subcommands ?? []) {
      if (subcommands.has(sub.name)) {
        if (sub.isPlaceholder === true) continue;
        throw new Error(`command ${container.fullName}|${sub.name} is declared twice`);
      }
      const row = new CommandRow(sub, this.all.length, container, sub.name);
      this.all.push(row);
      subcommands.set(sub.name, row);
    }
  }

  private registerPlaceholder(placeholder: Command): void {
    const declared = this.byName.get(placeholder.name);
    if (declared === undefined || declared.isPlaceholder) this.register(placeholder);
    else this.registerSubcommands(declared, placeholder);
  }

  /** rename-command: another name, or "" to remove the command. False when `from` is unknown or `to` taken. */
  rename(from: string, to: string): boolean {
    const row = this.byName.get(from.toLowerCase());
    if (row === undefined) return false;
    const name = to.toLowerCase();
    if (name !== "" && this.byName.has(name)) return false;
    this.byName.delete(from.toLowerCase());
    if (name !== "") this.byName.set(name, row);
    this.rebuild();
    return true;
  }

  private rebuild(): void {
    this.recentLengths.fill(0);
    // At most half full, so that names which meet stay few.
    this.mask = 2 ** Math.ceil(Math.log2(2 * this.byName.size + 1)) - 1;
    this.slots = new Array(this.mask + 1).fill(undefined);
    this.names = new Array(this.mask + 1).fill(undefined);
    for (const [name, row] of this.byName) {
      const bytes = latin1Bytes(name);
      let slot = foldedHash(bytes, 0, bytes.length) & this.mask;
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = row;
      this.names[slot] = bytes;
    }
  }

  /** Command with the name bytes[start, end), whatever its case; undefined when unknown. */
  find(bytes: Uint8Array, start: number, end: number): CommandRow | undefined {
    const length = end - start;
    if (length === 0 || length > NAME_BYTES_MAX) return undefined;
    // Programs repeat a few commands: then comparing the name is all there is to do.
    const place = placeOf(bytes, start, length);
    if (this.recentLengths[place] === length) {
      const { recentNames } = this;
      const at = place * NAME_BYTES_MAX;
      let i = 0;
      while (i < length && bytes[start + i] === recentNames[at + i]) i++;
      if (i === length) return this.recentRows[place];
    }
    return this.findAndNote(bytes, start, end, place);
  }

  private findAndNote(
    bytes: Uint8Array,
    start: number,
    end: number,
    place: number,
  ): CommandRow | undefined {
    const length = end - start;
    let slot = foldedHash(bytes, start, end) & this.mask;
    for (;;) {
      const row = this.slots[slot];
      if (row === undefined) return undefined;
      const name = this.names[slot] as Uint8Array;
      if (name.length === length) {
        let i = 0;
        while (i < length && folded(bytes[start + i] as number) === name[i]) i++;
        if (i === length) {
          this.recentRows[place] = row;
          this.recentLengths[place] = length;
          const at = place * NAME_BYTES_MAX;
          for (let k = 0; k < length; k++) this.recentNames[at + k] = bytes[start + k] as number;
          return row;
        }
      }
      slot = (slot + 1) & this.mask;
    }
  }

  /**
   * Throws unless every name finds its command, by three steps or fewer on average however many
   * there are. For tests.
   */
  check(): void {
    let steps = 0;
    for (const [name, row] of this.byName) {
      const bytes = latin1Bytes(name);
      if (this.find(bytes, 0, bytes.length) !== row) throw new Error(`${name} is not found`);
      let slot = foldedHash(bytes, 0, bytes.length) & this.mask;
      for (steps++; this.slots[slot] !== row; steps++) slot = (slot + 1) & this.mask;
    }
    if (steps > 3 * this.byName.size)
      throw new Error(`${steps} steps for ${this.byName.size} names`);
  }
}

/** The factors keep a hundred names that are used most apart, but for a few. */
function placeOf(bytes: Uint8Array, start: number, length: number): number {
  const first = bytes[start] as number;
  const middle = bytes[start + (length >> 1)] as number;
  const last = bytes[start + length - 1] as number;
  return (6 * first + 23 * middle + 20 * last + 7 * length) & (RECENT_COUNT - 1);
}

/** Lower case of an ASCII letter; other bytes as they are. */
function folded(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

function foldedHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  // Setting bit 5 folds letters; other bytes may meet, which only costs a comparison.
  for (let i = start; i < end; i++)
    hash = Math.imul(hash ^ ((bytes[i] as number) | 32), 0x01000193);
  return hash ^ (hash >>> 15);
}
