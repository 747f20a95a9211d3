import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createNodeHost, type NodeHostOptions } from "./node-host.ts";

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

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

test("replaces a file where folders cannot be synced, as on Windows and on shares", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-host-"));
  const { fsyncSync } = fs;
  const sync = vi.spyOn(fs, "fsyncSync").mockImplementation((descriptor) => {
    if (!fs.fstatSync(descriptor).isDirectory()) return fsyncSync(descriptor);
    throw Object.assign(new Error("EPERM: operation not permitted, fsync"), { code: "EPERM" });
  });
  syncBuiltinESMExports();
  const path = join(folder, "users.acl");
  createNodeHost({ folder } as NodeHostOptions).writeText(path, "user default on");
  expect(readFileSync(path, "latin1")).toBe("user default on");
  expect(sync).toHaveBeenCalledTimes(2);
  rmSync(folder, { recursive: true });
});
