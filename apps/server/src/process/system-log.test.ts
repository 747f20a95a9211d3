import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { receiveNotifications, whyNoReceiver } from "../testing/notify-receiver.ts";
import { temporaryFolder } from "../testing/server-process.ts";
import { Log } from "./log.ts";
import { SystemLog, type SystemLogOptions } from "./system-log.ts";

/** A log on standard output that nobody sees, and what it hands on. */
function loggingTo(options: Partial<SystemLogOptions>) {
  const warnings: string[] = [];
  const systemLog: SystemLog = new SystemLog({
    isEnabled: () => true,
    ident: () => "redis",
    facility: () => "local0",
    warn: (message) => {
      warnings.push(message);
      log.warning(message);
    },
    ...options,
  });
  const log: Log = new Log({
    file: () => "/dev/null",
    level: () => "verbose",
    role: () => "M",
    further: (level, message) => systemLog.write(level, message),
  });
  return { log, warnings };
}

function sent(options: Partial<SystemLogOptions> = {}) {
  const lines: string[] = [];
  const send = (socket: string, message: Uint8Array) =>
    lines.push(`${socket} ${Buffer.from(message).toString("latin1")}`) > 0;
  return { lines, ...loggingTo({ send, ...options }) };
}

describe("the system logger", () => {
  test("gets what the log gets: with priority, name and process id, and as many bytes", () => {
    vi.useFakeTimers({ now: new Date(2026, 0, 3, 4, 5, 6) });
    const { log, lines } = sent();
    log.notice("k\xff");
    log.warning("beware");
    log.write("verbose", "well");
    log.debug("is not logged at this level");
    vi.useRealTimers();
    const head = (priority: number) =>
      `/dev/log <${priority}>Jan  3 04:05:06 redis[${process.pid}]: `;
    expect(lines).toEqual([`${head(133)}k\xff`, `${head(132)}beware`, `${head(134)}well`]);
  });

  test.each([
    ["user", 13],
    ["local0", 133],
    ["local7", 189],
  ])("as %s: priority %d", (facility, priority) => {
    const { log, lines } = sent({ facility: () => facility, ident: () => "kv" });
    log.notice("hello");
    expect(lines[0]).toContain(`<${priority}>`);
    expect(lines[0]).toContain(` kv[${process.pid}]: hello`);
  });

  test("gets nothing unless it is asked for", () => {
    const { log, lines } = sent({ isEnabled: () => false });
    log.notice("hello");
    expect(lines).toEqual([]);
  });

  test("that does not listen is said once", () => {
    using folder = temporaryFolder();
    const { log, warnings } = loggingTo({ socket: join(folder.path, "nobody") });
    log.notice("hello");
    log.notice("hello?");
    expect(warnings).toEqual([
      expect.stringMatching(/^'syslog-enabled' has no effect: nobody takes .*nobody, or/),
    ]);
  });
});

const reason = isBuiltin("node:ffi") ? whyNoReceiver() : "this Node has no node:ffi";
if (reason !== undefined) console.warn(`left out: a socket of a system logger (${reason})`);

test.skipIf(reason !== undefined)("a real socket gets the line from this process", async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, "log");
  using receiver = await receiveNotifications(socket);
  const { log, warnings } = loggingTo({ socket });
  log.notice("hello");
  await vi.waitFor(() => expect(receiver.messages).toHaveLength(1), 5000);
  expect(receiver.messages[0]).toMatch(
    new RegExp(
      `^${process.pid} <133>\\w{3} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d redis\\[${process.pid}\\]: hello$`,
    ),
  );
  expect(warnings).toEqual([]);
});
