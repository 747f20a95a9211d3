import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { Log, type Role } from "./log.ts";

function logTo(file: string, initial = "notice") {
  const state = { level: initial, role: "M" as Role };
  const log = new Log({ file: () => file, level: () => state.level, role: () => state.role });
  return { log, state, lines: () => readFileSync(file, "utf8").split("\n").slice(0, -1) };
}

describe("Log", () => {
  test("a line has process, role, time and level", () => {
    using folder = temporaryFolder();
    const { log, state, lines } = logTo(join(folder.path, "log"));
    log.write("notice", "Ready");
    state.role = "S";
    log.write("warning", "Trouble");
    const time = "\\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3}";
    expect(lines()[0]).toMatch(new RegExp(`^${process.pid}:M ${time} \\* Ready$`));
    expect(lines()[1]).toMatch(new RegExp(`^${process.pid}:S ${time} # Trouble$`));
  });

  test.each([
    ["debug", ". - * #"],
    ["verbose", "- * #"],
    ["notice", "* #"],
    ["warning", "#"],
  ])("loglevel %s lets through %s", (level, marks) => {
    using folder = temporaryFolder();
    const { log, lines } = logTo(join(folder.path, "log"), level);
    for (const each of ["debug", "verbose", "notice", "warning"] as const) log.write(each, "text");
    expect(lines().map((line) => line.at(-6))).toEqual(marks.split(" "));
  });

  test("loglevel nothing says nothing", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "log");
    const { log } = logTo(file, "nothing");
    log.warning("text");
    log.raw("picture");
    expect(existsSync(file)).toBe(false);
  });

  test("a file that was renamed is begun anew", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "log");
    const { log, lines } = logTo(file);
    log.notice("first");
    renameSync(file, `${file}.1`);
    log.notice("second");
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain("second");
  });

  test("a FIFO that nobody reads holds nobody up", () => {
    if (process.platform === "win32") return console.log("no FIFOs here: not tested");
    using folder = temporaryFolder();
    const file = join(folder.path, "fifo");
    execFileSync("mkfifo", [file]);
    const { log } = logTo(file);
    log.warning("text");
  });

  test("a FIFO whose reader has stopped is waited for once, and not with every line", () => {
    if (process.platform === "win32") return console.log("no FIFOs here: not tested");
    using folder = temporaryFolder();
    const file = join(folder.path, "fifo");
    execFileSync("mkfifo", [file]);
    const reader = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const { log } = logTo(file);
      log.warning("x".repeat(1 << 20)); // More than a pipe holds.
      const since = performance.now();
      for (let i = 0; i < 50; i++) log.warning("text");
      expect(performance.now() - since).toBeLessThan(2000);
      for (const bytes = Buffer.alloc(1 << 20); readSync(reader, bytes) === bytes.length; );
      log.warning("read again");
      const bytes = Buffer.alloc(1000);
      expect(bytes.toString("latin1", 0, readSync(reader, bytes))).toContain("read again");
    } finally {
      closeSync(reader);
    }
  });

  test("a log that cannot be written is no error", () => {
    const { log } = logTo("/nowhere/log");
    expect(() => log.warning("text")).not.toThrow();
  });
});
