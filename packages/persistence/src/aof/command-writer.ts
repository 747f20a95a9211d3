/**
 * CommandWriter: a data set as the commands that make it anew, piece by piece, into a byte sink.
 *
 *      FUNCTION LOAD code ...      each library of functions
 *      SELECT database
 *      ... the commands of a key's value (commands/form.ts), PEXPIREAT key ms if it expires ...
 *
 * The order of calls is the order of the file: what stands in front, then for each database its keys in
 * any order, coming back to a database as often as need be. It is the file of redis-server with
 * `aof-use-rdb-preamble no`, and its end is nothing.
 */
import {
  type Arena,
  bytesOf,
  eachElement,
  expiryMs,
  keyIndex,
  keyLength,
  type Ref,
  typeOf,
  type ValueKind,
  viewOf,
} from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import type { ByteSink, ChunkOutputOptions } from "../chunk-output.ts";
import type { EntryWriter } from "../cut-snapshot.ts";
import { CommandOutput, commandWord } from "./command-output.ts";
import { CommandTarget, KeyCommands } from "./commands/form.ts";
import { commandFormOf } from "./commands/form-table.ts";

const FUNCTION = commandWord("FUNCTION");
const LOAD = commandWord("LOAD");
const SELECT = commandWord("SELECT");
const PEXPIREAT = commandWord("PEXPIREAT");

/** Writes a data set as commands: see the head of this file. */
export class CommandWriter implements EntryWriter<KeyCommands> {
  /** Where the bytes go. */
  readonly output: CommandOutput;
  private readonly to: CommandTarget;
  /** The key of a value that is written at once. */
  private readonly whole = new KeyCommands();

  constructor(arena: Arena, sink: ByteSink, options: ChunkOutputOptions = {}) {
    this.output = new CommandOutput(sink, options);
    this.to = new CommandTarget(arena, this.output);
  }

  /** A line that is no command: the time, in seconds, at which what follows was written. */
  timestamp(nowMs: number): void {
    const line = latin1Bytes(`#TS:${Math.floor(nowMs / 1000)}\r\n`);
    this.output.bytes(line, 0, line.length);
  }

  /** A library of functions; before the first database. */
  functionCode(code: Uint8Array): void {
    this.output.command(3);
    this.output.word(FUNCTION);
    this.output.word(LOAD);
    this.output.wholeText(code);
  }

  /** The keys that follow are those of this database. */
  selectDatabase(index: number): void {
    this.output.command(2);
    this.output.word(SELECT);
    this.output.whole(index);
  }

  /** A key with all that belongs to it. */
  entry(entry: Ref): void {
    const { to, whole } = this;
    const { arena } = to;
    const at = keyIndex(arena, entry);
    const end = at + keyLength(arena, entry);
    whole.set(bytesOf(arena, entry), viewOf(arena, entry), at, end, expiryMs(arena, entry));
    to.key = whole;
    const form = commandFormOf(typeOf(arena, entry));
    form.begin?.(to, entry);
    if (form.write !== undefined) form.write(to, entry);
    else eachElement(arena, entry, to.items);
    this.endLarge(whole);
  }

  /** The beginning of a key with a large value: what element() is to be told. */
  beginLarge(entry: Ref): KeyCommands {
    const { to } = this;
    const { arena } = to;
    const at = keyIndex(arena, entry);
    const bytes = bytesOf(arena, entry).slice(at, at + keyLength(arena, entry));
    const key = new KeyCommands();
    key.set(bytes, new DataView(bytes.buffer), 0, bytes.length, expiryMs(arena, entry));
    to.key = key;
    commandFormOf(typeOf(arena, entry)).begin?.(to, entry);
    return key;
  }

  /** One element of a large value of this kind. */
  element({ type }: ValueKind, ref: Ref, key: KeyCommands): void {
    this.to.key = key;
    commandFormOf(type).piece?.(this.to, ref);
  }

  /** The end of a key with a large value. */
  endLarge(key: KeyCommands): void {
    if (key.expiryMs === -1) return;
    const { output } = this;
    output.command(3);
    output.word(PEXPIREAT);
    output.text(key);
    output.whole(key.expiryMs);
  }

  /** The end of the file; everything has gone to the sink then. */
  finish(): void {
    this.output.flush();
  }
}
