/**
 * Selector: one set of permissions, of commands, keys and channels. A user has one that its plain
 * rules build, and may have more, each in parentheses; a request is allowed when one of them alone
 * allows all of it.
 */
import type { CommandRow } from "@kv/commands";
import { CommandRules } from "./command-rules.ts";
import type { KnownCommands } from "./known-commands.ts";
import { ChannelPatterns, KeyPatterns } from "./patterns.ts";
import { type AclRequest, type RequestKeys, SPAN_NUMBERS } from "./request.ts";

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

  constructor(known: KnownCommands) {
    this.commands = new CommandRules(known);
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

  /** How many rules and patterns it keeps. */
  get count(): number {
    return this.commands.count + this.keys.count + this.channels.count;
  }

  /**
   * What it has against the request, which is one of this command; null when nothing. `keys` points
   * at the request, and is asked only where keys matter.
   */
  denial(row: CommandRow, request: AclRequest, keys: RequestKeys): Denial | null {
    if (!this.commands.allows(row, request)) return commandDenied;
    if (!this.keys.allowsAll) {
      const key = this.refusedKey(request, keys);
      if (key !== -1) return { reason: "key", argument: key };
    }
    const { channels } = row.command;
    if (channels !== undefined && !this.channels.allowsAll) {
      const last = channels.last < 0 ? request.argc + channels.last : channels.last;
      for (let index = channels.first; index <= last; index++) {
        const start = request.start(index);
        const end = request.end(index);
        if (!this.channels.allows(request.bytes, start, end, channels.arePatterns))
          return { reason: "channel", argument: index };
      }
    }
    return null;
  }

  /** The first argument that is a key out of reach, or -1. */
  private refusedKey(request: AclRequest, keys: RequestKeys): number {
    const length = keys.find();
    const { spans } = keys;
    for (let at = 0; at < length; at += SPAN_NUMBERS) {
      let index = spans[at] as number;
      const step = spans[at + 2] as number;
      const access = spans[at + 3] as number;
      for (let left = spans[at + 1] as number; left > 0; left--, index += step) {
        const start = request.start(index);
        if (!this.keys.allows(request.bytes, start, request.end(index), access)) return index;
      }
    }
    return -1;
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
