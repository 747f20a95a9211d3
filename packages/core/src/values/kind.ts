/**
 * ValueKind: all that a type of value in one of its encodings has to say for itself.
 *
 * The first byte of an entry is type and encoding. It is the index into a flat table of 256 kinds
 * (kind-table.ts), and everybody who deals with values of any kind asks there: freeing, copying,
 * measuring, moving, digests, files. Nobody compares encodings, so a set that is kept as a listpack
 * cannot be taken for a hash; a byte that no kind has is an InvariantError wherever it turns up.
 *
 * Methods get the ref of the value's first block (`ref`), for values outside their entry. A value
 * that lies inside its entry has nothing to free, to copy or to move: who calls looks at the flag
 * EXTERNAL first. Strings are that common that GET and SET know them without asking.
 *
 * A new kind is a folder beside string/ and hash/, and one line in kinds.ts.
 */

import { InvariantError } from "../assert.ts";
import type { Arena, ArenaFullError, Ref } from "../memory/arena.ts";
import { ListpackValue } from "../memory/listpack.ts";
import { StreamId } from "./stream/stream-id.ts";

/**
 * What a value is made of: one text; elements in an order; members in none, each once; members in
 * the order of a score that each has; fields, each once, with a value; entries in the order of their
 * IDs, each with fields and values.
 */
export type Shape = "text" | "sequence" | "members" | "scored" | "pairs" | "entries";

/** Where a block lies from now on: `ref`, or a copy of it, `ref` being free then. Never fails. */
export type MoveBlock = (ref: Ref) => Ref;

/** Who looks at a value's elements, one after the other. */
export abstract class ElementVisitor {
  /** The element: of a string all of it. In place, and void when the call returns. */
  readonly text = new ListpackValue();
  /** What belongs to it: the value of a field. */
  readonly value = new ListpackValue();
  /** What belongs to it: the score of a member. */
  score = 0;
  /** When the field expires, in milliseconds since 1970; -1: it does not. */
  expiryMs = -1;

  /** The ID of an entry. */
  readonly id = new StreamId();

  /** An element of a value of shape "text", "sequence" or "members": it is in `text`. */
  abstract element(): void;
  /** A field of a value of shape "pairs": it is in `text`, its value in `value`, see `expiryMs`. */
  abstract pair(): void;
  /**
   * An entry of a value of shape "entries": its ID is in `id`. entryField() follows for each of its
   * fields, in their order.
   */
  entry(_fieldCount: number): void {
    throw new InvariantError("who is shown entries knows what they are");
  }
  /** A field of the entry: it is in `text`, its value in `value`. */
  entryField(): void {
    throw new InvariantError("who is shown entries knows what they are");
  }
  /**
   * A member of a value of shape "scored": it is in `text`, its score in `score`. To whom scores are
   * nothing, it is an element.
   */
  scored(): void {
    this.element();
  }
}

/** What is common to all values of a type in one encoding. */
export interface ValueKind {
  /** The type: one of Type. With the encoding it is the entry's first byte, see kindOf(). */
  readonly type: number;
  /** The encoding: one of Encoding. */
  readonly encoding: number;
  /** The type, in the words of TYPE. */
  readonly typeName: string;
  /** The encoding, in the words of OBJECT ENCODING. */
  readonly encodingName: string;
  /** What its elements are: which method of the visitor gets them. */
  readonly shape: Shape;
  /** Frees the value's blocks. */
  free(arena: Arena, ref: Ref): void;
  /** Bytes of the value's blocks. `samples` elements of a large one are measured, 0: all of them. */
  memory(arena: Arena, ref: Ref, samples: number): number;
  /** A copy of the value's blocks: its first. Throws ArenaFullError, and has copied nothing then. */
  copy(arena: Arena, ref: Ref): Ref;
  /** Moves the value's blocks. Returns the first one's place. */
  move(arena: Arena, ref: Ref, move: MoveBlock): Ref;
  /** Shows each element to the visitor. The value must not change meanwhile. */
  each(arena: Arena, entry: Ref, visitor: ElementVisitor): void;
  /** Throws unless the value is whole. For tests and fuzzers: slow. */
  check(arena: Arena, entry: Ref): void;
  /**
   * The table by hash in the value, as what Dict.attach() takes: DEBUG HTSTATS-KEY looks at it.
   * Without it there is none.
   */
  table?(arena: Arena, ref: Ref): Ref;
  /** How a value that may be large is dealt with a slice at a time. Without it, never. */
  readonly pieces?: Pieces;
}

/**
 * A value in pieces, so that neither freeing it, nor a snapshot of it, nor moving it takes long. The
 * unit is the element: a field, a member, a node of a list.
 */
export interface Pieces {
  /** Elements of the value. */
  count(arena: Arena, ref: Ref): number;
  /** Begins to free the value, which is nobody's any more. */
  free(arena: Arena, ref: Ref): SliceFreeing;
  /** Begins to move the value's blocks. */
  move(arena: Arena): SliceMoving;
  /**
   * Begins to hand the value over as it is now, to a snapshot. Until the walk is over or left, the
   * block `ref` is held (`arena.holds`): it stays where it is, whoever changes an element tells the
   * hold before, and whoever would free the value leaves it to the hold, which then calls `release`.
   * When there is no room to remember what has changed, `fail` is called and the walk is left.
   */
  walk(
    arena: Arena,
    ref: Ref,
    piece: CutPiece,
    fail: (reason: ArenaFullError) => void,
    release: () => void,
  ): CutWalk;
}

/** A value that is being freed. */
export interface SliceFreeing {
  /** Elements that are still there. */
  readonly count: number;
  /** True when all is free. */
  readonly isDone: boolean;
  /** Frees about `wanted` elements on. Returns how many it did free. */
  step(wanted: number): number;
  /** No element is left: frees the rest at once. */
  end(): void;
}

/** A value whose blocks are being moved. Between two steps anything may happen to it. */
export interface SliceMoving {
  /** True when the end is reached. */
  readonly isDone: boolean;
  /**
   * Moves the blocks of about `wanted` elements on, of the value of the same kind whose first block
   * is `ref` now. Returns where that lies then.
   */
  step(ref: Ref, wanted: number, move: MoveBlock): Ref;
}

/** Who gets the elements of a large value. Called from within step() and before changes. */
export interface CutPiece {
  /** The walk starts: no other piece of this cut begins before the end of this one. */
  begin(): void;
  /** An element, as the kind keeps it. May come before begin(): the element is to change. */
  element(ref: Ref): void;
  /** All elements have been handed over. */
  end(): void;
}

/** A large value on its way to a snapshot. */
export interface CutWalk {
  /** True when every element of the instant has been handed over. */
  readonly isDone: boolean;
  /** Hands over about `wanted` elements. Returns a measure of the work, at least 1. */
  step(wanted: number): number;
  /** The walk is over, or given up: the value is held no more on its account. */
  leave(): void;
}
