/**
 * CommandForm: the commands that make a value of one type anew, as the base of an append-only file has
 * them and as anybody can send them.
 *
 * A value of many items takes several commands, of up to ITEMS_PER_COMMAND items each:
 *
 *      RPUSH key item ... item        64 items
 *      RPUSH key item ... item        64 more
 *      RPUSH key item                 what is left
 *      PEXPIREAT key ms               if the key expires: CommandWriter sees to that
 *
 * An item is an element, a field with its value, or a score with its member. How many there are is known
 * when the first one comes, so whoever shows items (ItemWriter) need not know where a command ends. A
 * large value's items come in pieces, and each piece goes on where the one before stopped.
 *
 * A new type is one file beside this one and one line in forms.ts.
 */
import {
  type Arena,
  ElementVisitor,
  HashValue,
  ListValue,
  NodeView,
  PartWalk,
  type Ref,
  SetValue,
  SortedSetValue,
  StreamFacts,
  StreamPart,
  StreamRange,
  StringView,
} from "@kv/core";
import { type CommandOutput, commandWord, type Text } from "../command-output.ts";

/** How the values of one type are written. */
export interface CommandForm {
  /** The type. */
  readonly type: number;
  /** The value begins: says to `to.key` which commands tell its items, if it is made of items. */
  begin?(to: CommandTarget, entry: Ref): void;
  /** Writes the value, which has begun. Without it: all of its elements are shown to `to.items`. */
  write?(to: CommandTarget, entry: Ref): void;
  /** One element of a value that comes in pieces, as the kind keeps it. */
  piece?(to: CommandTarget, ref: Ref): void;
}

/** As many as Redis writes in one. */
const ITEMS_PER_COMMAND = 64;
/** Tables are read here, never made. */
const NO_SEED = 0;
const NOTHING = commandWord("");
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

const HMSET = commandWord("HMSET");
const HPEXPIREAT = commandWord("HPEXPIREAT");
const FIELDS = commandWord("FIELDS");
const ONE = commandWord("1");

/** A key whose value is being written: its name, and what its commands still have to tell. */
export class KeyCommands implements Text {
  /** The bytes in which the key lies. */
  bytes: Uint8Array = NO_BYTES;
  /** A view over the memory of `bytes`. */
  view: DataView = NO_VIEW;
  /** Index of the key's first byte. */
  start = 0;
  /** Index behind its last byte. */
  end = 0;
  /** When the key expires, or -1. */
  expiryMs = -1;
  /** The fields tell when they expire, each behind a command of its own. */
  hasFieldExpiries = false;
  /** The group of a stream whose consumers are being told, as a word. */
  group = NOTHING;
  /** The consumer whose pending entries are being told, as a word. */
  consumer = NOTHING;
  private name = NOTHING;
  private wordsPerItem = 0;
  /** Items that no command has begun to tell, and those that the last command still lacks. */
  private left = 0;
  private open = 0;

  /** The key is bytes[start, end). */
  set(bytes: Uint8Array, view: DataView, start: number, end: number, expiryMs: number): void {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.end = end;
    this.expiryMs = expiryMs;
    this.hasFieldExpiries = false;
  }

  /** So many items follow, in commands of this name. */
  tell(name: Uint8Array, wordsPerItem: number, itemCount: number): void {
    this.name = name;
    this.wordsPerItem = wordsPerItem;
    this.left = itemCount;
    this.open = 0;
  }

  /** An item is to be written: begins a command if the last one is complete. */
  item(output: CommandOutput): void {
    if (this.open === 0) {
      this.open = Math.min(this.left, ITEMS_PER_COMMAND);
      this.left -= this.open;
      output.command(2 + this.open * this.wordsPerItem);
      output.word(this.name);
      output.text(this);
    }
    this.open--;
  }
}

/** Writes the items that it is shown, each into a command for the key at hand. */
export class ItemWriter extends ElementVisitor {
  private readonly to: CommandTarget;

  constructor(to: CommandTarget) {
    super();
    this.to = to;
  }

  /** Writes an element. */
  element(): void {
    const { key, output } = this.to;
    key.item(output);
    output.text(this.text);
  }

  /** Writes a field and its value. */
  pair(): void {
    const { key, output } = this.to;
    if (key.hasFieldExpiries) {
      this.pairWithExpiry();
      return;
    }
    key.item(output);
    output.text(this.text);
    output.text(this.value);
  }

  private pairWithExpiry(): void {
    const { key, output } = this.to;
    output.command(4);
    output.word(HMSET);
    output.text(key);
    output.text(this.text);
    output.text(this.value);
    if (this.expiryMs === -1) return;
    output.command(6);
    output.word(HPEXPIREAT);
    output.text(key);
    output.whole(this.expiryMs);
    output.word(FIELDS);
    output.word(ONE);
    output.text(this.text);
  }

  /** Writes a score and its member. */
  override scored(): void {
    const { key, output } = this.to;
    key.item(output);
    output.score(this.score);
    output.text(this.text);
  }
}

/** Where values of one arena are written to. */
export class CommandTarget {
  /** Where the values live. */
  readonly arena: Arena;
  /** Where the words go. */
  readonly output: CommandOutput;
  /** The key whose value is being written. */
  key = new KeyCommands();
  /** Writes items. */
  readonly items: ItemWriter = new ItemWriter(this);
  /** For use by forms: a window on a string. */
  readonly string = new StringView();
  /** For use by forms: a window on a list. */
  readonly list: ListValue;
  /** For use by forms: a window on a set. */
  readonly set: SetValue;
  /** For use by forms: a window on a hash. */
  readonly hash: HashValue;
  /** For use by forms: a window on a sorted set. */
  readonly sortedSet: SortedSetValue;
  /** For use by forms: a window on a node of a list. */
  readonly node = new NodeView();
  /** For use by forms: a walk over entries of a stream. */
  readonly range: StreamRange;
  /** For use by forms: a walk over a whole stream. */
  readonly parts: PartWalk;
  /** For use by forms: a part of a stream. */
  readonly part = new StreamPart();
  /** For use by forms: what a part of a stream says. */
  readonly facts = new StreamFacts();

  constructor(arena: Arena, output: CommandOutput) {
    this.arena = arena;
    this.output = output;
    this.list = new ListValue(arena);
    this.set = new SetValue(arena, NO_SEED);
    this.hash = new HashValue(arena, NO_SEED);
    this.sortedSet = new SortedSetValue(arena, NO_SEED);
    this.range = new StreamRange(arena);
    this.parts = new PartWalk(arena);
  }
}
