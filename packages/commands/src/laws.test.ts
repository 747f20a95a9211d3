/**
 * Laws that every command keeps, held against calls that are made up from its declaration. A new
 * command is under them as soon as it is in the table; nothing here names one.
 */
import {
  bytesOf,
  type Database,
  ElementVisitor,
  eachElement,
  expiryMs,
  Keyspace,
  keyIndex,
  keyLength,
  kindOfEntry,
  type Ref,
} from "@kv/core";
import {
  ArgVector,
  AttributedReply,
  latin1,
  latin1Bytes,
  type Reply,
  ReplyError,
  ReplyParser,
  ReplyWriter,
  VerbatimReply,
} from "@kv/resp";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Call } from "./call/call.ts";
import { defaultSettings, type Effects, Propagation } from "./call/call-context.ts";
import { CommandError } from "./call/errors.ts";
import { dataCommands } from "./data-commands.ts";
import type { Argument } from "./declare/arg.ts";
import { type Command, command } from "./declare/command.ts";
import { keysOf } from "./declare/key-spec.ts";
import { type CommandRow, CommandTable } from "./declare/table.ts";

const NOW_MS = 1_700_000_000_000;
const KEYS = "text number long hash table brief list set members zset scores stream none"
  .split(" ")
  .concat("");
const table = new CommandTable(dataCommands);
const runnable = table.listed.filter((row) => row.run !== undefined);
const cases = runnable.map((row) => ({ name: row.fullName, row }));

/** A Call that remembers which arguments it took for keys. */
class WatchedCall extends Call {
  readonly keyArguments = new Set<number>();
  override find(index: number): Ref {
    this.keyArguments.add(index);
    return super.find(index);
  }
  override changed(index: number, event: string, notifyClass: number): void {
    this.keyArguments.add(index);
    super.changed(index, event, notifyClass);
  }
}

/** Just enough of a server to run one command after the other. */
class Rig {
  readonly keyspace: Keyspace;
  readonly reply = new ReplyWriter();
  readonly args = new ArgVector();
  readonly call: WatchedCall;

  constructor() {
    let seed = 42;
    const random32 = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      return seed ^ (seed >>> 15);
    };
    this.keyspace = new Keyspace({
      random32,
      databaseCount: 4,
      arena: { segmentBytes: 2 ** 18 },
    });
    const effects: Effects = {
      keyChanged() {},
      keyModified() {},
      keyReady() {},
      keyEvent() {},
      keyExpired(database: Database, entry: Ref) {
        database.remove(entry, false);
        return true;
      },
      removesWhatIsPast: () => true,
      mayExpireFields: () => false,
      fieldsExpired: () => {},
      fieldsRemoved: () => {},
      databaseChanged() {},
      allFlushed: () => false,
    };
    this.call = new WatchedCall({
      keyspace: this.keyspace,
      reply: this.reply,
      settings: { ...defaultSettings },
      effects,
      args: this.args,
      idle: {
        fresh: 7,
        isClock: true,
        touched: (bits) => bits,
        frequency: (bits) => bits & 255,
        sharesIntegers: true,
      },
    });
    this.call.interest = 7;
    this.call.nowMs = NOW_MS;
  }

  /** A keyspace with a key of every kind. */
  fill(): this {
    for (const line of [
      ["SET", "text", "some text"],
      ["SET", "number", "41"],
      ["SET", "long", "x".repeat(3000)],
      ["SET", "brief", "v", "PX", "100000"],
      ["HSET", "hash", "f", "v", "g", "1"],
      ["HSET", "table", "f", "v".repeat(100), "g", "2"],
      ["RPUSH", "list", "f", "1", "g", "x".repeat(600)],
      ["SADD", "set", "1", "12", "3"],
      ["SADD", "members", "f", "v".repeat(100), "12"],
      ["ZADD", "zset", "1", "f", "2.5", "12"],
      ["ZADD", "scores", "1", "f", "2.5", "v".repeat(100)],
      ["XADD", "stream", "1-1", "f", "v"],
    ]) {
      this.run(table.byName.get((line[0] as string).toLowerCase()) as CommandRow, line);
    }
    return this;
  }

  /** Runs the command; its reply is in `reply` then, whole or as an error. */
  run(row: CommandRow, words: readonly string[]): void {
    const { args, call, reply } = this;
    const parts = words.map(latin1Bytes);
    args.clear();
    args.bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    args.view = new DataView(args.bytes.buffer);
    let at = 0;
    for (const part of parts) {
      args.bytes.set(part, at);
      args.pushArgument(at, at + part.length);
      at += part.length;
    }
    args.pushCommand(0, 0, at, 0);
    reply.reset();
    call.keyArguments.clear();
    call.begin(args, 0, row);
    try {
      row.run?.(call as never);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply.reset();
      reply.error(error.reply);
    }
  }

  replies(): Reply[] {
    const parser = new ReplyParser({ strings: "latin1" });
    parser.feed(this.reply.bytes.subarray(0, this.reply.length));
    const replies: Reply[] = [];
    for (let next = parser.next(); next !== undefined; next = parser.next()) replies.push(next);
    expect(parser.pendingBytes).toBe(0);
    return replies;
  }

  /** All that the data set holds, in whatever form: SORT makes a small sorted set a large one. */
  contents(): string {
    const { arena, databases } = this.keyspace;
    const seen: string[] = [];
    const visitor = new ContentsVisitor();
    for (const database of databases)
      database.dict.eachEntry((entry) => {
        const start = keyIndex(arena, entry);
        const key = latin1(bytesOf(arena, entry), start, start + keyLength(arena, entry));
        const { typeName, shape } = kindOfEntry(arena, entry);
        visitor.seen = [];
        eachElement(arena, entry, visitor);
        if (shape !== "sequence" && shape !== "entries") visitor.seen.sort();
        const kind = `${typeName} ${expiryMs(arena, entry)}`;
        seen.push(JSON.stringify([database.index, key, kind, visitor.seen]));
      });
    return seen.sort().join("\n");
  }
}

/** Writes down what it is shown. */
class ContentsVisitor extends ElementVisitor {
  seen: string[] = [];

  private note(...words: (string | number)[]): void {
    this.seen.push(words.join(" "));
  }

  private get word(): string {
    return latin1(this.text.bytes, this.text.start, this.text.end);
  }

  private get belonging(): string {
    return latin1(this.value.bytes, this.value.start, this.value.end);
  }

  element(): void {
    this.note(this.word);
  }

  pair(): void {
    this.note(this.word, this.belonging, this.expiryMs);
  }

  override scored(): void {
    this.note(this.word, this.score);
  }

  override entry(): void {
    const text = new Uint8Array(64);
    this.note(latin1(text, 0, this.id.format(text, 0, 45)));
  }

  override entryField(): void {
    this.note(this.word, this.belonging);
  }
}

/** Words that fit the argument. Numbers are small, so that nothing is out of range for long. */
function wordsFor(argument: Argument, single = false): fc.Arbitrary<string[]> {
  let words = oneOf(argument);
  if (argument.token !== undefined && argument.type !== "pure-token") {
    const token = argument.token;
    words = words.map((rest) => [token, ...rest]);
  }
  if (argument.multiple === true && !single) {
    words = fc.array(words, { minLength: 1, maxLength: 3 }).map((several) => several.flat());
  }
  return argument.optional === true ? fc.oneof(fc.constant<string[]>([]), words) : words;
}

function oneOf(argument: Argument): fc.Arbitrary<string[]> {
  const { type, name, args = [] } = argument;
  const among = (...words: string[]) => fc.constantFrom(...words).map((word) => [word]);
  if (type === "pure-token") return fc.constant([argument.token as string]);
  if (type === "oneof") return fc.oneof(...args.map((each) => wordsFor(each)));
  if (type === "block") return sequence(args);
  if (type === "key") return among(...KEYS);
  if (type === "pattern") return among("*", "t*", "[a-n]*", "");
  if (type === "double") return among("1.5", "0", "-2", "1e3");
  if (type === "unix-time") return among("32503680000", "32503680000000");
  if (type === "integer") return name === "numkeys" ? among("1") : among("1", "2", "3", "100");
  return among("a", "f", "g", "12", "2.5", "", "\xff\0\r\n", "y".repeat(600));
}

/** The arguments in order; what follows a number of keys is as many. */
function sequence(args: readonly Argument[]): fc.Arbitrary<string[]> {
  const parts = args.map((each, i) => wordsFor(each, args[i - 1]?.name === "numkeys"));
  return fc.tuple(...parts).map((several) => several.flat());
}

function calls(row: CommandRow): fc.Arbitrary<string[]> {
  const name = row.fullName.split("|");
  return sequence(row.command.args).map((words) => [...name, ...words]);
}

function holdsFor(row: CommandRow, law: (words: string[]) => void): void {
  fc.assert(fc.property(calls(row), law), { numRuns: 35 });
}

/** True when a RESP2 client knows every part of the reply. */
function isPlain(reply: Reply): boolean {
  if (Array.isArray(reply)) return reply.every(isPlain);
  if (typeof reply === "boolean" || reply instanceof Map || reply instanceof Set) return false;
  return !(reply instanceof VerbatimReply || reply instanceof AttributedReply);
}

describe.each(cases)("$name", ({ row }) => {
  const { command: declaration } = row;

  test("takes the numbers of words that its arguments make", () => {
    holdsFor(row, (words) => {
      expect({ words, fits: row.accepts(words.length) }).toEqual({ words, fits: true });
    });
    const { arity } = row;
    expect(row.accepts(Math.abs(arity) - 1)).toBe(false);
    expect(row.accepts(Math.abs(arity) + 1)).toBe(arity < 0);
  });

  test("finds no fault with the form of such a call", () => {
    const rig = new Rig().fill();
    holdsFor(row, (words) => {
      rig.run(row, words);
      const [reply] = rig.replies();
      if (reply instanceof ReplyError)
        expect({ words, reply }).not.toEqual({ words, reply: syntax });
    });
  });

  test.each([2, 3])("answers once, in well-formed RESP%i", (protocol) => {
    const rig = new Rig().fill();
    rig.reply.resp3 = protocol === 3;
    holdsFor(row, (words) => {
      rig.run(row, words);
      const replies = rig.replies();
      expect(replies.length).toBe(1);
      if (protocol === 2) expect(isPlain(replies[0] as Reply)).toBe(true);
    });
  });

  test("looks up only keys that it declares", () => {
    const rig = new Rig().fill();
    holdsFor(row, (words) => {
      rig.run(row, words);
      const request = {
        argc: words.length,
        length: (index: number) => (words[index] as string).length,
        is: (index: number, word: string) => words[index]?.toUpperCase() === word,
        text: (index: number) => words[index] as string,
      };
      const found = declaration.getKeys?.(request) ?? keysOf(declaration.keys, request) ?? [];
      const declared = new Set(
        found.flatMap(({ index, count, step }) =>
          Array.from({ length: count }, (_, number) => index + number * step),
        ),
      );
      for (const index of rig.call.keyArguments) {
        expect({ words, index, declared: declared.has(index) }).toEqual({
          words,
          index,
          declared: true,
        });
      }
    });
  });

  test("changes nothing unless it says so, and never when it is readonly", () => {
    holdsFor(row, (words) => {
      const rig = new Rig().fill();
      const before = rig.contents();
      rig.run(row, words);
      const { dirty, propagation, rewritten } = rig.call;
      // What may replicate though it is no write (PFCOUNT) says so by being dirty.
      if (declaration.flags.includes("readonly") && !declaration.flags.includes("may_replicate")) {
        expect({ words, dirty, rewritten }).toEqual({ words, dirty: 0, rewritten: null });
      } else if (
        !declaration.flags.includes("write") &&
        !declaration.flags.includes("may_replicate")
      )
        expect(dirty).toBe(0);
      if (dirty === 0 && propagation === Propagation.DEFAULT) {
        expect({ words, contents: rig.contents() }).toEqual({ words, contents: before });
      }
      rig.keyspace.check();
    });
  });

  test("loses no memory", () => {
    const rig = new Rig();
    const empty = rig.keyspace.arena.usedBytes;
    holdsFor(row, (words) => {
      rig.fill();
      rig.run(row, words);
      rig.keyspace.flush(false);
      while (rig.keyspace.lazyFree.step(1000));
      expect({ words, bytes: rig.keyspace.arena.usedBytes }).toEqual({ words, bytes: empty });
    });
  });
});

const syntax = new ReplyError("ERR syntax error");

describe("the laws catch", () => {
  const base = {
    group: "generic",
    since: "1.0.0",
    summary: "A bad example.",
    complexity: "O(1)",
    arity: 1,
    flags: ["readonly"],
  } as const;
  const rowOf = (bad: Command) => new CommandTable([bad]).byName.get(bad.name) as CommandRow;

  test("a readonly command that writes", () => {
    const rig = new Rig().fill();
    const before = rig.contents();
    const row = rowOf(
      command({
        ...base,
        name: "bad",
        run: (call) => call.reply.integer(call.database.flush(false)),
      }),
    );
    rig.run(row, ["bad"]);
    expect(rig.contents()).not.toBe(before);
  });

  test("a declaration whose arity is not that of its arguments", () => {
    expect(() => command({ ...base, name: "bad", arity: 5, run() {} })).toThrow(/arity/);
  });

  test("a command that both reads and writes, by its flags", () => {
    const flags = ["readonly", "write"] as const;
    expect(() => command({ ...base, name: "bad", flags, run() {} })).toThrow(/readonly/);
  });
});
