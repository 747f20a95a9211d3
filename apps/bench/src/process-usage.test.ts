import { describe, expect, test } from "vitest";
import {
  parseMachineTicks,
  parseOwnTicks,
  parseProportionalBytes,
  parseSchedstat,
  parseWaits,
} from "./process-usage.ts";

describe("what /proc says", () => {
  test("the first number of schedstat is time on a core", () => {
    expect(parseSchedstat("162918 3309 2\n")).toBe(162918);
  });

  test("idle and waiting for a disk are not busy; stolen time is", () => {
    const stat = "cpu  100 20 3 9999 8888 4 5 600 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
    expect(parseMachineTicks(stat)).toBe(100 + 20 + 3 + 4 + 5 + 600);
  });

  test("a process may call itself `a) b`, and waited-for children count", () => {
    const stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 1 0 5 6 7";
    expect(parseOwnTicks(stat)).toBe(11 + 22 + 33 + 44);
  });

  test("the proportional size is the Pss line, not its parts", () => {
    const rollup = "Rss:  900 kB\nPss:  450 kB\nPss_Anon:  1 kB\n";
    expect(parseProportionalBytes(rollup)).toBe(450 * 1024);
    expect(parseProportionalBytes("")).toBeNaN();
  });

  test("waits are the voluntary switches, not the others", () => {
    const status = "Threads:\t7\nvoluntary_ctxt_switches:\t105\nnonvoluntary_ctxt_switches:\t9\n";
    expect(parseWaits(status)).toBe(105);
    expect(parseWaits(status.replace("voluntary", "other"))).toBeNaN();
  });
});
