import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

/** All fields that a whole scan returns, in order. */
function scanAll(kv: Harness, ...options: (string | number)[]): string[] {
  const fields: string[] = [];
  let cursor = "0";
  do {
    const [next, part] = kv.send("HSCAN", "h", cursor, ...options) as [string, string[]];
    part.forEach((word, i) => {
      if (i % 2 === 0) fields.push(word);
      else expect(word).toBe(`value of ${fields.at(-1)}`);
    });
    cursor = next;
  } while (cursor !== "0");
  return fields;
}

function filled(count: number): Harness {
  const kv = harness();
  for (let i = 0; i < count; i++) kv.send("HSET", "h", `f${i}`, `value of f${i}`);
  return kv;
}

describe("HSCAN", () => {
  test("returns a small hash in one go, whatever the cursor and the count", () => {
    const kv = filled(20);
    expect(scanAll(kv, "COUNT", 1)).toHaveLength(20);
    const [cursor, part] = kv.send("HSCAN", "h", 77, "COUNT", 1) as [string, string[]];
    expect([cursor, part.length]).toEqual(["0", 40]);
  });

  test("returns every field of a table exactly once while nothing changes", () => {
    const kv = filled(2000);
    const all = Array.from({ length: 2000 }, (_, i) => `f${i}`).sort();
    for (const count of [1, 10, 333, "9223372036854775807"])
      expect(scanAll(kv, "COUNT", count).sort()).toEqual(all);
    const [cursor, part] = kv.send("HSCAN", "h", 0) as [string, string[]];
    expect(cursor).not.toBe("0");
    expect(part.length).toBeLessThan(100);
  });

  test("returns what stays, even when the table grows and shrinks meanwhile", () => {
    const kv = filled(1000);
    const seen = new Set<string>();
    let cursor = "0";
    let step = 0;
    do {
      const [next, part] = kv.send("HSCAN", "h", cursor, "COUNT", 20) as [string, string[]];
      for (let i = 0; i < part.length; i += 2) seen.add(part[i]);
      for (let i = 0; i < 100; i++)
        kv.send(step % 40 < 20 ? "HSET" : "HDEL", "h", `x${(step % 20) * 100 + i}`, "");
      cursor = next;
      step++;
    } while (cursor !== "0");
    for (let i = 0; i < 1000; i++) expect(seen.has(`f${i}`)).toBe(true);
  });

  test("MATCH filters fields; the last one counts", () => {
    const kv = filled(1000);
    expect(scanAll(kv, "MATCH", "f99?", "COUNT", 100).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `f99${i}`),
    );
    expect(scanAll(kv, "match", "x", "match", "*")).toHaveLength(1000);
    expect(scanAll(kv, "MATCH", "none*")).toEqual([]);
  });

  test("NOVALUES leaves the values out, wherever it stands", () => {
    const kv = filled(3);
    const fields = ["f0", "f1", "f2"];
    expect(kv.send("HSCAN", "h", 0, "NOVALUES")).toEqual(["0", fields]);
    expect(kv.send("HSCAN", "h", 0, "novalues", "COUNT", 5, "MATCH", "*[12]")).toEqual([
      "0",
      ["f1", "f2"],
    ]);
    expect(kv.send("HSCAN", "h", 0, "MATCH", "f*", "NOVALUES", "NOVALUES")).toEqual(["0", fields]);
    // The next one has them again.
    expect(kv.send("HSCAN", "h", 0, "MATCH", "f0")).toEqual(["0", ["f0", "value of f0"]]);
    expect(kv.send("HSCAN", "h", 0, "NOVALUES", "COUNT")).toBe(errors.syntax);
    expect(kv.send("SCAN", 0, "NOVALUES")).toBe(errors.syntax);
  });

  test.each(["x", "-", "1x", " 1", "18446744073709551616", "0x1"])("%j is no cursor", (cursor) => {
    expect(harness().send("HSCAN", "none", cursor)).toBe(errors.invalidCursor);
  });

  test.each(["", "+1", "-1", "18446744073709551615", "4294967296"])("%j is one", (cursor) => {
    const kv = filled(1000);
    expect(kv.send("HSCAN", "h", cursor)).toEqual([expect.any(String), expect.any(Array)]);
  });

  test("refuses wrong options, unless there is nothing to scan", () => {
    const kv = filled(1);
    expect(kv.send("HSCAN", "h", 0, "COUNT", 0)).toBe(errors.syntax);
    expect(kv.send("HSCAN", "h", 0, "COUNT", "x")).toBe(errors.notAnInteger);
    expect(kv.send("HSCAN", "h", 0, "COUNT")).toBe(errors.syntax);
    expect(kv.send("HSCAN", "h", 0, "TYPE", "hash")).toBe(errors.syntax);
    expect(kv.send("HSCAN", "none", 0, "COUNT", 0)).toEqual(["0", []]);
    kv.send("SET", "s", "v");
    expect(kv.send("HSCAN", "s", 0, "COUNT", 0)).toBe(errors.wrongType);
  });
});
