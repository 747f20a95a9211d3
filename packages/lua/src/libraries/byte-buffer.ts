/**
 * Bytes that grow, in the machine's own memory, so that what was written becomes a string of Lua with
 * one copy. One is kept for all: libraries do not call each other. The memory may grow while it does,
 * so `bytes` is to be read anew after anything that may have written.
 */

import type { LuaApi } from "../machine.ts";
import type { LuaStack } from "../stack.ts";

const FIRST_BYTES = 16_384;
/** A larger one is given back after use. */
const KEPT_BYTES = 1024 * 1024;

export class ByteBuffer {
  /** Where it lies in the memory, */
  at: number;
  /** and how much of it is written. */
  length = 0;
  private capacity = FIRST_BYTES;
  private readonly api: LuaApi;
  private readonly stack: LuaStack;

  constructor(stack: LuaStack) {
    this.api = stack.api;
    this.stack = stack;
    this.at = this.api.malloc(FIRST_BYTES);
  }

  /** Starts anew. */
  clear(): void {
    this.length = 0;
    if (this.capacity <= KEPT_BYTES) return;
    this.api.free(this.at);
    this.at = this.api.malloc(FIRST_BYTES);
    this.capacity = FIRST_BYTES;
  }

  /** Makes room for `count` bytes more; what is written then is told to `length`. */
  reserve(count: number): void {
    if (this.length + count <= this.capacity) return;
    const capacity = Math.max(this.length + count, this.capacity * 2);
    const at = capacity < 2 ** 31 ? this.api.malloc(capacity) : 0;
    if (at === 0) this.stack.leave("not enough memory");
    this.stack.bytes.copyWithin(at, this.at, this.at + this.length);
    this.api.free(this.at);
    this.at = at;
    this.capacity = capacity;
  }

  byte(value: number): void {
    this.reserve(1);
    this.stack.bytes[this.at + this.length++] = value;
  }

  /** Bytes of the machine's memory. */
  range(start: number, length: number): void {
    this.reserve(length);
    this.stack.bytes.copyWithin(this.at + this.length, start, start + length);
    this.length += length;
  }

  /** Letters below 256. */
  text(text: string): void {
    this.reserve(text.length);
    const { bytes } = this.stack;
    const at = this.at + this.length;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    this.length += text.length;
  }

  /** An integer of 8, 16 or 32 bits, its highest byte first. */
  integer(value: number, size: number): void {
    this.reserve(size);
    const { bytes } = this.stack;
    let at = this.at + this.length;
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes[at++] = value >>> shift;
    this.length += size;
  }

  /** A 64-bit integer, its highest byte first. */
  integer64(value: bigint): void {
    this.reserve(8);
    this.stack.view.setBigInt64(this.at + this.length, value);
    this.length += 8;
  }

  float32(value: number): void {
    this.reserve(4);
    this.stack.view.setFloat32(this.at + this.length, value);
    this.length += 4;
  }

  float64(value: number): void {
    this.reserve(8);
    this.stack.view.setFloat64(this.at + this.length, value);
    this.length += 8;
  }

  /** Pushes what was written as a string. */
  push(): void {
    this.stack.pushRange(this.at, this.length);
    if (this.capacity > KEPT_BYTES) this.clear();
  }
}
