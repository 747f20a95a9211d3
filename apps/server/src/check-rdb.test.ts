import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkRdb } from "./check-rdb.ts";

const folder = mkdtempSync(join(tmpdir(), "kv-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

let printed = "";
let complained = "";
beforeEach(() => {
  printed = "";
  complained = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    complained += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function fileOf(content: string): string {
  const path = join(folder, "dump.rdb");
  writeFileSync(path, content, "latin1");
  return path;
}

describe("kv-check-rdb", () => {
  test("says that a file is good", () => {
    const path = fileOf(`REDIS0003\xfe\0\0\x01k\x01v\xff`);
    expect(checkRdb([path])).toBe(0);
    expect(printed.split("\n")).toEqual([
      `[offset 0] Checking RDB file ${path}`,
      "[offset 11] Selecting DB ID 0",
      "[offset 17] \\o/ RDB looks OK! \\o/",
      "[info] 1 keys read",
      "[info] 0 expires",
      "[info] 0 already expired",
      "",
    ]);
  });

  test("says where a file is damaged", () => {
    expect(checkRdb([fileOf("REDIS0010\x77")])).toBe(1);
    expect(printed).toContain("--- RDB ERROR DETECTED ---\n[offset 10] Invalid object type: 119\n");
  });

  test("says when there is no such file", () => {
    expect(checkRdb([join(folder, "missing.rdb")])).toBe(1);
    expect(complained).toContain("No such file or directory");
    expect(checkRdb([folder])).toBe(1);
    expect(complained).toContain("Is a directory");
  });

  test("explains itself when called wrongly", () => {
    expect(checkRdb([])).toBe(1);
    expect(checkRdb(["a", "b"], "redis-check-rdb")).toBe(1);
    expect(complained).toBe(
      "Usage: kv-check-rdb <rdb-file-name>\nUsage: redis-check-rdb <rdb-file-name>\n",
    );
  });
});
