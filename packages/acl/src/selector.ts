/**
 * Selector: one set of permissions, of commands, keys and channels. A user has one that its plain
 * rules build, and may have more, each in parentheses; a request is allowed when one of them alone
 * allows all of it.
 */
import type { CommandRow, FoundKeys, KeyFlag } from "@kv/commands";
import { CommandRules } from "./command-rules.ts";
import type { KnownCommands } from "./known-commands.ts";
import { ChannelPatterns, KeyAccess, KeyPatterns } from "./patterns.ts";
import type { AclRequest } from "./request.ts";

/** Why a request is refused: its command, or the key or channel that is this argument. */
export interface Denial {
  /** A selector looks at the command first, then at the keys, then at the channels. */
  readonly reason: "command" | "key" | "channel";
  /** Index of the argument that was refused, counted from the command's name; 0 for a command. */
  readonly argument: number;
}

const commandDenied: Denial = { reason: "command", argument: 0 };

/** One set of permissions: see the head of this file. Allows nothing at first. */
export class Selector {
  /** Which commands may be run. */
  readonly commands: CommandRules;
  /** Which keys they may read and write. */
  readonly keys = new KeyPatterns();
  /** Which channels they may publish to and listen to. */
  readonly channels = new ChannelPatterns();
  private readonly known: KnownCommands;

  constructor(known: KnownCommands) {
    this.known = known;
    this.commands = new CommandRules(known);
  }

  /** Another selector with the same permissions. */
  copy(): Selector {
    const copy = new Selector(this.known);
    copy.copyFrom(this);
    return copy;
  }

  /** Becomes what `other` is; a later change of one does not change the other. */
  copyFrom(other: Selector): void {
    this.commands.copyFrom(other.commands);
    this.keys.copyFrom(other.keys);
    this.channels.copyFrom(other.channels);
  }

  /** True when no request can be refused, so that none need be looked at. */
  get allowsAll(): boolean {
    return this.commands.allowsAll && this.keys.allowsAll && this.channels.allowsAll;
  }

  /**
   * What it has against the request, which is one of this command; null when nothing. `keys` finds
   * the request's keys, and is asked only where they matter.
   */
  denial(row: CommandRow, request: AclRequest, keys: () => readonly FoundKeys[]): Denial | null {
    if (!this.commands.allows(row, request)) return commandDenied;
    const { bytes } = request;
    if (!this.keys.allowsAll) {
      for (const { index: first, count, step, flags } of keys()) {
        const access = accessOf(flags);
        for (let left = count, index = first; left > 0; left--, index += step) {
          const start = request.start(index);
          if (!this.keys.allows(bytes, start, request.end(index), access))
            return { reason: "key", argument: index };
        }
      }
    }
    const { channels } = row.command;
    if (channels !== undefined && !this.channels.allowsAll) {
      const last = channels.last < 0 ? request.argc + channels.last : channels.last;
      for (let index = channels.first; index <= last; index++) {
        const start = request.start(index);
        if (!this.channels.allows(bytes, start, request.end(index), channels.arePatterns))
          return { reason: "channel", argument: index };
      }
    }
    return null;
  }

  /** All rules, as they follow one another in ACL LIST and in files: keys, channels, commands. */
  words(): string[] {
    const { allowsAll } = this.channels;
    return [
      ...this.keys.words(),
      ...(allowsAll ? [] : ["resetchannels"]),
      ...this.channels.words(),
      ...this.commands.words(),
    ];
  }
}

/** Bits of KeyAccess that a command needs for a key. */
function accessOf(flags: readonly KeyFlag[]): number {
  let access = 0;
  for (const flag of flags) {
    if (flag === "access") access |= KeyAccess.READ;
    else if (flag === "insert" || flag === "delete" || flag === "update") access |= KeyAccess.WRITE;
  }
  return access;
}
