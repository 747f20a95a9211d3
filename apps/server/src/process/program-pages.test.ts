/** What of the program's file stays in memory. */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ProgramPages, releaseProgramPages, unchangedMappings } from "./program-pages.ts";

afterEach(() => vi.restoreAllMocks());

/** An entry of /proc/PID/smaps, of 4 MiB. */
const entry = (head: string, { anonymous = 0 } = {}) => `${head}
Size:               4096 kB
Rss:                2048 kB
Private_Dirty:         0 kB
Anonymous:      ${String(anonymous).padStart(8)} kB
VmFlags: rd ex mr mw me
`;

test("parts of files that can only be read or executed are let go of", () => {
  const smaps =
    entry("00400000-00800000 r--p 00000000 fe:00 1163308                    /opt/node/bin/node") +
    entry("00800000-00c00000 r-xp 00400000 fe:00 1163308                    /opt/node/bin/node");
  expect(unchangedMappings(smaps)).toEqual([
    { start: 0x400000n, end: 0x800000n },
    { start: 0x800000n, end: 0xc00000n },
  ]);
});

test.each([
  ["what was written to", entry("00400000-00800000 r--p 0 fe:00 11 /bin/node", { anonymous: 4 })],
  ["what may be written to", entry("00400000-00800000 rw-p 00000000 fe:00 11 /bin/node")],
  ["what others see", entry("00400000-00800000 r--s 00000000 fe:00 11 /bin/node")],
  ["memory without a file", entry("00400000-00800000 r-xp 00000000 00:00 0 ")],
  ["the heap", entry("00400000-00800000 r--p 00000000 00:00 0 [heap]")],
  ["what is small", entry("00400000-004ff000 r-xp 00000000 fe:00 11 /lib/libc.so.6")],
  ["a text that is none of smaps", "kv\n"],
  ["nothing", ""],
])("%s is left alone", (_, smaps) => {
  expect(unchangedMappings(smaps)).toEqual([]);
});

test("without node:ffi nothing is done", () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  expect(releaseProgramPages()).toBe(0);
});

test("where node:ffi may not be used nothing is done", () => {
  const refusing = {
    dlopen() {
      throw new Error("Access to this API has been restricted");
    },
  };
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(refusing as never);
  expect(releaseProgramPages()).toBe(0);
});

test("beside much else they are left alone", () => {
  vi.spyOn(process.memoryUsage, "rss").mockReturnValue(2 ** 30);
  expect(releaseProgramPages()).toBe(0);
});

test("they are let go of once in each rest", () => {
  let times = 0;
  const pages = new ProgramPages(() => ++times);
  const follow = (isAtRest: boolean) => {
    pages.follow(isAtRest);
    return times;
  };
  expect([false, true, true].map(follow)).toEqual([0, 1, 1]);
  expect([false, false, true, true].map(follow)).toEqual([1, 1, 2, 2]);
});

test("what could not be let go of is tried again", () => {
  let bytes = 0;
  let times = 0;
  const pages = new ProgramPages(() => {
    times++;
    return bytes;
  });
  for (const isAtRest of [false, true, true, true]) pages.follow(isAtRest);
  expect(times).toBe(3);
  // FLUSHALL
  bytes = 2 ** 26;
  for (const isAtRest of [true, true, true]) pages.follow(isAtRest);
  expect(times).toBe(4);
});

/** Kilobytes of unchanged parts of files that are in memory. */
function residentFileKb(): number {
  const smaps = readFileSync("/proc/self/smaps_rollup", "latin1");
  const of = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(smaps)?.[1]);
  return of("Rss") - of("Anonymous");
}

/** What makes it impossible here. */
function whyNone(): string | undefined {
  if (process.platform !== "linux") return "this is not Linux";
  if (!isBuiltin("node:ffi")) return "this Node has no node:ffi";
  return undefined;
}

const reason = whyNone();
if (reason !== undefined) console.warn(`left out: pages of the program (${reason})`);

describe.skipIf(reason !== undefined)("of this process", () => {
  test("most pages go, and it runs on", () => {
    const beforeKb = residentFileKb();
    expect(releaseProgramPages()).toBeGreaterThan(2 ** 20);
    expect(residentFileKb()).toBeLessThan(beforeKb / 2);
    // Once more, with the pieces that are there now.
    expect(releaseProgramPages()).toBeGreaterThan(0);
    expect(new Date(0).toLocaleString("en", { timeZone: "UTC" })).toBe("1/1/1970, 12:00:00 AM");
  });
});
