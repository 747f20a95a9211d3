/**
 * Standard output is a pipe, as containers have it, and whoever reads it has stopped: the lines go and the
 * server stays. Redis waits for the reader.
 */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@kv/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { programs } from "./both-servers.ts";

/** A PING of a client of its own; that it came and went is two lines of the log. */
function ping(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString("latin1"));
    });
    socket.on("error", reject);
  });
}

test.skipIf(process.platform === "win32")(
  "a log that nobody reads",
  { timeout: 120_000 },
  async () => {
    const port = await freePort();
    const words = [...programs.ours, "--port", `${port}`, "--save", "", "--loglevel", "debug"];
    const pipeline = spawn("sh", ["-c", `"$0" "$@" 2>/dev/null | sleep 120`, ...words], {
      stdio: "ignore",
      detached: true,
    });
    onTestFinished(() => {
      process.kill(-(pipeline.pid as number), "SIGKILL");
    });
    await vi.waitFor(() => ping(port), { timeout: 10_000, interval: 100 });

    // A pipe takes 64 KiB.
    const startMs = performance.now();
    for (let i = 0; i < 1500; i++) {
      const reply = await Promise.race([ping(port), sleep(10_000, "nothing")]);
      expect(reply).toBe("+PONG\r\n");
    }
    // To wait for a tenth of a second with each line would take minutes.
    expect(performance.now() - startMs).toBeLessThan(60_000);
  },
);
