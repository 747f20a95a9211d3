import { ArgVector, encodeRequest, latin1, latin1Bytes } from "@kv/resp";
import { Chance } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { type AofDamage, AofReader, type AofReaderOptions } from "./reader.ts";

/** What was read of a file. */
interface Outcome {
  commands: string[];
  offsets: number[];
  damage: AofDamage | undefined;
  timestamp: number;
  mostHeldBytes: number;
}

/** What the reader holds besides eight times the unfinished command. */
const HELD_BYTES_MAX = 2 ** 20 + 2 ** 16;
const batch = new ArgVector();
const chunkBuffer = new Uint8Array(2 ** 20);
const chunkView = new DataView(chunkBuffer.buffer);

/** Reads a file in chunks that `nextLength` gives the lengths of, each overwritten after its use. */
function readAll(
  file: Uint8Array,
  nextLength: () => number = () => file.length,
  options?: AofReaderOptions,
): Outcome {
  const reader = new AofReader(options);
  batch.clear();
  const outcome: Outcome = {
    commands: [],
    offsets: [],
    damage: undefined,
    timestamp: -1,
    mostHeldBytes: 0,
  };
  const take = () => {
    for (let i = 0; i < batch.commandCount; i++) {
      const first = batch.firstArg[i];
      const words = [];
      for (let arg = first; arg < first + batch.argCount[i]; arg++)
        words.push(latin1(batch.bytes, batch.starts[arg], batch.ends[arg]));
      outcome.commands.push(words.join("|"));
      outcome.offsets.push(reader.commandOffset(i));
    }
    batch.clear();
  };
  for (let at = 0; at < file.length; ) {
    const length = Math.min(nextLength(), file.length - at);
    // The chunk stands in the middle of a buffer, as chunks do.
    const chunk = chunkBuffer.subarray(0, length + 7).fill(0x2a);
    chunk.set(file.subarray(at, at + length), 3);
    let isFull = reader.read(chunkBuffer, chunkView, 3, 3 + length, batch);
    take();
    while (isFull) {
      isFull = reader.more(batch);
      take();
    }
    chunk.fill(0x24);
    at += length;
    const openBytes = at - reader.offset;
    outcome.mostHeldBytes = Math.max(outcome.mostHeldBytes, reader.heldBytes - 8 * openBytes);
  }
  outcome.damage = reader.finish();
  outcome.timestamp = reader.timestamp;
  return outcome;
}

const text = (...parts: string[]): Uint8Array => latin1Bytes(parts.join(""));
const command = (...words: string[]): string =>
  latin1(encodeRequest(words.map((word) => latin1Bytes(word))));

/** A file, where its commands begin, and how far it may be cut back from each byte. */
function madeFile(chance: Chance, itemCount: number) {
  const parts: string[] = [];
  const commands: string[] = [];
  const offsets: number[] = [];
  const ends: { offset: number; safeOffset: number }[] = [{ offset: 0, safeOffset: 0 }];
  let offset = 0;
  let openAt = -1;
  for (let i = 0; i < itemCount; i++) {
    let words: string[] = [];
    const kind = chance.below(10);
    if (kind === 0) words = [openAt < 0 ? chance.of(["MULTI", "multi"]) : "eXec"];
    else if (kind < 9) {
      const count = chance.percent(5) ? 10 + chance.below(120) : 1 + chance.below(4);
      for (let w = 0; w < count; w++) words.push(madeWord(chance));
    }
    const part =
      words.length > 0
        ? command(...words)
        : chance.of(["#TS:1795871132\r\n", "#\n", "#TS:x\r\n", "# 'it\r\n", "#a\0b\r\n"]);
    if (words.length > 0) {
      commands.push(words.join("|"));
      offsets.push(offset);
    }
    if (openAt < 0 && /^multi$/i.test(words[0])) openAt = offset;
    else if (openAt >= 0 && words[0] === "eXec") openAt = -1;
    parts.push(part);
    offset += part.length;
    ends.push({ offset, safeOffset: openAt < 0 ? offset : openAt });
  }
  return { file: text(...parts), commands, offsets, ends };
}

function madeWord(chance: Chance): string {
  const length = chance.percent(80) ? chance.below(12) : chance.below(300);
  let word = "";
  for (let i = 0; i < length; i++)
    word += chance.of(["\0", "\r", "\n", "$", "*", "a", "\xff", "1"]);
  return word;
}

const seed = Number(process.env.KV_SEED ?? 1);

describe("a whole file", () => {
  test("gives its commands, annotations aside", () => {
    const file = text(
      command("SELECT", "0"),
      "#TS:1795871132\r\n",
      command("SET", "k", ""),
      "#anything\r\n",
    );
    const { commands, offsets, timestamp, damage } = readAll(file);
    expect(commands).toEqual(["SELECT|0", "SET|k|"]);
    expect(offsets).toEqual([0, 23 + 16]);
    expect(timestamp).toBe(1795871132);
    expect(damage).toBe(undefined);
    expect(readAll(text("")).damage).toBe(undefined);
  });

  test("is the same however it is cut into chunks", () => {
    const chance = new Chance(seed);
    for (let round = 0; round < 16; round++) {
      const { file, commands, offsets, ends } = madeFile(chance, chance.below(1000));
      const most = chance.of([1, 20, 300, 5000, 2 ** 19]);
      const outcome = readAll(file, () => 1 + chance.below(most));
      expect(outcome.commands).toEqual(commands);
      expect(outcome.offsets, `seed ${seed}, round ${round}`).toEqual(offsets);
      const { offset, safeOffset } = ends[ends.length - 1];
      const isOpen = safeOffset < offset;
      expect(outcome.damage).toEqual(
        isOpen ? { kind: "truncated", offset, safeOffset } : undefined,
      );
      expect(outcome.mostHeldBytes).toBeLessThan(HELD_BYTES_MAX);
    }
  });

  test("can begin behind something else", () => {
    const reader = new AofReader();
    const batch = new ArgVector();
    const chunk = text(command("PING"), command("MULTI"), "*1\r\n");
    reader.startAt(1000);
    reader.read(chunk, new DataView(chunk.buffer), 0, chunk.length, batch);
    expect([reader.commandOffset(0), reader.commandOffset(1)]).toEqual([1000, 1014]);
    expect(reader.finish()).toEqual({ kind: "truncated", offset: 1029, safeOffset: 1014 });
  });
});

describe("a file cut at every byte", () => {
  const chance = new Chance(seed);
  const { file, commands, offsets, ends } = madeFile(chance, 25);
  /** Where a file that is whole up to `size` may be cut. */
  const endBefore = (size: number) => ends.findLast((end) => end.offset <= size)!;

  test("is truncated, and says where to cut it", () => {
    for (let size = 0; size <= file.length; size++) {
      const outcome = readAll(file.subarray(0, size), () => 1 + chance.below(700));
      const { offset, safeOffset } = endBefore(size);
      const isGood = safeOffset === size;
      const damage = isGood ? undefined : { kind: "truncated", offset, safeOffset };
      expect(outcome.damage, `seed ${seed}, ${size} bytes`).toEqual(damage);
      const count = offsets.filter((start) => start < offset).length;
      expect(outcome.commands).toEqual(commands.slice(0, count));
    }
  });

  test("and filled up with zeros is cut at the same place", () => {
    let zerosCount = 0;
    for (let size = 0; size < file.length; size++) {
      const zeros = 1 + chance.below(size % 20 === 0 ? 9000 : 400);
      const torn = new Uint8Array(size + zeros);
      torn.set(file.subarray(0, size));
      const { damage } = readAll(torn, () => 1 + chance.below(700));
      // Zeros may end what is missing of an argument's bytes, never more.
      const { offset, safeOffset } = endBefore(size);
      expect(damage, `seed ${seed}, ${size} bytes`).toMatchObject({ offset, safeOffset });
      expect(damage?.kind).not.toBe("format");
      if (damage?.kind === "zeros") zerosCount++;
    }
    expect(zerosCount).toBeGreaterThan(file.length / 2);
  });

  test("and followed by zeros and something else is not to be cut", () => {
    for (const end of ends) {
      const torn = new Uint8Array(end.offset + 5000);
      torn.set(file.subarray(0, end.offset));
      const { offset, safeOffset } = end;
      expect(readAll(torn).damage).toEqual({ kind: "zeros", offset, safeOffset });
      torn[end.offset + 1 + chance.below(4999)] = 1 + chance.below(255);
      const { damage } = readAll(torn, () => 1 + chance.below(700));
      expect(damage).toEqual({ kind: "format", offset, safeOffset });
    }
  });
});

describe("what is no command", () => {
  const good = command("SET", "a", "1");
  const after = command("SET", "b", "2");
  test.each([
    { what: "an empty one", bytes: "*0\r\n" },
    { what: "a missing one", bytes: "*-1\r\n" },
    { what: "no number of arguments", bytes: "*\r\n" },
    { what: "a number with something behind it", bytes: "*1x\r\n$4\r\nPING\r\n" },
    { what: "a number with a zero before it", bytes: "*01\r\n$4\r\nPING\r\n" },
    { what: "more arguments than there can be", bytes: "*99999999999\r\n" },
    { what: "an inline one", bytes: "PING\r\n" },
    { what: "an empty line", bytes: "\r\n" },
    { what: "a text that has only begun", bytes: "x", isLast: true },
    { what: "an argument that is no text", bytes: "*1\r\n:4\r\n" },
    { what: "an argument that has only begun to be none", bytes: "*1\r\n:", isLast: true },
    { what: "an argument of negative length", bytes: "*1\r\n$-1\r\n" },
    { what: "an argument longer than there can be", bytes: "*1\r\n$4294967296\r\n" },
    { what: "a longer argument than announced", bytes: "*1\r\n$4\r\nPINGS\r\n" },
    { what: "a shorter argument than announced", bytes: "*2\r\n$4\r\nPIN\r\n$1\r\na\r\n" },
    { what: "a line break that is none", bytes: "*1\r\n$4\r\nPING\n\n" },
    { what: "a count with half a line break", bytes: "*1\r.$4\r\nPING\r\n" },
    { what: "a short header with half a line break", bytes: "*1\n$4\r\nPING\r\n" },
    { what: "a long header with half a line break", bytes: `*1\r\n$10\r.${"x".repeat(10)}\r\n` },
    { what: "a longer one", bytes: `*1\r\n$100\r.${"x".repeat(100)}\r\n` },
    { what: "a long count with half a line break", bytes: `*10\r.${"$1\r\nx\r\n".repeat(10)}` },
    { what: "a zero in a header", bytes: "*1\r\n$\0\r\nPING\r\n" },
    { what: "an annotation without end", bytes: `#${"x".repeat(1023)}\r\n` },
  ])("$what", ({ bytes, isLast = false }) => {
    const file = text(good, "#TS:1\r\n", bytes, isLast ? "" : after);
    const offset = good.length + 7;
    const damage: AofDamage = { kind: "format", offset, safeOffset: offset };
    for (const length of [1, 2, 3, 7, 10_000]) {
      const outcome = readAll(file, () => length);
      expect(outcome.damage, `chunks of ${length}`).toEqual(damage);
      expect(outcome.commands).toEqual(["SET|a|1"]);
    }
  });

  test("is one that is larger than it may be", () => {
    const file = text(command("SET", "a", "x".repeat(100)), command("SET", "b", "x".repeat(101)));
    const { damage, commands } = readAll(file, undefined, { argumentBytesMax: 100 });
    expect(damage?.offset).toBe(file.length / 2 - 0.5);
    expect(commands.length).toBe(1);
    expect(readAll(file, undefined, { argumentCountMax: 2 }).damage?.offset).toBe(0);
  });

  test("reserves nothing on its word", () => {
    const reader = new AofReader();
    const batch = new ArgVector();
    const chunk = text("*2000000000\r\n$2000000000\r\nabc");
    reader.read(chunk, new DataView(chunk.buffer), 0, chunk.length, batch);
    expect(reader.heldBytes).toBeLessThan(2000);
    expect(reader.finish()).toEqual({ kind: "truncated", offset: 0, safeOffset: 0 });
  });
});

test("mutated bytes give the same verdict in any chunks, and hold no more memory than came", () => {
  const chance = new Chance(seed);
  const kinds = new Map<string, number>();
  for (let round = 0; round < 800; round++) {
    const { file } = madeFile(chance, 1 + chance.below(40));
    for (let left = chance.below(3); left >= 0 && file.length > 0; left--) {
      const at = chance.below(file.length);
      const kind = chance.below(20);
      if (kind === 0) file.copyWithin(at, chance.below(file.length));
      else if (kind === 1) file.fill(0, at);
      else if (kind < 10) file[at] = chance.below(256);
      else file[at] = chance.of([...latin1Bytes("*$#\r\n019\0-")]);
    }
    const whole = readAll(file);
    const most = chance.of([1, 9, 200]);
    const cut = readAll(file, () => 1 + chance.below(most));
    const why = `seed ${seed}, round ${round}`;
    expect([cut.commands, cut.offsets, cut.damage], why).toEqual([
      whole.commands,
      whole.offsets,
      whole.damage,
    ]);
    if (whole.damage === undefined) expect(cut.timestamp).toBe(whole.timestamp);
    expect(Math.max(whole.mostHeldBytes, cut.mostHeldBytes), why).toBeLessThan(HELD_BYTES_MAX);
    // Cut where it says, the file is good.
    if (whole.damage !== undefined) {
      expect(readAll(file.subarray(0, whole.damage.safeOffset)).damage, why).toBe(undefined);
    }
    const kind = whole.damage?.kind ?? "good";
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  expect([...kinds.keys()].sort()).toEqual(["format", "good", "truncated", "zeros"]);
});
