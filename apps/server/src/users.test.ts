/** Users of a server that runs as a process: what only its command line and a real disk can show. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  ask,
  freePort,
  killedAfterEach,
  runServer,
  temporaryFolder,
} from "./testing/server-process.ts";

const running = killedAfterEach();

async function run(args: readonly string[], folder: string) {
  const port = await freePort();
  const words = [...args, "--port", String(port), "--bind", "127.0.0.1", "--save", ""];
  const server = runServer(words, { folder });
  running.push(server);
  return { ...server, port };
}

test("a user who is on the command line twice stops the start", async () => {
  using folder = temporaryFolder();
  const { ended, stderr } = await run(["--user", "foo", "--user", "foo"], folder.path);
  expect(await ended).toBe(1);
  expect(stderr()).toContain("Duplicate user found.");
});

test("an ACL file that is wrong stops the start, and all that is wrong is told", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "users.acl"), "user a on\nuser a off\nuser b +nope\n");
  const { ended, stdout } = await run(["--aclfile", "users.acl"], folder.path);
  expect(await ended).toBe(1);
  expect(stdout()).toContain(
    "Aborting Redis startup because of ACL errors: WARNING: Duplicate user 'a' found on line 2. " +
      "users.acl:3: Error in applying operation '+nope': Unknown command or category name in ACL. ",
  );
});

test("an aclfile lies in dir, and ACL SAVE puts a whole file in its place", async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  mkdirSync(data);
  const file = join(data, "users.acl");
  writeFileSync(file, "user default on nopass ~* &* +@all\nuser alice on >a +ping\n");
  const inode = statSync(file).ino;
  const { port, says } = await run(["--dir", "data", "--aclfile", "users.acl"], folder.path);
  await says("Ready to accept connections tcp");
  expect(await ask(port, "AUTH alice a")).toBe("+OK\r\n");
  expect(await ask(port, "ACL SETUSER bob on >b +ping ~b*")).toBe("+OK\r\n");
  expect(await ask(port, "ACL SAVE")).toBe("+OK\r\n");
  expect(readdirSync(data).filter((name) => name.includes("acl"))).toEqual(["users.acl"]);
  expect(statSync(file).ino).not.toBe(inode);
  const names = Array.from(
    readFileSync(file, "latin1").matchAll(/^user (\S+)/gm),
    ([, name]) => name,
  );
  expect(names).toEqual(["alice", "bob", "default"]);
  expect(await ask(port, "ACL LOAD")).toBe("+OK\r\n");
  expect(await ask(port, "AUTH bob b")).toBe("+OK\r\n");
});
