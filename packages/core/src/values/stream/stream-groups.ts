/**
 * StreamGroups: the groups of a stream: finding, making and destroying them. The window on one group
 * is StreamGroup (stream-group.ts).
 *
 * create() throws ArenaFullError and has changed nothing then; nothing else can fail.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { createName, findName, NameList } from "./name-list.ts";
import { StreamGroup } from "./stream-group.ts";
import type { StreamId } from "./stream-id.ts";
import {
  BLOCK_VERSION_WORD,
  GROUP_BYTES,
  GROUP_ID_WORD,
  GROUPS_WORD,
  NAME_WORD,
  OTHERS_WORD,
  READ_WORD,
} from "./stream-layout.ts";
import type { StreamSpace } from "./stream-space.ts";

/** The groups of a stream: see the head of this file. */
export class StreamGroups {
  /** @internal The groups' blocks, by name. */
  readonly list: NameList;
  private readonly space: StreamSpace;
  private readonly arena: Arena;
  private readonly group: StreamGroup;
  private header: Ref = NONE;

  constructor(space: StreamSpace) {
    this.space = space;
    this.arena = space.arena;
    this.list = new NameList(space);
    this.group = new StreamGroup(space);
  }

  /** @internal Goes on with the groups of the stream with this header. */
  attach(header: Ref): void {
    this.header = header;
    this.list.attach(header, GROUPS_WORD);
  }

  /** Number of groups. */
  get count(): number {
    return this.list.count;
  }

  /** Groups, consumers and pending entries of all groups together. */
  get othersCount(): number {
    return wordsOf(this.arena, this.header)[wordIndex(this.header) + OTHERS_WORD] as number;
  }

  /** The window on the group bytes[start, end), or null. There is one window: the next call moves it. */
  find(bytes: Uint8Array, start: number, end: number): StreamGroup | null {
    const ref = this.list.find(bytes, start, end);
    return ref === NONE ? null : this.group.attach(ref);
  }

  /** The window on the group at an index below `count`: they are in the order of their names. */
  at(index: number): StreamGroup {
    return this.group.attach(this.list.at(index));
  }

  /**
   * Makes a group that has read up to `id`, `readHi` and `readLo` entries (both -1: unknown). False
   * when there is one of this name.
   */
  create(
    bytes: Uint8Array,
    start: number,
    end: number,
    id: StreamId,
    readHi: number,
    readLo: number,
  ): boolean {
    const { arena, space, list } = this;
    if (list.find(bytes, start, end) !== NONE) return false;
    const name = createName(arena, bytes, start, end);
    let block: Ref = NONE;
    try {
      block = arena.allocZeroed(GROUP_BYTES);
      const words = wordsOf(arena, block);
      const at = wordIndex(block);
      words[at + NAME_WORD] = name;
      words[at + BLOCK_VERSION_WORD] = space.version;
      id.write(words, at + GROUP_ID_WORD);
      words[at + READ_WORD] = readLo;
      words[at + READ_WORD + 1] = readHi;
      list.insert(block);
    } catch (full) {
      if (block !== NONE) arena.free(block);
      arena.free(name);
      throw full;
    }
    space.addToOthers(1);
    return true;
  }

  /** Destroys the group that find() has found. */
  destroyFound(): void {
    const { group, list, space } = this;
    const count = 1 + group.consumerCount + group.pendingCount;
    list.removeFound();
    group.free();
    space.addToOthers(-count);
  }

  /** @internal The window on the group with this name's block. */
  atName(name: Ref): StreamGroup {
    return this.group.attach(findName(this.arena, this.list, name));
  }

  /** Throws unless all groups are whole. For tests: slow. */
  check(): void {
    this.list.check();
    let others = 0;
    for (let i = 0; i < this.count; i++) {
      const group = this.at(i);
      group.check();
      others += 1 + group.consumerCount + group.pendingCount;
    }
    assert(others === this.othersCount, "a stream counts what its groups have");
  }
}
