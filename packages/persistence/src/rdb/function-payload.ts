/**
 * The payload of FUNCTION DUMP and FUNCTION RESTORE: all libraries, as an RDB file has them.
 *
 *      { F5 | code as a string }...  | RDB version u16 | CRC-64 of all before it, 8 bytes
 *
 * Example without a library, under version 10: 0A 00 | 5D 9B 5C 40 0F 7F A2 DA. All numbers are little-endian.
 */
import {
  Opcode,
  PAYLOAD_FOOTER_BYTES,
  RDB_VERSION_DEFAULT,
  type RdbWriteVersion,
} from "./format.ts";
import { RdbInput, RdbString, Status } from "./input.ts";
import { RdbOutput } from "./output.ts";

/** The payload of libraries with these codes: a new array. */
export function dumpFunctions(
  codes: readonly Uint8Array[],
  version: RdbWriteVersion = RDB_VERSION_DEFAULT,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const output = new RdbOutput((bytes, start, end) => parts.push(bytes.subarray(start, end)));
  for (const code of codes) {
    output.byte(Opcode.FUNCTION2);
    output.wholeString(code);
  }
  output.footer(version);
  const payload = new Uint8Array(output.writtenBytes);
  let at = 0;
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  return payload;
}

/** The codes in a payload that verifyPayload() has found right; a text: why there are none. */
export function readFunctions(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array[] | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const input = new RdbInput();
  const code = new RdbString();
  const codes: Uint8Array[] = [];
  input.attach(bytes, view, start, end - PAYLOAD_FOOTER_BYTES);
  while (input.byte() === Status.OK) {
    if (input.number === Opcode.FUNCTION_PRE_GA) return "Pre-GA function format not supported";
    if (input.number !== Opcode.FUNCTION2) return "given type is not a function";
    if (input.string(code) !== Status.OK) return "Failed loading library code";
    codes.push(code.bytes.slice(code.start, code.end));
  }
  return codes;
}
