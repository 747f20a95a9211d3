import { ArenaFullError, bytesOf, Keyspace, NONE, type Ref } from "@kv/core";
import { describe, expect, test } from "vitest";
import { bytesOfText, contentsOf, LIMITS, putField, putString } from "../keyspace-contents.ts";
import { RdbString } from "./input.ts";
import { ObjectReader } from "./object.ts";
import { dumpPayload, readPayload, verifyPayload } from "./payload.ts";

function keyspaceWith(fill: (database: Keyspace["databases"][number]) => void): Keyspace {
  const keyspace = new Keyspace({ random32: () => 3, arena: { segmentBytes: 65536 } });
  fill(keyspace.databases[0]);
  return keyspace;
}

function entryOf(keyspace: Keyspace, key: string): Ref {
  const bytes = bytesOfText(key);
  return keyspace.databases[0].findKey(bytes, new DataView(bytes.buffer), 0, bytes.length);
}

function keyOf(text: string): RdbString {
  const bytes = bytesOfText(text);
  const key = new RdbString();
  key.set(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return key;
}

const source = keyspaceWith((database) => {
  putString(database, "ten", "10");
  putString(database, "text", "some text that repeats, that repeats, that repeats");
  putField(database, "hash", "f", "v");
  putField(database, "hash", "g", "12");
  putField(database, "table", "f", "v".repeat(65));
});

describe("a payload", () => {
  test("is what Redis 7.0 makes of the same value", () => {
    const payload = dumpPayload(source.arena, entryOf(source, "ten"));
    // DUMP of a key that was SET to 10, on redis-server 7.0.15.
    expect(Buffer.from(payload).toString("hex")).toBe("00c00a0a006e9f57450eae63bb");
  });

  test.each(["ten", "text", "hash", "table"])("of %s becomes a key again", (name) => {
    const payload = dumpPayload(source.arena, entryOf(source, name), 11);
    expect(verifyPayload(payload, 0, payload.length)).toBe(true);
    const target = keyspaceWith(() => {});
    const reader = new ObjectReader(target, LIMITS);
    const key = keyOf("copy");
    expect(readPayload(reader, key, payload, 0, payload.length, 5000)).toBe("");
    expect(reader.store(target.databases[0], key, 5000, 0)).not.toBe(NONE);
    target.check();
    const { value } = contentsOf(source).get(`0:${name}`) ?? {};
    expect(contentsOf(target).get("0:copy")).toEqual({ value, expiryMs: 5000 });

    // A second time the key is there already, and nothing is left over.
    const blocks = target.arena.blockCount;
    readPayload(reader, key, payload, 0, payload.length);
    expect(reader.store(target.databases[0], key, -1, 0)).toBe(NONE);
    expect(target.arena.blockCount).toBe(blocks);
  });

  test("for which there is no room leaves nothing behind", () => {
    const large = keyspaceWith((database) => {
      for (let i = 0; i < 30; i++) putField(database, "h", `f${i}`, "v".repeat(60_000));
    });
    const payload = dumpPayload(large.arena, entryOf(large, "h"));
    const small = { segmentBytes: 2 ** 20, limitBytes: 2 ** 20 };
    const target = new Keyspace({ random32: () => 3, arena: small });
    const blocks = target.arena.blockCount;
    const reader = new ObjectReader(target, LIMITS);
    const read = () => readPayload(reader, keyOf("copy"), payload, 0, payload.length);
    expect(read).toThrow(ArenaFullError);
    expect(target.arena.blockCount).toBe(blocks);
    target.check();
  });

  test("with any byte changed, or cut anywhere, is not verified", () => {
    const payload = dumpPayload(source.arena, entryOf(source, "hash"));
    for (let at = 0; at < payload.length; at++) {
      const changed = payload.slice();
      changed[at] ^= 0x10;
      expect(verifyPayload(changed, 0, changed.length)).toBe(false);
      expect(verifyPayload(payload, 0, at)).toBe(false);
    }
  });

  test("that was not verified is read with the same care", () => {
    const target = keyspaceWith(() => {});
    const blocks = target.arena.blockCount;
    const reader = new ObjectReader(target, LIMITS);
    for (const name of ["text", "hash", "table"]) {
      const payload = dumpPayload(source.arena, entryOf(source, name));
      for (let at = 0; at < payload.length; at++) {
        for (const change of [1, 0x10, 0x80, 0xff]) {
          const changed = payload.slice();
          changed[at] ^= change;
          readPayload(reader, keyOf("k"), changed, 0, changed.length);
          reader.discard();
          expect(target.arena.blockCount).toBe(blocks);
        }
      }
    }
  });

  test.each([
    { why: "no elements", bytes: [4, 0], refusal: "the value has no elements" },
    { why: "too few bytes", bytes: [4, 1, 1], refusal: "the payload ends too early" },
    { why: "an unknown type", bytes: [8], refusal: "Invalid object type: 8" },
    { why: "nothing", bytes: [], refusal: "the payload is empty" },
  ])("with $why is refused", ({ bytes, refusal }) => {
    const target = keyspaceWith(() => {});
    const payload = Uint8Array.from([...bytes, ...new Array(10).fill(0)]);
    const reader = new ObjectReader(target, LIMITS);
    expect(readPayload(reader, keyOf("k"), payload, 0, payload.length)).toBe(refusal);
  });

  test("of a version to come is not verified", () => {
    const payload = dumpPayload(source.arena, entryOf(source, "ten"));
    payload[payload.length - 10] = 13;
    expect(verifyPayload(payload, 0, payload.length)).toBe(false);
  });

  test("leaves the value that it was made of alone", () => {
    const entry = entryOf(source, "hash");
    const before = bytesOf(source.arena, entry).slice();
    dumpPayload(source.arena, entry);
    expect(bytesOf(source.arena, entry)).toEqual(before);
  });
});
