/**
 * The payload of DUMP and RESTORE: one value, its version and a checksum.
 *
 *      type | value as in an RDB file | RDB version u16 | CRC-64 of all before it, 8 bytes
 *
 * Example, the string "10" under version 10: 00 | C0 0A | 0A 00 | 6E 9F 57 45 0E AE 63 BB. All
 * numbers are little-endian.
 */
import type { Arena, Ref } from "@kv/core";
import { Crc64 } from "./crc64.ts";
import {
  PAYLOAD_FOOTER_BYTES,
  RDB_FIELD_EXPIRY_SINCE,
  RDB_VERSION_DEFAULT,
  RDB_VERSION_MAX,
  RdbType,
  type RdbWriteVersion,
} from "./format.ts";
import { RdbInput, type RdbString, Status } from "./input.ts";
import { type ObjectReader, ObjectWriter } from "./object.ts";
import { RdbOutput } from "./output.ts";
import { isRdbType } from "./values/form-table.ts";

/** The payload of the entry's value: a new array. The version is a later one if the value needs that. */
export function dumpPayload(
  arena: Arena,
  entry: Ref,
  version: RdbWriteVersion = RDB_VERSION_DEFAULT,
): Uint8Array {
  return new PayloadWriter(arena, version).payloadOf(entry);
}

/**
 * Makes one payload after the other, as dumpPayload() makes one. The room that they are put together in is
 * kept, which for a small value is most of the work. After it has thrown it is of no use any more.
 */
export class PayloadWriter {
  private readonly output: RdbOutput;
  private readonly objects: ObjectWriter;
  private readonly version: RdbWriteVersion;
  private parts: Uint8Array[] = [];

  constructor(arena: Arena, version: RdbWriteVersion) {
    this.output = new RdbOutput((bytes, start, end) => this.take(bytes, start, end));
    this.objects = new ObjectWriter(arena, this.output, version);
    this.version = version;
  }

  /** A full chunk is a part of the payload; of another, what is in it. */
  private take(bytes: Uint8Array, start: number, end: number): void {
    if (end - start === bytes.length) {
      this.parts.push(bytes);
      return;
    }
    this.parts.push(bytes.slice(start, end));
    this.output.recycle(bytes);
  }

  /** The payload of the entry's value: a new array. */
  payloadOf(entry: Ref): Uint8Array {
    const { objects, output, version } = this;
    const before = output.writtenBytes;
    output.crc.hi = 0;
    output.crc.lo = 0;
    const type = objects.typeOf(entry);
    const since = type >= RdbType.HASH_METADATA ? RDB_FIELD_EXPIRY_SINCE : version;
    output.byte(type);
    objects.write(entry);
    output.footer(Math.max(version, since));
    const payload = new Uint8Array(output.writtenBytes - before);
    let at = 0;
    for (const part of this.parts) {
      payload.set(part, at);
      at += part.length;
    }
    this.parts = [];
    return payload;
  }
}

/** True when bytes[start, end) end with a version that can be read and the right checksum. */
export function verifyPayload(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < PAYLOAD_FOOTER_BYTES) return false;
  const version = bytes[end - 10] | (bytes[end - 9] << 8);
  if (version > RDB_VERSION_MAX) return false;
  const crc = new Crc64();
  crc.update(bytes, start, end - 8);
  for (let i = 0; i < 8; i++) {
    const half = i < 4 ? crc.lo : crc.hi;
    if (((half >>> ((i & 3) * 8)) & 255) !== bytes[end - 8 + i]) return false;
  }
  return true;
}

/**
 * Reads the value in the payload bytes[start, end) for `key`, which is to have the expiry `expiryMs`
 * or -1. "" when reader.store() can make it the value of that key; otherwise why not. When it is
 * not "", and when it throws for want of room, the reader holds nothing.
 */
export function readPayload(
  reader: ObjectReader,
  key: RdbString,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const input = new RdbInput();
  input.attach(bytes, view, start, end - PAYLOAD_FOOTER_BYTES);
  if (input.byte() !== Status.OK) return "the payload is empty";
  if (!isRdbType(input.number)) return `Invalid object type: ${input.number}`;
  let status: Status;
  try {
    status = reader.begin(input, input.number, key, expiryMs);
    while (status === Status.PART) status = reader.more(input);
  } catch (full) {
    reader.discard();
    throw full;
  }
  if (status === Status.OK) return "";
  reader.discard();
  if (status === Status.BAD) return input.failure;
  return status === Status.EMPTY ? "the value has no elements" : "the payload ends too early";
}
