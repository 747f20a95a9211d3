/**
 * Whether the prefixes of CLIENT TRACKING BCAST overlap: none may begin with another one of the same
 * client, given now or before. There may be a million of them, so they are not compared each with
 * each: sorted, all that begin with a prefix stand right behind it.
 */
import { fail } from "@kv/commands";
import { bytesOf, keyIndex, keyLength, type RefList } from "@kv/core";
import { latin1 } from "@kv/resp";
import type { EngineCall } from "../../module/engine-call.ts";
import { trackingPort } from "./tracking.ts";
import { compareBytes } from "./tracking-broadcast.ts";

/** As much of a prefix as an error shows. */
const SHOWN_BYTES_MAX = 1024;

/** Throws when one of the prefixes at these arguments overlaps with another, or with an older one. */
export function checkPrefixes(call: EngineCall, given: RefList): void {
  if (given.count === 0) return;
  const prefixes = new Prefixes(call, given);
  const first = prefixes.firstThatOverlaps();
  if (first !== -1) prefixes.refuse(first);
}

/**
 * The given prefixes and, behind them, those that the client has already. The second ones do not
 * overlap with each other.
 */
class Prefixes {
  private readonly call: EngineCall;
  private readonly given: RefList;
  /** In the order of bytes. */
  private readonly own: Int32Array;

  constructor(call: EngineCall, given: RefList) {
    this.call = call;
    this.given = given;
    this.own = call.engine.of(trackingPort).prefixesOf(call.client);
  }

  private bytes(place: number): Uint8Array {
    const { call, given, own } = this;
    if (place < given.count) return call.bytes;
    return bytesOf(call.keyspace.arena, own[place - given.count] as number);
  }

  private start(place: number): number {
    const { call, given, own } = this;
    if (place < given.count) return call.start(given.at(place));
    return keyIndex(call.keyspace.arena, own[place - given.count] as number);
  }

  private length(place: number): number {
    const { call, given, own } = this;
    if (place < given.count) return call.length(given.at(place));
    return keyLength(call.keyspace.arena, own[place - given.count] as number);
  }

  private compare(a: number, b: number): number {
    const aStart = this.start(a);
    const bStart = this.start(b);
    const aEnd = aStart + this.length(a);
    return compareBytes(
      this.bytes(a),
      aStart,
      aEnd,
      this.bytes(b),
      bStart,
      bStart + this.length(b),
    );
  }

  private overlap(a: number, b: number): boolean {
    const length = Math.min(this.length(a), this.length(b));
    const aStart = this.start(a);
    const bStart = this.start(b);
    const aBytes = this.bytes(a);
    return (
      compareBytes(aBytes, aStart, aStart + length, this.bytes(b), bStart, bStart + length) === 0
    );
  }

  /** The first of the given ones that overlaps with any other; -1: none does. */
  firstThatOverlaps(): number {
    const { given, own } = this;
    const sorted = new Int32Array(given.count + own.length).map((_, place) => place);
    sorted.sort((a, b) => this.compare(a, b));
    let first = sorted.length;
    let root = sorted[0] as number;
    for (let i = 1; i < sorted.length; i++) {
      const place = sorted[i] as number;
      if (this.overlap(root, place)) first = Math.min(first, root, place);
      else root = place;
    }
    return first < given.count ? first : -1;
  }

  /** Names the prefix that this one overlaps with: an older one, or the next of those given. */
  refuse(first: number): never {
    const { given, own } = this;
    for (let other = given.count; other < given.count + own.length; other++)
      if (this.overlap(other, first)) this.fail(first, "an existing prefix", other);
    let other = first + 1;
    while (!this.overlap(first, other)) other++;
    return this.fail(first, "another provided prefix", other);
  }

  private fail(place: number, what: string, other: number): never {
    fail(
      `ERR Prefix '${this.text(place)}' overlaps with ${what} '${this.text(other)}'. Prefixes for a single client must not overlap.`,
    );
  }

  private text(place: number): string {
    const start = this.start(place);
    return latin1(this.bytes(place), start, start + Math.min(this.length(place), SHOWN_BYTES_MAX));
  }
}
