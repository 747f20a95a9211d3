/**
 * Who may read and write what the server leaves on the disk: the same as of redis-server, whatever umask it was
 * started with. And that what is no file at all is not made one.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, ServerProcess } from "@kv/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { programs } from "./both-servers.ts";

const folders: string[] = [];
const running: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The modes of all files by their names, with no numbers in them, once each of them was written. */
async function modesOf(program: readonly string[], umask: string): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "kv-modes-"));
  folders.push(folder);
  mkdirSync(join(folder, "data"), { mode: 0o755 });
  for (const [name, mode] of [
    ["server.conf", 0o640],
    ["users.acl", 0o640],
  ] as const) {
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), mode);
  }
  const server = await ServerProcess.start({
    program: ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...program],
    args: [join(folder, "server.conf")],
    folder: join(folder, "data"),
    config: {
      appendonly: "yes",
      logfile: "log",
      pidfile: join(folder, "data", "pid"),
      aclfile: join(folder, "users.acl"),
    },
  });
  running.push(server);
  const client = await server.connect();
  const ask = (...words: string[]) => client.request(...words);
  await ask("SET", "k", "v");
  expect(await ask("SAVE")).toMatch(/OK/);
  expect(await ask("ACL", "SAVE")).toMatch(/OK/);
  expect(await ask("CONFIG", "REWRITE")).toMatch(/OK/);
  await ask("BGREWRITEAOF");
  await vi.waitFor(
    async () => expect(await ask("INFO", "persistence")).toMatch(/aof_rewrite_in_progress:0\r\n/),
    10_000,
  );
  const modes: Record<string, string> = {};
  const note = (parent: string) => {
    for (const entry of readdirSync(parent, { withFileTypes: true })) {
      const path = join(parent, entry.name);
      modes[entry.name.replace(/\d+/g, "N")] = (statSync(path).mode & 0o7777).toString(8);
      if (entry.isDirectory() && parent !== folder) note(path);
    }
  };
  note(folder);
  note(join(folder, "data"));
  return modes;
}

describe("files under the umask", () => {
  test.skipIf(!hasRedisServer()).each(["000", "002", "022", "027", "077"])(
    "%s",
    async (umask) => {
      const theirs = await modesOf(programs.redis, umask);
      expect(Object.keys(theirs)).toEqual(
        expect.arrayContaining(["dump.rdb", "log", "pid", "server.conf", "socket", "users.acl"]),
      );
      expect(await modesOf(programs.ours, umask)).toEqual(theirs);
    },
    30_000,
  );
});

describe("a device for the configuration file", () => {
  test("stays a device when the configuration is written to it", async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), "kv-modes-"));
    folders.push(folder);
    const device = join(folder, "null");
    // As /dev/null, which some suites name: only who may make one could lose one.
    if (spawnSync("mknod", [device, "c", "1", "3"]).status !== 0) skip("no right to make a device");
    const server = await ServerProcess.start({
      program: programs.ours,
      args: [device],
      folder,
      config: { unixsocket: null },
    });
    running.push(server);
    const client = await server.connect();
    expect(await client.request("CONFIG", "REWRITE")).toMatch(/OK/);
    expect(statSync(device).isCharacterDevice()).toBe(true);
  });
});
