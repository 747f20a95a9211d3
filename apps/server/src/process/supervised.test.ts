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
/** A process that cannot reach the socket itself, with all of root's capabilities. */
const mute = { send: () => false, capabilities: () => "000001ffffffffff" };

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

  test("systemd is told by this process where that can be, and by nobody else", () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", "/run/n");
    const sent: string[][] = [];
    const send = (...words: string[]) => sent.push(words) > 0;
    notifySystemd("systemd", "READY=1", "All is well", logOf(folder), { ...mute, send });
    notifySystemd("systemd", "", "All is better", logOf(folder), { ...mute, send });
    notifySystemd("no", "STOPPING=1", "Bye", logOf(folder), { ...mute, send });
    expect(sent).toEqual([
      ["/run/n", "READY=1\nSTATUS=All is well\n"],
      ["/run/n", "STATUS=All is better\n"],
    ]);
    expect(existsSync(file(folder))).toBe(false);
  });

  test("what is only for people is left out where the tool would have to say it", () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", "/run/n");
    notifySystemd("systemd", "", "All is well", logOf(folder), {
      ...mute,
      capabilities: () => "0",
    });
    expect(existsSync(file(folder))).toBe(false);
  });

  test("else through its tool, and nobody waits for that", async () => {
    using folder = temporaryFolder();
    const tool = join(folder.path, "systemd-notify");
    const said = join(folder.path, "said");
    writeFileSync(tool, `#!/bin/sh\nsleep 0.2\necho "$@" > "${said}"\n`);
    chmodSync(tool, 0o755);
    vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "READY=1", "All is well", logOf(folder), mute);
    expect(existsSync(said)).toBe(false);
    await vi.waitFor(
      () =>
        expect(readFileSync(said, "utf8")).toBe(
          `--pid=${process.pid} READY=1 STATUS=All is well\n`,
        ),
      5000,
    );
  });

  test.each([
    ["root", "000001ffffffffff", false],
    ["a user", "0000000000000000", true],
    ["root in a container", "00000000a80425fb", true],
  ])("the log of %s says when the tool may not be listened to", (_who, capabilities, warns) => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    const means = { ...mute, capabilities: () => capabilities };
    notifySystemd("systemd", "READY=1", "Ready", logOf(folder), means);
    const log = existsSync(file(folder)) ? readFileSync(file(folder), "utf8") : "";
    expect(log.includes("only with NotifyAccess=all in the unit")).toBe(warns);
  });

  test("without the tool the log says so", async () => {
    using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    vi.stubEnv("NOTIFY_SOCKET", join(folder.path, "socket"));
    notifySystemd("systemd", "READY=1", "Ready", logOf(folder), mute);
    await vi.waitFor(
      () => expect(readFileSync(file(folder), "utf8")).toContain("systemd-notify is missing"),
      5000,
    );
  });
});
