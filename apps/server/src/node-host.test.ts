import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createNodeHost, type NodeHostOptions } from "./node-host.ts";

test("tells whether there is a process of a number, be it somebody else's", async () => {
  const host = createNodeHost({ folder: undefined } as NodeHostOptions);
  const child = spawn(process.execPath, ["--eval", ""]);
  const { pid } = child;
  if (pid === undefined) throw new Error("no process could be started");
  expect([process.pid, pid].map((number) => host.isProcess?.(number))).toEqual([true, true]);
  await once(child, "close");
  expect(host.isProcess?.(pid)).toBe(false);
  // More than a process can have: whose file that is nobody knows, so it is not taken for a dead one's.
  expect(host.isProcess?.(2 ** 40)).toBe(true);
});
