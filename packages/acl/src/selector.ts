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

/** What was refused: the command, or the key or channel that is this argument. */
export interface Denial {
  readonly reason: "command" | "key" | "channel";
  readonly argument: number;
}

const commandDenied: Denial = { reason: "command", argument: 0 };

export class Selector {
  readonly commands: CommandRules;
  readonly keys = new KeyPatterns();
  readonly channels = new ChannelPatterns();
  private readonly known: KnownCommands;

  constructor(known: KnownCommands) {
    this.known = known;
    this.commands = new CommandRules(known);
  }

  copy(): Selector {
    const copy = new Selector(this.known);
    copy.copyFrom(this);
    return copy;
  }

  copyFrom(other: Selector): void {
    this.commands.copyFrom(other.commands);
    this.keys.copyFrom(other.keys);
    this.channels.copyFrom(other.channels);
  }

  get allowsAll(): boolean {
    return this.commands.allowsAll && this.keys.allowsAll && this.channels.allowsAll;
  }

  /** What it has against the request; null when nothing. `keys` finds the keys when asked. */
  denial(entry: CommandRow, request: AclRequest, keys: () => readonly FoundKeys[]): Denial | null {
    if (!this.commands.allows(entry, request)) return commandDenied;
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
    const { channels } = entry.command;
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

  /** All rules, as they follow one another in ACL LIST and in files. */
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
