import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { Log } from "./log.ts";
import { announceStart, findSupervisor, notifySystemd } from "./supervised.ts";

afterEach(() => vi.unstubAllEnvs());

const file = (folder: { path: string }) => join(folder.path, "log");
const logOf = (folder: { path: string }) =>
  new Log({ file: () => file(folder), level: () => "notice", role: () => "C" });

describe("supervised", () => {
  test.each([
    ["no", { NOTIFY_SOCKET: "/run/n" }, "no"],
    ["auto", {}, "no"],
    ["auto", { NOTIFY_SOCKET: "/run/n" }, "systemd"],
    ["auto", { UPSTART_JOB: "kv", NOTIFY_SOCKET: "/run/n" }, "upstart"],
    ["systemd", {}, "systemd"],
    ["upstart", {}, "upstart"],
  ])("%s with %j is %s", (directive, env, expected) => {
    expect(findSupervisor(directive, env)).toBe(expected);
  });

  test("a supervisor that is not there is said", () => {
    using folder = temporaryFolder();
    vi.stubEnv("NOTIFY_SOCKET", undefined);
    expect(announceStart("systemd", logOf(folder))).toBe(false);
    expect(readFileSync(file(folder), "utf8")).toContain("NOTIFY_SOCKET not found!");
  });

  test("systemd is told through its tool, and nobody waits for that", async () => {
    using folder = temporaryFolder();
    const tool = join(folder.path, "systemd-notify");
    const said = join(folder.path, "said");
    writeFileSync(tool, `#!/bin/sh\nsleep 0.2\necho "$@" > "${said}"\n`);
    chmodSync(tool, 0o755);
    vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "READY=1", "All is well", logOf(folder));
    expect(existsSync(said)).toBe(false);
    await vi.waitFor(
      () =>
        expect(readFileSync(said, "utf8")).toBe(
          `--pid=${process.pid} READY=1 STATUS=All is well\n`,
        ),
      5000,
    );
  });

  test("without the tool the log says so", async () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "READY=1", "Ready", logOf(folder));
    await vi.waitFor(
      () => expect(readFileSync(file(folder), "utf8")).toContain("systemd-notify is missing"),
      5000,
    );
  });
});
