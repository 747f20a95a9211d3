/**
 * NameList: what has a name, in the order of the names' bytes: the groups of a stream, and the
 * consumers of a group.
 *
 *      word 0   free          word 1   version          word 2 ...   refs
 *
 * One block with a ref for each, found by halving. Coming and going moves what stands behind it, which
 * is quick: there are few, and a million of them are four megabytes. The list and the number of its
 * refs are two words of the owner's block. What a ref refers to has its name's block in NAME_WORD.
 *
 * insert() throws ArenaFullError and has changed nothing then; nothing else can fail.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref, roundedBytes } from "../../memory/arena.ts";
import type { ListpackValue } from "../../memory/listpack.ts";
import { byteIndex, bytesOf, viewOf, wordIndex, wordsOf } from "../../table/entry.ts";
import type { MoveBlock } from "../kind.ts";
import {
  BLOCK_VERSION_WORD,
  NAME_HEAD_BYTES,
  NAME_LENGTH_WORD,
  NAME_OWNER_WORD,
  NAME_WORD,
} from "./stream-layout.ts";
import type { StreamSpace } from "./stream-space.ts";

const HEAD_WORDS = 2;

function bytesFor(count: number): number {
  return (HEAD_WORDS + count) * 4;
}

/** A new block with a name. */
export function createName(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  const name = arena.alloc(NAME_HEAD_BYTES + (end - start));
  const words = wordsOf(arena, name);
  const at = wordIndex(name);
  words[at + NAME_OWNER_WORD] = NONE;
  words[at + NAME_LENGTH_WORD] = end - start;
  arena.write(name, NAME_HEAD_BYTES, bytes, start, end);
  return name;
}

/** Shows a name. */
export function showName(arena: Arena, name: Ref, out: ListpackValue): void {
  const length = wordsOf(arena, name)[wordIndex(name) + NAME_LENGTH_WORD] as number;
  const start = byteIndex(name) + NAME_HEAD_BYTES;
  out.setString(bytesOf(arena, name), viewOf(arena, name), start, start + length);
}

/** What has the name of a name's block in a list, or NONE. */
export function findName(arena: Arena, list: NameList, name: Ref): Ref {
  const length = wordsOf(arena, name)[wordIndex(name) + NAME_LENGTH_WORD] as number;
  const start = byteIndex(name) + NAME_HEAD_BYTES;
  return list.find(bytesOf(arena, name), start, start + length);
}

/** Refs in the order of names: see the head of this file. */
export class NameList {
  private readonly space: StreamSpace;
  private readonly arena: Arena;
  private owner: Ref = NONE;
  private ownerWord = 0;
  /** Where find() came to: the name, or where it belongs. */
  private foundAt = 0;

  constructor(space: StreamSpace) {
    this.space = space;
    this.arena = space.arena;
  }

  /** Goes on with the list that is word `word` of the block `owner`. */
  attach(owner: Ref, word: number): this {
    this.owner = owner;
    this.ownerWord = word;
    return this;
  }

  /** Number of names. */
  get count(): number {
    return wordsOf(this.arena, this.owner)[wordIndex(this.owner) + this.ownerWord + 1] as number;
  }

  private get block(): Ref {
    return wordsOf(this.arena, this.owner)[wordIndex(this.owner) + this.ownerWord] as number;
  }

  private set(block: Ref, count: number): void {
    const words = wordsOf(this.arena, this.owner);
    const at = wordIndex(this.owner) + this.ownerWord;
    words[at] = block;
    words[at + 1] = count;
  }

  /** The ref at an index below `count`. */
  at(index: number): Ref {
    const { block } = this;
    return wordsOf(this.arena, block)[wordIndex(block) + HEAD_WORDS + index] as number;
  }

  /** What has the name bytes[start, end), or NONE. */
  find(bytes: Uint8Array, start: number, end: number): Ref {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const ref = this.at(middle);
      const order = this.compare(ref, bytes, start, end);
      if (order === 0) {
        this.foundAt = middle;
        return ref;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.foundAt = low;
    return NONE;
  }

  /** Below zero when the name of `ref` comes before bytes[start, end). */
  private compare(ref: Ref, bytes: Uint8Array, start: number, end: number): number {
    const { arena } = this;
    const name = wordsOf(arena, ref)[wordIndex(ref) + NAME_WORD] as number;
    const length = wordsOf(arena, name)[wordIndex(name) + NAME_LENGTH_WORD] as number;
    const own = bytesOf(arena, name);
    const at = byteIndex(name) + NAME_HEAD_BYTES;
    const common = Math.min(length, end - start);
    for (let i = 0; i < common; i++) {
      const difference = (own[at + i] as number) - (bytes[start + i] as number);
      if (difference !== 0) return difference;
    }
    return length - (end - start);
  }

  /** Makes the list's block the live stream's own. */
  private own(): void {
    const { block } = this;
    if (this.space.hold === null || block === NONE) return;
    const own = this.space.owned(block, BLOCK_VERSION_WORD);
    if (own !== block) this.set(own, this.count);
  }

  /** Puts `ref` where find() has not found its name. */
  insert(ref: Ref): void {
    const { arena, count } = this;
    this.own();
    let { block } = this;
    if (block === NONE) {
      block = arena.alloc(bytesFor(1));
      wordsOf(arena, block)[wordIndex(block) + BLOCK_VERSION_WORD] = this.space.version;
    } else if (arena.blockBytes(block) < bytesFor(count + 1)) {
      block = arena.resize(block, bytesFor(count + 1 + (count >> 1)), bytesFor(count));
    }
    const words = wordsOf(arena, block);
    const at = wordIndex(block) + HEAD_WORDS;
    words.copyWithin(at + this.foundAt + 1, at + this.foundAt, at + count);
    words[at + this.foundAt] = ref;
    this.set(block, count + 1);
  }

  /** Puts `ref` in the place of the one that find() has found: the same name. */
  replaceFound(ref: Ref): void {
    this.own();
    this.place(this.foundAt, ref);
  }

  private place(index: number, ref: Ref): void {
    const { block } = this;
    wordsOf(this.arena, block)[wordIndex(block) + HEAD_WORDS + index] = ref;
  }

  /** Takes the one that find() has found out of the list. It is the caller's. */
  removeFound(): void {
    const { arena } = this;
    const count = this.count - 1;
    this.own();
    let { block } = this;
    if (count === 0) {
      arena.free(block);
      this.set(NONE, 0);
      return;
    }
    const words = wordsOf(arena, block);
    const at = wordIndex(block) + HEAD_WORDS;
    words.copyWithin(at + this.foundAt, at + this.foundAt + 1, at + count + 1);
    if (arena.blockBytes(block) > roundedBytes(bytesFor(2 * count + 4)))
      block = arena.resize(block, bytesFor(count + 2), bytesFor(count));
    this.set(block, count);
  }

  /** Takes the last one out of a list that is nobody's any more; NONE at the end. */
  takeLast(): Ref {
    const { block } = this;
    const count = this.count - 1;
    if (count < 0) return NONE;
    const ref = this.at(count);
    if (count === 0) this.arena.free(block);
    this.set(count === 0 ? NONE : block, count);
    return ref;
  }

  /** Bytes of the list's block. */
  blockBytes(): number {
    return this.block === NONE ? 0 : this.arena.blockBytes(this.block);
  }

  /** Moves the list's block. */
  moveBlock(move: MoveBlock): void {
    if (this.block !== NONE) this.set(move(this.block), this.count);
  }

  /** What was at an index lies elsewhere now. */
  moved(index: number, ref: Ref): void {
    this.place(index, ref);
  }

  /** Throws unless the names ascend. For tests: slow. */
  check(): void {
    const { arena, block, count } = this;
    assert((block === NONE) === (count === 0), "a list of names has a block if it has names");
    if (count > 0)
      assert(arena.blockBytes(block) >= bytesFor(count), "a list of names fits its block");
    for (let i = 1; i < count; i++) {
      const name = wordsOf(arena, this.at(i))[wordIndex(this.at(i)) + NAME_WORD] as number;
      const length = wordsOf(arena, name)[wordIndex(name) + NAME_LENGTH_WORD] as number;
      const start = byteIndex(name) + NAME_HEAD_BYTES;
      const order = this.compare(this.at(i - 1), bytesOf(arena, name), start, start + length);
      assert(order < 0, "names ascend");
    }
  }
}
