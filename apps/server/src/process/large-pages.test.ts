/** Large pages for user data, where the operating system has them. */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ffi } from "./c-library.ts";
import { LargePages } from "./large-pages.ts";

afterEach(() => vi.restoreAllMocks());

const MEBIBYTE = 2 ** 20;
const quick = () => new LargePages(() => 0);

test("without node:ffi nothing is asked for", () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  expect(quick().ask(new ArrayBuffer(16 * MEBIBYTE), 0, 16 * MEBIBYTE)).toBe(0);
});

test("where node:ffi may not be used nothing is asked for", () => {
  const refusing = {
    getRawPointer() {
      throw new Error("Access to this API has been restricted");
    },
  };
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(refusing as never);
  expect(quick().ask(new ArrayBuffer(16 * MEBIBYTE), 0, 16 * MEBIBYTE)).toBe(0);
});

/** Flags of the mapping that the address lies in, as proc(5) has them. */
function flagsAt(address: bigint): string[] {
  let isIt = false;
  for (const line of readFileSync("/proc/self/smaps", "latin1").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (range !== null)
      isIt = address >= BigInt(`0x${range[1]}`) && address < BigInt(`0x${range[2]}`);
    if (isIt && line.startsWith("VmFlags:")) return line.split(/\s+/);
  }
  return [];
}

/** What a kernel without huge pages does not know. */
function whyNone(): string | undefined {
  if (process.platform !== "linux") return "this is not Linux";
  if (!isBuiltin("node:ffi")) return "this Node has no node:ffi";
  try {
    readFileSync("/sys/kernel/mm/transparent_hugepage/enabled");
  } catch {
    return "this kernel has no transparent huge pages";
  }
  return undefined;
}

const reason = whyNone();
if (reason !== undefined) console.warn(`left out: large pages (${reason})`);

describe.skipIf(reason !== undefined)("of a buffer", () => {
  test("what may have large pages is told, and nothing else of it is different", () => {
    const buffer = new ArrayBuffer(16 * MEBIBYTE);
    const bytes = new Uint8Array(buffer);
    bytes.fill(7, 0, MEBIBYTE);
    const advised = quick().ask(buffer, MEBIBYTE, 16 * MEBIBYTE);
    // All but the ends that share a large page with something else.
    expect(advised % (2 * MEBIBYTE)).toBe(0);
    expect(advised).toBeGreaterThanOrEqual(12 * MEBIBYTE);
    expect(advised).toBeLessThanOrEqual(15 * MEBIBYTE);
    const address = ffi()?.getRawPointer(buffer) as bigint;
    expect(flagsAt(address)).not.toContain("hg");
    expect(flagsAt(address + BigInt(8 * MEBIBYTE))).toContain("hg");
    bytes.fill(8, MEBIBYTE);
    expect(bytes.indexOf(8)).toBe(MEBIBYTE);
    expect(bytes.lastIndexOf(7)).toBe(MEBIBYTE - 1);
  });

  test("which has no room for a large page, none is", () => {
    expect(quick().ask(new ArrayBuffer(MEBIBYTE), 0, MEBIBYTE)).toBe(0);
    expect(quick().ask(new ArrayBuffer(16 * MEBIBYTE), 15 * MEBIBYTE, 16 * MEBIBYTE)).toBe(0);
  });

  test("piece by piece has them all along", () => {
    const buffer = new ArrayBuffer(64 * MEBIBYTE);
    const pages = quick();
    let advised = 0;
    for (let at = MEBIBYTE; at < 64 * MEBIBYTE; at += 9 * MEBIBYTE)
      advised += pages.ask(buffer, at, at + 9 * MEBIBYTE);
    expect(advised).toBeGreaterThanOrEqual(60 * MEBIBYTE);
    expect(advised).toBeLessThanOrEqual(63 * MEBIBYTE);
  });

  test("where the first is dear keeps small ones, and so does what is filled next", () => {
    let nowMs = 0;
    let stepMs = 3;
    const pages = new LargePages(() => {
      nowMs += stepMs;
      return nowMs;
    });
    const buffer = new ArrayBuffer(256 * MEBIBYTE);
    const address = ffi()?.getRawPointer(buffer) as bigint;
    const ask = (at: number) => pages.ask(buffer, at * MEBIBYTE, (at + 32) * MEBIBYTE);
    expect(ask(0)).toBe(0);
    expect(flagsAt(address + BigInt(8 * MEBIBYTE))).toContain("nh");
    stepMs = 0.1;
    expect([ask(32), ask(64), ask(96)]).toEqual([0, 0, 0]);
    expect(flagsAt(address + BigInt(72 * MEBIBYTE))).not.toContain("hg");
    expect(ask(128)).toBe(32 * MEBIBYTE);
    expect(flagsAt(address + BigInt(144 * MEBIBYTE))).toContain("hg");
  });
});
