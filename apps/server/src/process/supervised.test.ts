import { chmodSync, readFileSync, writeFileSync } from "node:fs";
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

  test("systemd is told through its tool", () => {
    using folder = temporaryFolder();
    const tool = join(folder.path, "systemd-notify");
    writeFileSync(tool, `#!/bin/sh\necho "$@" > "${folder.path}/said"\n`);
    chmodSync(tool, 0o755);
    vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "--ready", "Ready", logOf(folder));
    expect(readFileSync(join(folder.path, "said"), "utf8")).toBe(
      `--pid=${process.pid} --ready --status=Ready\n`,
    );
  });

  test("without the tool the log says so", () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "--ready", "Ready", logOf(folder));
    expect(readFileSync(file(folder), "utf8")).toContain("systemd-notify is missing");
  });
});
