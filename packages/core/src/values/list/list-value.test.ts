import { describe, expect, test } from "vitest";
import { type Arena, ArenaFullError, NONE } from "../../memory/arena.ts";
import { ListpackValue } from "../../memory/listpack.ts";
import { TextMatcher } from "../../memory/listpack-walk.ts";
import { Encoding, encodingOf, setValueRef, valueRef } from "../../table/entry.ts";
import { latin1Bytes, TextKeyspace, withoutRoom } from "../../testing.ts";
import { type CutPiece, ElementVisitor } from "../kind.ts";
import { kindOfEntry } from "../kind-table.ts";
import { entryMemory, freeEntry } from "../value.ts";
import type { ListLimits } from "./list-limits.ts";
import { NodeView } from "./list-node.ts";
import { createList, ListValue } from "./list-value.ts";

const seed = Number(
  process.env.KV_LIST_SEED ?? process.env.KV_COMMIT_SEED ?? Date.now() % 1_000_000,
);

/** Random numbers that a seed repeats. */
function chanceOf(start: number) {
  let state = start | 1;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state ^ (state >>> 15)) >>> 0) % below;
  };
}

class Texts extends ElementVisitor {
  readonly all: string[] = [];
  element(): void {
    const { bytes, start, end } = this.text;
    this.all.push(String.fromCharCode(...bytes.subarray(start, end)));
  }
  pair(): void {}
}

/** One list, spoken to in text. */
class Rig {
  readonly arena: Arena;
  readonly list: ListValue;
  readonly emptyBytes: number;
  readonly limits: ListLimits;
  private readonly matcher = new TextMatcher();
  private readonly out = new ListpackValue();

  constructor(limits: ListLimits) {
    this.arena = new TextKeyspace(seed).keyspace.arena;
    this.limits = limits;
    this.emptyBytes = this.arena.usedBytes;
    this.list = new ListValue(this.arena);
    this.list.attach(createList(this.arena, 0, latin1Bytes("key"), 0, 3));
  }

  get contents(): string[] {
    const texts = new Texts();
    kindOfEntry(this.arena, this.list.entry).each(this.arena, this.list.entry, texts);
    return texts.all;
  }

  get isQuicklist(): boolean {
    return encodingOf(this.arena, this.list.entry) === Encoding.QUICKLIST;
  }

  push(isTail: boolean, ...texts: string[]): void {
    const { list, limits } = this;
    const wasQuicklist = list.isQuicklist;
    let pushed = 0;
    try {
      const bytes = texts.reduce((sum, text) => sum + text.length, 0);
      list.grow(limits, texts.length, bytes);
      for (; pushed < texts.length; pushed++) {
        const text = latin1Bytes(texts[pushed] as string);
        list.push(isTail, text, 0, text.length, limits);
      }
    } catch (full) {
      list.undoPushes(isTail, pushed, wasQuicklist);
      throw full;
    }
    list.settle();
  }

  insert(index: number, text: string): void {
    const bytes = latin1Bytes(text);
    this.list.grow(this.limits, 1, bytes.length);
    this.list.insert(index, bytes, 0, bytes.length, this.limits);
    this.list.settle();
  }

  set(index: number, text: string): void {
    const bytes = latin1Bytes(text);
    this.list.grow(this.limits, 1, bytes.length);
    this.list.set(index, bytes, 0, bytes.length, this.limits);
    this.removed();
  }

  remove(text: string, wanted: number, isForward: boolean): number {
    const bytes = latin1Bytes(text);
    this.matcher.begin(bytes, 0, bytes.length);
    const count = this.list.removeMatches(this.matcher, wanted, isForward);
    this.removed();
    return count;
  }

  removed(): void {
    if (this.list.length === 0) return;
    this.list.settle();
    this.list.shrink(this.limits);
  }

  at(index: number): string {
    this.list.read(index, this.out);
    const { bytes, start, end } = this.out;
    return String.fromCharCode(...bytes.subarray(start, end));
  }

  end(isTail: boolean): string {
    this.list.readEnd(isTail, this.out);
    const { bytes, start, end } = this.out;
    return String.fromCharCode(...bytes.subarray(start, end));
  }

  check(model: readonly string[]): void {
    // Whoever empties a list deletes it.
    if (model.length === 0) return;
    this.list.check();
    expect(this.list.length).toBe(model.length);
    expect(this.contents).toEqual(model);
    expect(this.arena.usedBytes - this.emptyBytes).toBe(
      entryMemory(this.arena, this.list.entry, 0),
    );
  }
}

const small: ListLimits = { fill: 4, compressDepth: 0, plainBytesMin: 100 };

/** A random element: few different ones, so that they meet, and some of every form. */
function randomText(chance: (below: number) => number): string {
  const way = chance(20);
  if (way < 6) return `${chance(5)}`;
  if (way < 8) return `${chance(100_000) - 50_000}`;
  if (way < 16) return "abc".slice(0, chance(4));
  if (way < 18) return "compressible ".repeat(chance(20));
  if (way < 19) return "p".repeat(100 + chance(200));
  return String.fromCharCode(...Array.from({ length: chance(80) }, () => chance(256)));
}

/** Does one random thing to a list and its model. */
function disturb(rig: Rig, model: string[], chance: (below: number) => number): void {
  const text = randomText(chance);
  const { length } = model;
  const index = length === 0 ? 0 : chance(length);
  const way = chance(length > 400 ? 9 : 14);
  if (length === 0 || way > 11) {
    const more = Array.from({ length: 1 + chance(3) }, () => randomText(chance));
    rig.push(way % 2 === 0, ...more);
    if (way % 2 === 0) model.push(...more);
    else model.unshift(...[...more].reverse());
  } else if (way === 0) {
    const count = 1 + chance(Math.min(9, length - index));
    rig.list.removeRange(index, count);
    model.splice(index, count);
    rig.removed();
  } else if (way === 1) {
    const wanted = 1 + chance(4);
    const isForward = chance(2) === 0;
    let left = wanted;
    for (let i = 0; i < length && left > 0; i++) {
      const at = isForward ? model.indexOf(text) : model.lastIndexOf(text);
      if (at === -1) break;
      model.splice(at, 1);
      left--;
    }
    expect(rig.remove(text, wanted, isForward)).toBe(wanted - left);
  } else if (way < 4) {
    rig.list.removeEnd(way === 2);
    if (way === 2) model.pop();
    else model.shift();
    rig.removed();
  } else if (way < 7) {
    rig.set(index, text);
    model[index] = text;
  } else if (way === 7 && length > 20) {
    rig.list.trim(2, length - 5);
    model.splice(length - 3, 3);
    model.splice(0, 2);
    rig.removed();
  } else {
    rig.insert(index, text);
    model.splice(index, 0, text);
  }
}

const variants: ListLimits[] = [
  small,
  { fill: 4, compressDepth: 1, plainBytesMin: 100 },
  { fill: 1, compressDepth: 2, plainBytesMin: 0 },
  { fill: -1, compressDepth: 1, plainBytesMin: 0 },
  { fill: 30, compressDepth: 0, plainBytesMin: 1 },
];

describe(`a list and an array, seed ${seed}`, () => {
  test.each(variants)("agree under %o", (limits) => {
    const rig = new Rig(limits);
    const chance = chanceOf(seed);
    const model: string[] = [];
    for (let i = 0; i < 700; i++) {
      disturb(rig, model, chance);
      if (model.length > 0 && i % 3 === 0) {
        const index = chance(model.length);
        expect(rig.at(index)).toBe(model[index]);
      }
      if (i % 20 === 0) rig.check(model);
    }
    rig.check(model);
    freeEntry(rig.arena, rig.list.entry);
    expect(rig.arena.usedBytes).toBe(rig.emptyBytes);
  });

  test("agree when pages split and merge", () => {
    const rig = new Rig({ fill: 1, compressDepth: 0, plainBytesMin: 0 });
    const chance = chanceOf(seed + 1);
    const model: string[] = [];
    for (let i = 0; i < 1600; i++) {
      const index = chance(model.length + 1);
      if (i > 800 && chance(3) > 0 && model.length > 1) {
        const at = Math.min(index, model.length - 1);
        rig.list.removeRange(at, 1);
        model.splice(at, 1);
      } else {
        rig.insert(index, `${i}`);
        model.splice(index, 0, `${i}`);
      }
      if (i % 100 === 0) rig.check(model);
    }
    rig.check(model);
    for (let i = 0; i < model.length; i++) expect(rig.at(i)).toBe(model[i]);
  });
});

describe(`the ends of a long list, seed ${seed}`, () => {
  const shapes: ListLimits[] = [
    { fill: -1, compressDepth: 0, plainBytesMin: 0 },
    { fill: -1, compressDepth: 1, plainBytesMin: 0 },
    { fill: 40, compressDepth: 0, plainBytesMin: 0 },
    { fill: 3, compressDepth: 0, plainBytesMin: 50 },
  ];

  /** Pushes or pops at one end, up to `most` times; the more there is the more often it pops. */
  function burst(rig: Rig, model: string[], chance: (below: number) => number, most: number): void {
    const isTail = chance(2) === 0;
    const isPop = chance(9 * most) < model.length;
    for (let i = chance(most); i >= 0; i--) {
      if (!isPop) {
        const text = chance(40) === 0 ? "x".repeat(chance(3000)) : randomText(chance);
        rig.push(isTail, text);
        if (isTail) model.push(text);
        else model.unshift(text);
      } else if (model.length > 1) {
        expect(rig.end(isTail)).toBe(isTail ? model.pop() : model.shift());
        rig.list.removeEnd(isTail);
        rig.removed();
      }
      if (most < 10) rig.list.check();
    }
  }

  test.each(shapes)("take and give as those of an array under %o", (limits) => {
    const chance = chanceOf(seed + 4);
    // Lists of about one node, where both ends are in the same block, and of several.
    for (const [most, bursts] of [
      [7, 600],
      [200, 60],
    ] as const) {
      const rig = new Rig(limits);
      const model: string[] = [];
      for (let i = 0; i < bursts; i++) {
        burst(rig, model, chance, most);
        if (chance(6) === 0 && model.length > 0) disturb(rig, model, chance);
        if (i % 20 === 0) rig.check(model);
      }
      rig.check(model);
      freeEntry(rig.arena, rig.list.entry);
      expect(rig.arena.usedBytes).toBe(rig.emptyBytes);
    }
  });

  const fill2: ListLimits = { fill: -2, compressDepth: 0, plainBytesMin: 0 };
  const numbers = Array.from({ length: 20_000 }, (_, i) => `${i % 1000}`);

  /** Bytes that are moved from place to place meanwhile. */
  function movedBytes(rig: Rig, run: () => void): number {
    const { copy } = rig.arena;
    let moved = 0;
    rig.arena.copy = (to, toOffset, from, fromOffset, length) => {
      moved += length;
      copy.call(rig.arena, to, toOffset, from, fromOffset, length);
    };
    run();
    rig.arena.copy = copy;
    return moved;
  }

  test("move little memory for each element that comes or goes", () => {
    for (const isTail of [false, true]) {
      const rig = new Rig(fill2);
      // More than one node has room for.
      rig.push(isTail, ...numbers.slice(0, 3000));
      const pushing = movedBytes(rig, () => {
        for (const text of numbers) rig.push(isTail, text);
      });
      const popping = movedBytes(rig, () => {
        for (const _ of numbers) rig.list.removeEnd(isTail);
      });
      // The elements are 80,000 bytes; to move half a node for each would be 80,000,000.
      expect(pushing).toBeLessThan(800_000);
      expect(popping).toBeLessThan(800_000);
    }
  });

  test("have no more room than a part of one node", () => {
    const [head, tail] = [new Rig(fill2), new Rig(fill2)];
    for (let i = 0; i < numbers.length; i++) {
      head.push(false, numbers[i] as string);
      tail.push(true, numbers[i] as string);
      if (i % 500 !== 0) continue;
      const [one, other] = [head, tail].map((rig) => entryMemory(rig.arena, rig.list.entry, 0));
      expect(one).toBeLessThan((other as number) + 2048);
      // A list that is one listpack has none at all.
      if (!head.isQuicklist) expect(one).toBe(other);
    }
    for (let left = numbers.length; left > 10; left--) {
      head.list.removeEnd(left % 3 === 0);
      head.removed();
      if (left % 500 !== 0) continue;
      let bytes = 0;
      head.list.open(0);
      do bytes += head.list.node.end - head.list.node.start;
      while (head.list.openBeside(true));
      expect(entryMemory(head.arena, head.list.entry, 0)).toBeLessThan(bytes * 1.1 + 2400);
    }
    expect(head.isQuicklist).toBe(false);
  });

  test("stay as they were when there is no memory", () => {
    const rig = new Rig({ fill: -1, compressDepth: 0, plainBytesMin: 0 });
    const model = Array.from({ length: 1500 }, (_, i) => `${i}`);
    rig.push(true, ...model);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const text = `${i}`;
      rig.push(false, text, text);
      model.unshift(text, text);
      withoutRoom(rig.arena, 1, false, () => {
        try {
          rig.push(false, text);
          model.unshift(text);
        } catch (full) {
          if (!(full instanceof ArenaFullError)) throw full;
          refused++;
        }
        // Popping never fails.
        for (let left = 1 + (i % 3); left > 0; left--) {
          rig.list.removeEnd(i % 10 === 0);
          if (i % 10 === 0) model.pop();
          else model.shift();
        }
      });
      if (i % 50 === 0) rig.check(model);
    }
    expect(refused).toBeGreaterThan(0);
    rig.check(model);
  });
});

describe("the encoding", () => {
  const fill128: ListLimits = { fill: 128, compressDepth: 0, plainBytesMin: 0 };
  const fill2: ListLimits = { fill: -2, compressDepth: 0, plainBytesMin: 0 };

  test("is a listpack as long as one node has room, and again at half of that", () => {
    const rig = new Rig(fill128);
    for (let i = 0; i < 128; i++) rig.push(true, "x");
    expect(rig.isQuicklist).toBe(false);
    rig.push(true, "x");
    expect(rig.isQuicklist).toBe(true);
    for (let left = 129; left > 65; left--) {
      rig.list.removeEnd(true);
      rig.removed();
    }
    expect(rig.isQuicklist).toBe(true);
    rig.list.removeEnd(true);
    rig.removed();
    expect(rig.isQuicklist).toBe(false);
    rig.check(Array(64).fill("x"));
  });

  test("counts bytes under a negative fill", () => {
    const rig = new Rig(fill2);
    rig.push(true, "x".repeat(8000));
    expect(rig.isQuicklist).toBe(false);
    rig.push(true, "y".repeat(300));
    expect(rig.isQuicklist).toBe(true);
    rig.list.removeRange(0, 1);
    rig.removed();
    expect(rig.isQuicklist).toBe(false);
  });

  test("of a large element is a node of its own, which is no listpack", () => {
    const rig = new Rig(fill2);
    rig.push(true, "z".repeat(9000));
    expect(rig.isQuicklist).toBe(true);
    rig.set(0, "small");
    expect(rig.isQuicklist).toBe(false);
    rig.check(["small"]);
  });
});

describe("compression", () => {
  test("leaves the ends alone and saves memory between them", () => {
    const plain = new Rig({ fill: -1, compressDepth: 0, plainBytesMin: 0 });
    const pressed = new Rig({ fill: -1, compressDepth: 1, plainBytesMin: 0 });
    const texts = Array.from({ length: 5000 }, (_, i) => `a text that repeats itself ${i}`);
    for (const rig of [plain, pressed]) for (const text of texts) rig.push(true, text);
    pressed.check(texts);
    const of = (rig: Rig) => entryMemory(rig.arena, rig.list.entry, 0);
    expect(of(pressed)).toBeLessThan(of(plain) / 3);
    // As the nodes in between come to the ends, they are brought back, and those left stay pressed.
    for (let i = 0; i < 2500; i++) pressed.list.removeEnd(i % 2 === 0);
    pressed.list.settle();
    pressed.check(texts.slice(1250, -1250));
  });

  test("is given up where there is no memory, and nothing is lost", () => {
    const rig = new Rig({ fill: 4, compressDepth: 1, plainBytesMin: 0 });
    const texts = Array.from({ length: 200 }, (_, i) => `again and again and again ${i}`);
    rig.push(true, ...texts);
    const model = [...texts];
    for (let failing = 1; failing < 60; failing++) {
      const before = [...model];
      const text = `other ${failing} other other other other other other`;
      const way = failing % 4;
      let done = true;
      withoutRoom(rig.arena, 1 + (failing >> 2), true, () => {
        try {
          if (way === 0) rig.set(100, text);
          else if (way === 1) rig.insert(77, text);
          else if (way === 2) rig.push(true, text, "x".repeat(9000), text);
          else rig.remove(model[40] as string, 1, true);
        } catch (full) {
          if (!(full instanceof ArenaFullError)) throw full;
          done = false;
        }
      });
      if (!done) {
        rig.check(before);
        continue;
      }
      if (way === 0) model[100] = text;
      else if (way === 1) model.splice(77, 0, text);
      else if (way === 2) model.push(text, "x".repeat(9000), text);
      else model.splice(40, 1);
      rig.check(model);
    }
  });
});

describe("a snapshot", () => {
  /** A walk over the list that notes what it is given. */
  function walk(rig: Rig) {
    const given: string[] = [];
    const view = new NodeView();
    const out = new ListpackValue();
    const piece: CutPiece = {
      begin: () => {},
      element(cell) {
        view.open(rig.arena, cell);
        for (let i = 0; i < view.count; i++) {
          view.read(i, out);
          given.push(String.fromCharCode(...out.bytes.subarray(out.start, out.end)));
        }
      },
      end: () => {},
    };
    const header = valueRef(rig.arena, rig.list.entry);
    const { pieces } = kindOfEntry(rig.arena, rig.list.entry);
    let failed: ArenaFullError | null = null;
    const walking = pieces?.walk(
      rig.arena,
      header,
      piece,
      (full) => {
        failed = full;
        walking?.leave();
      },
      () => {},
    );
    if (walking === undefined) throw new Error("a quicklist goes in pieces");
    return { given, walking, hasFailed: () => failed !== null };
  }

  test.each(variants)(
    "is handed the list of its instant, whatever becomes of it, under %o",
    (limits) => {
      const chance = chanceOf(seed + 2);
      for (let round = 0; round < 3; round++) {
        const rig = new Rig(limits);
        const model = Array.from({ length: 150 + chance(300) }, () => randomText(chance));
        rig.push(true, ...model);
        if (!rig.isQuicklist) rig.list.toQuicklist(limits);
        const running: { expected: string[]; walk: ReturnType<typeof walk> }[] = [];
        // Several walks at once, begun at different instants.
        for (let i = 0; i < 400; i++) {
          if (i % 100 === 0 && rig.isQuicklist)
            running.push({ expected: [...model], walk: walk(rig) });
          for (let j = chance(8); j > 0; j--) disturb(rig, model, chance);
          for (const { walk: one } of running)
            if (!one.walking.isDone && chance(3) === 0) one.walking.step(2);
        }
        for (const { expected, walk: one } of running) {
          while (!one.walking.isDone) one.walking.step(5);
          one.walking.leave();
          expect(one.given).toEqual(expected);
        }
        expect(rig.arena.holds.size).toBe(0);
        rig.check(model);
      }
    },
  );

  test("that is given up gives everything back", () => {
    const chance = chanceOf(seed + 3);
    const rig = new Rig(small);
    const model = Array.from({ length: 300 }, () => randomText(chance));
    rig.push(true, ...model);
    const one = walk(rig);
    for (let i = 0; i < 200; i++) {
      disturb(rig, model, chance);
      if (i % 10 === 0) one.walking.step(1);
    }
    one.walking.leave();
    expect(rig.arena.holds.size).toBe(0);
    rig.check(model);
  });

  test("fails where a change needs the memory, and the change is made", () => {
    const rig = new Rig(small);
    rig.push(true, ...Array.from({ length: 300 }, (_, i) => `${i}`));
    const one = walk(rig);
    withoutRoom(rig.arena, 1, true, () => rig.list.removeEnd(true));
    expect(one.hasFailed()).toBe(true);
    expect(rig.arena.holds.size).toBe(0);
    rig.check(Array.from({ length: 299 }, (_, i) => `${i}`));
  });

  test("still has the list when the key is gone", () => {
    const rig = new Rig(small);
    const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
    rig.push(true, ...texts);
    const one = walk(rig);
    one.walking.step(10);
    rig.list.removeRange(100, 100);
    freeEntry(rig.arena, rig.list.entry);
    while (!one.walking.isDone) one.walking.step(5);
    expect(one.given).toEqual(texts);
  });
});

test("growing to a hundred thousand elements never takes long at once", () => {
  const rig = new Rig({ fill: 1, compressDepth: 0, plainBytesMin: 0 });
  const text = latin1Bytes("12345");
  let allocated = 0;
  const { alloc } = rig.arena;
  // No single block may be so large that copying it would be a stop.
  rig.arena.alloc = (bytes) => {
    allocated = Math.max(allocated, bytes);
    return alloc.call(rig.arena, bytes);
  };
  rig.list.toQuicklist(rig.limits);
  for (let i = 0; i < 100_000; i++) rig.list.push(i % 2 === 0, text, 0, 5, rig.limits);
  expect(rig.list.length).toBe(100_000);
  expect(allocated).toBeLessThan(2 ** 17);
  rig.list.check();
});

test("a window that is attached elsewhere says so", () => {
  const rig = new Rig(small);
  setValueRef(rig.arena, rig.list.entry, NONE);
  expect(() => rig.list.attach(rig.list.entry).check()).toThrow();
});
