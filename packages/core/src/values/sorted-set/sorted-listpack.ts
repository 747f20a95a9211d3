/**
 * Small sorted sets: a listpack of members, each followed by its score, in their order: by score and,
 * where scores are equal, by the bytes of the members.
 *
 *      "a" | 1 | "c" | 1 | "b" | "2.5"                        a at 1, c at 1, b at 2.5
 *
 * Everything here is a walk over a few hundred bytes. Offsets are those of members: see listpack.ts.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import {
  deleteAt,
  find,
  insertPairAt,
  ListpackValue,
  listpackBytes,
  next,
  previous,
  readAt,
  replaceAt,
  settle,
} from "../../memory/listpack.ts";
import {
  backlenBytes,
  dataBytes,
  END,
  LISTPACK_HEADER_BYTES,
} from "../../memory/listpack-element.ts";
import { byteIndex, bytesOf } from "../../table/entry.ts";
import { readScore, SCORE_TEXT_BYTES, writeScore } from "./score-text.ts";
import { compareBytes } from "./scored-member.ts";

/** The score that follows the member at an offset. */
export function scoreAt(arena: Arena, lp: Ref, offset: number): number {
  return readScore(bytesOf(arena, lp), byteIndex(lp) + next(arena, lp, offset));
}

/** Offset of the member bytes[start, end), or 0. */
export function findMember(
  arena: Arena,
  lp: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  return find(arena, lp, bytes, start, end, 2);
}

/** Offset of the member behind the one at `offset`, or 0. */
export function nextMember(arena: Arena, lp: Ref, offset: number): number {
  return next(arena, lp, next(arena, lp, offset));
}

/** Offset of the member before the one at `offset`, which may be the end, or 0. */
export function previousMember(arena: Arena, lp: Ref, offset: number): number {
  const score = previous(arena, lp, offset);
  return score === 0 ? 0 : previous(arena, lp, score);
}

/** What changes listpacks of members and scores: room for texts, for use again and again. */
export class SortedListpack {
  private readonly arena: Arena;
  private readonly member = new ListpackValue();
  private readonly digits = new Uint8Array(SCORE_TEXT_BYTES);

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Offset of the first member that is behind `score` and the member view[start, end), or the end's. */
  private placeFor(lp: Ref, score: number, view: DataView, start: number, end: number): number {
    const { arena, member } = this;
    const bytes = bytesOf(arena, lp);
    const base = byteIndex(lp);
    const endOffset = listpackBytes(arena, lp) - 1;
    // Scores that are times are added at the end, and there would be all of them to read.
    const last = previous(arena, lp, endOffset);
    if (last !== 0 && readScore(bytes, base + last) < score) return endOffset;
    for (let at = base + LISTPACK_HEADER_BYTES; ; ) {
      if (bytes[at] === END) return endOffset;
      const size = dataBytes(bytes, at);
      const scoreIndex = at + size + backlenBytes(size);
      const other = readScore(bytes, scoreIndex);
      if (other > score) return at - base;
      if (other === score) {
        readAt(arena, lp, at - base, member);
        const order = compareBytes(member.view, member.start, member.end, view, start, end);
        if (order > 0) return at - base;
      }
      const scoreSize = dataBytes(bytes, scoreIndex);
      at = scoreIndex + scoreSize + backlenBytes(scoreSize);
    }
  }

  /** Puts a member that is not there in its place. Throws ArenaFullError, and nothing has changed. */
  insert(
    lp: Ref,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
  ): Ref {
    const { arena, digits } = this;
    const place = this.placeFor(lp, score, view, start, end);
    const length = writeScore(score, digits, 0);
    return insertPairAt(arena, lp, place, bytes, start, end, digits, 0, length);
  }

  /**
   * Gives the member at `offset`, which is bytes[start, end), another score. Throws ArenaFullError,
   * and nothing has changed.
   */
  rescore(
    lp: Ref,
    offset: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
  ): Ref {
    const { arena, digits } = this;
    const place = this.placeFor(lp, score, view, start, end);
    const after = settle(arena, lp, offset) === 0 ? 0 : nextMember(arena, lp, offset);
    const length = writeScore(score, digits, 0);
    if (place === offset || place === (after === 0 ? listpackBytes(arena, lp) - 1 : after))
      return replaceAt(arena, lp, next(arena, lp, offset), digits, 0, length);
    // The new place first: taking the old one away cannot fail.
    const before = listpackBytes(arena, lp);
    const moved = insertPairAt(arena, lp, place, bytes, start, end, digits, 0, length);
    const shift = place < offset ? listpackBytes(arena, moved) - before : 0;
    return deleteAt(arena, moved, offset + shift, 2);
  }

  /** Members before the first one with a score of at least `score`, or above it. */
  countByScore(lp: Ref, score: number, isIncluded: boolean): number {
    const bytes = bytesOf(this.arena, lp);
    let count = 0;
    for (let at = byteIndex(lp) + LISTPACK_HEADER_BYTES; bytes[at] !== END; count++) {
      const size = dataBytes(bytes, at);
      at += size + backlenBytes(size);
      const other = readScore(bytes, at);
      if (other > score || (!isIncluded && other === score)) break;
      const scoreSize = dataBytes(bytes, at);
      at += scoreSize + backlenBytes(scoreSize);
    }
    return count;
  }

  /** Members before the first one that is at least view[start, end), or behind it. */
  countByMember(lp: Ref, view: DataView, start: number, end: number, isIncluded: boolean): number {
    const { arena, member } = this;
    let count = 0;
    for (
      let at = settle(arena, lp, LISTPACK_HEADER_BYTES);
      at !== 0;
      at = nextMember(arena, lp, at)
    ) {
      readAt(arena, lp, at, member);
      const order = compareBytes(member.view, member.start, member.end, view, start, end);
      if (order > 0 || (!isIncluded && order === 0)) break;
      count++;
    }
    return count;
  }
}
