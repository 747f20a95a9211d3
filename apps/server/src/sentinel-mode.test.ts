import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isSentinel } from "./sentinel-mode.ts";
import {
  ask,
  freePort,
  killedAfterEach,
  runServer,
  temporaryFolder,
} from "./testing/server-process.ts";

test.each([
  ["/usr/bin/kv-sentinel", true],
  ["/usr/bin/redis-sentinel", true],
  ["/opt/kv/bin/kv-sentinel.mjs", true],
  ["C:\\kv\\kv-sentinel.mjs", true],
  ["redis-sentinel", true],
  ["/usr/bin/kv-server.mjs", false],
  ["/kv-sentinel/kv-server.mjs", false],
  ["/usr/bin/my-redis-sentinel", false],
])("the name %s: %s", (path, answer) => {
  expect(isSentinel(false, path)).toBe(answer);
  expect(isSentinel(true, path)).toBe(true);
});

describe("a sentinel", () => {
  const running = killedAfterEach();

  function run(folder: string, ...args: readonly string[]) {
    const server = runServer(args, { folder });
    running.push(server);
    return server;
  }

  /** Nobody connects: a port may be taken meanwhile. */
  const nowhere = ["--port", "0", "--unixsocket", "socket"];

  test("needs a configuration file", async () => {
    using folder = temporaryFolder();
    const server = run(folder.path, "--sentinel", ...nowhere);
    expect(await server.ended).toBe(1);
    expect(server.stdout()).toContain(
      "Sentinel needs config file on disk to save state. Exiting...",
    );
  });

  test("says which line cannot be had", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "s.conf"), "sentinel auth-pass mymaster x\n");
    const server = run(folder.path, "s.conf", "--sentinel", ...nowhere);
    expect(await server.ended).toBe(1);
    expect(server.stdout()).toContain(
      "sentinel auth-pass mymaster x: No such master with specified name.",
    );
  });

  test("tells its scripts, serves clients, and ends in good order without data files", async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    const script = join(folder.path, "notify");
    const told = join(folder.path, "told");
    writeFileSync(script, `#!/bin/sh\necho "$@" >> ${told}\n`);
    chmodSync(script, 0o755);
    const file = join(folder.path, "s.conf");
    writeFileSync(
      file,
      `port ${port}\nsentinel monitor mymaster 127.0.0.1 ${await freePort()} 1\nsentinel notification-script mymaster ${script}\n`,
    );
    const server = run(folder.path, "s.conf", "--sentinel", "--save", "1 1");
    await server.says("Ready to accept connections");
    expect(server.stdout()).toMatch(/:X .* Running mode=sentinel, port=/);
    expect(await ask(port, "SENTINEL CKQUORUM mymaster")).toMatch(/^\+OK 1 usable/);
    await server.says("+monitor master mymaster");
    for (let turn = 0; turn < 100; turn++) {
      if (textOf(told).includes("+monitor")) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(textOf(told)).toMatch(/^\+monitor master mymaster 127\.0\.0\.1 \d+ quorum 1\n/);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    expect(textOf(join(folder.path, "dump.rdb"))).toBe("");
    expect(textOf(file)).toMatch(
      /^port \d+\nsentinel monitor .*\nsentinel notification-script .*\n/,
    );
  });
});

/** Of a file that may not be there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
