import { createKeyspace, type Dict } from "@kv/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode, RdbType } from "./format.ts";
import { RdbInput } from "./input.ts";
import { KeyPeek, PEEK_KEYS } from "./key-peek.ts";
import { RdbOutput } from "./output.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A table that calls itself large, and tells which keys were hashed. */
function listening(): { dict: Dict; peeked: string[] } {
  const keyspace = createKeyspace({ random32: () => 42, arena: { segmentBytes: 65536 } });
  const { dict } = keyspace.databases[0];
  const peeked: string[] = [];
  const { hash } = dict;
  dict.hash = (bytes, view, start, end) => {
    peeked.push(new TextDecoder().decode(bytes.subarray(start, end)));
    return hash.call(dict, bytes, view, start, end);
  };
  dict.count = 1_000_000;
  return { dict, peeked };
}

function inputOf(bytes: Uint8Array): RdbInput {
  const input = new RdbInput();
  input.attach(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return input;
}

/** The records from the first one's value on, as they stand in a file. */
function fileOf(records: readonly { key: string; value: string; expiryMs?: number }[]): Uint8Array {
  const parts: number[] = [];
  const output = new RdbOutput((bytes, start, end) => {
    parts.push(...bytes.subarray(start, end));
  });
  records.forEach(({ key, value, expiryMs }, index) => {
    if (index > 0) {
      if (expiryMs !== undefined) {
        output.byte(Opcode.EXPIRETIME_MS);
        output.milliseconds(expiryMs);
      }
      output.byte(RdbType.STRING);
      const bytes = encode(key);
      output.string(bytes, new DataView(bytes.buffer), 0, bytes.length);
    }
    const bytes = encode(value);
    output.string(bytes, new DataView(bytes.buffer), 0, bytes.length);
  });
  output.byte(Opcode.EOF);
  output.word64(0, 0);
  output.flush();
  return Uint8Array.from(parts);
}

describe("KeyPeek", () => {
  test("finds the keys that come, behind strings, integers and expiries", () => {
    const { dict, peeked } = listening();
    const file = fileOf([
      { key: "first", value: "x" },
      { key: "second", value: "12345" },
      { key: "third", value: "y".repeat(20), expiryMs: 1_800_000_000_000 },
      { key: "fourth", value: "z".repeat(1000) },
      { key: "fifth", value: "" },
    ]);
    new KeyPeek().ahead(dict, inputOf(file), RdbType.STRING);
    expect(file.length).toBeLessThan(300); // The fourth value is compressed.
    expect(peeked).toEqual(["second", "third", "fourth", "fifth"]);
  });

  test("stops after as many keys as it has room for", () => {
    const { dict, peeked } = listening();
    const records = Array.from({ length: 3 * PEEK_KEYS }, (_, at) => ({
      key: `k${at}`,
      value: "v",
    }));
    new KeyPeek().ahead(dict, inputOf(fileOf(records)), RdbType.STRING);
    expect(peeked).toEqual(records.slice(1, PEEK_KEYS + 1).map(({ key }) => key));
  });

  test("bears any bytes, and moves nothing", () => {
    const { dict } = listening();
    const file = fileOf(
      Array.from({ length: 40 }, (_, at) => ({ key: `key:${at}`, value: `${"v".repeat(at)}` })),
    );
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.nat(file.length), fc.nat(20), (changed, length, type) => {
        const bytes = file.slice(0, length);
        for (const [at, byte] of changed) if (at < length) bytes[at] = byte;
        const input = inputOf(bytes);
        new KeyPeek().ahead(dict, input, type);
        expect([input.at, input.end]).toEqual([0, length]);
      }),
    );
  });
});
