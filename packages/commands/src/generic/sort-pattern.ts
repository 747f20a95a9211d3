/**
 * SortPattern: the keys that BY and GET of SORT make from elements.
 *
 *      weight_*              the star becomes the element: a string
 *      object_*->price       the field of a hash
 *      #                     the element itself
 *
 * Only the first star counts, only an arrow behind it, and a pattern ends with its first zero byte. A
 * pattern without a star finds nothing, as does a key of another type.
 */
import { HashValue, type ListpackValue, NONE, type Ref, StringView, Type, typeOf } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Interest } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";
import { expireField } from "../hash/expired-fields.ts";
import { moveTo } from "../hash/hash-at.ts";
import type { SortTexts } from "./sort-texts.ts";

const STAR = 42;
const HASH_SIGN = 35;
const MINUS = 45;
const GREATER = 62;
/** A longer key is not kept. */
const KEPT_BYTES_MAX = 65536;

/** Finds what patterns mean for elements: see the head of this file. */
export class SortPattern {
  /** What find() has found, of nothing no byte. In place, and void when anything changes. */
  bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  view: DataView;
  /** Index of the first byte of what was found. */
  start = 0;
  /** Index behind its last byte. */
  end = 0;
  /** The entry of the string that was found; NONE: it was something else. */
  entry: Ref = NONE;
  private readonly hash: HashValue;
  private readonly string = new StringView();
  private key = new Uint8Array(256);
  private keyView = new DataView(this.key.buffer);
  /** The argument that is taken apart below. */
  private argument = 0;
  private isElement = false;
  private star = -1;
  private keyEnd = 0;
  private fieldStart = 0;

  constructor({ keyspace: { arena, seed } }: Call) {
    this.hash = new HashValue(arena, seed);
    this.bytes = this.string.bytes;
    this.view = this.string.view;
  }

  /** Begins another command. */
  reset(): void {
    this.argument = 0;
    if (this.key.length <= KEPT_BYTES_MAX) return;
    this.key = new Uint8Array(256);
    this.keyView = new DataView(this.key.buffer);
  }

  private take(call: Call, argument: number): void {
    const { bytes } = call;
    const start = call.start(argument);
    const all = call.end(argument);
    // Several patterns take turns, so this happens for every element: it looks at no byte but theirs.
    let end = start;
    while (end < all && bytes[end] !== 0) end++;
    this.argument = argument;
    this.isElement = bytes[start] === HASH_SIGN && end === start + 1;
    this.star = -1;
    for (let at = start; at < end && this.star === -1; at++) if (bytes[at] === STAR) this.star = at;
    this.keyEnd = all;
    this.fieldStart = 0;
    if (this.star === -1) return;
    for (let at = this.star + 1; at + 2 < end; at++) {
      if (bytes[at] !== MINUS || bytes[at + 1] !== GREATER) continue;
      this.keyEnd = at;
      this.fieldStart = at + 2;
      return;
    }
  }

  /** Finds what the pattern at an argument means for the element `index`; false: nothing. */
  find(call: Call, argument: number, texts: SortTexts, index: number): boolean {
    if (argument !== this.argument) this.take(call, argument);
    // What was found last may be gone, and anything, such as the list to be stored, lie there now.
    this.show(this.key, this.keyView, 0, 0);
    this.entry = NONE;
    if (this.isElement) {
      this.show(texts.bytes, texts.view, texts.start(index), texts.end(index));
      return true;
    }
    if (this.star === -1) return false;
    const entry = this.lookUp(call, texts, index);
    if (entry === NONE) return false;
    const { arena } = call.keyspace;
    if (this.fieldStart !== 0) {
      if (typeOf(arena, entry) !== Type.HASH) return false;
      const from = this.fieldStart;
      const to = call.end(argument);
      const hash = moveTo(call, this.hash, entry);
      if (expireField(call, hash, from, to) === null) return false;
      if (!hash.find(call.bytes, call.view, from, to)) return false;
      this.showValue(hash.value);
      return true;
    }
    if (typeOf(arena, entry) !== Type.STRING) return false;
    const { string } = this;
    string.read(arena, entry);
    this.show(string.bytes, string.view, string.start, string.end);
    this.entry = entry;
    return true;
  }

  private show(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.end = end;
  }

  private showValue({ bytes, view, start, end }: ListpackValue): void {
    this.show(bytes, view, start, end);
  }

  /** The entry of the key, as Call.lookupRead() would find it. */
  private lookUp(call: Call, texts: SortTexts, index: number): Ref {
    const { database } = call;
    const length = this.makeKey(call, texts, index);
    const stored = database.findKey(this.key, this.keyView, 0, length);
    const entry = stored === NONE ? NONE : call.unexpired(database, stored, false);
    if (entry !== NONE) {
      call.keyspaceHits++;
      call.touch(entry);
      return entry;
    }
    call.keyspaceMisses++;
    if ((call.interest & Interest.NOTIFY) !== 0) {
      const { key, keyView } = this;
      call.effects.keyEvent(database, key, keyView, 0, length, "keymiss", Notify.KEY_MISS);
    }
    return NONE;
  }

  /** Puts the element in the place of the star. Returns the length of the key. */
  private makeKey(call: Call, texts: SortTexts, index: number): number {
    const { bytes } = call;
    const { star, keyEnd } = this;
    const first = call.start(this.argument);
    const from = texts.start(index);
    const to = texts.end(index);
    const length = keyEnd - first - 1 + (to - from);
    if (length > this.key.length) {
      this.key = new Uint8Array(length * 2);
      this.keyView = new DataView(this.key.buffer);
    }
    const { key } = this;
    let at = 0;
    for (let i = first; i < star; i++) key[at++] = bytes[i] as number;
    if (to - from > 64) {
      key.set(texts.bytes.subarray(from, to), at);
      at += to - from;
    } else for (let i = from; i < to; i++) key[at++] = texts.bytes[i] as number;
    for (let i = star + 1; i < keyEnd; i++) key[at++] = bytes[i] as number;
    return length;
  }
}
