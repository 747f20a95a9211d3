/**
 * ACL files, as redis-server reads and writes them: what it takes, in which words it refuses the
 * rest, and what becomes of the users and of who is connected.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigStore } from "@kv/config";
import { FakeHost, hasRedisServer, ServerProcess, TestClient, type WireClient } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine, type Engine } from "../../engine.ts";

const digest = "0123456789abcdef".repeat(4);
const files = [
  "",
  "\n \n\t\r\n",
  "user default on nopass ~* &* +@all",
  "user alice on >pw ~a* +@read -get\nuser bob off\n",
  `user alice on #${digest} %R~a %W~b resetchannels &c -@all +get (~x +set) (&y -@all +@hash)\n`,
  "user alice on (+get ~a) ( +set  ~b ) ()\r\n",
  "  user alice on nopass\t\n\tuser bob reset on\n",
  "user  on\n",
  "user\n",
  "user alice",
  "USER alice on\n",
  "users alice on\n",
  "# user alice on\n",
  "user alice on\nuser bob on\nuser alice off\n",
  "user default on\nuser default off\n",
  "user a\tb on\n",
  "user alice on +nope -nada +@none\n",
  "user alice foo bar ~* ~a &* &b\n",
  "user alice +nope foo +nada bar\n",
  "user alice (+get ~a\n",
  "user alice (+get ~a\nuser bob foo\n",
  "user alice (+get foo)\nuser bob (+nope)\n",
  "user alice >\n",
  `user alice #${digest.slice(1)}\n`,
  "user alice <nope\n",
  'user alice on ~"a b"\n',
  'user "alice" on ~a\n',
  "user alice on +select|0 +config|get -config|set\n",
  "user __proto__ on nopass\nuser constructor on nopass\nuser \xff on\n",
];

/** 7.0 keeps silent of the default, and shows the rules about commands in its own order. */
const comparable = (reply: string) =>
  reply
    .replaceAll(" sanitize-payload", "")
    .replace(/\$\d+\r\n/g, "")
    .replace(/[+-]@all[^\r)]*/g, "(commands)");

describe.runIf(hasRedisServer())("against redis-server", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-acl-"));
  const path = join(folder, "users.acl");
  let redis: ServerProcess;
  let host: FakeHost;
  let engine: Engine;
  let kv: TestClient;
  let client: WireClient;

  beforeAll(async () => {
    writeFileSync(path, "user default on nopass ~* &* +@all\n");
    redis = await ServerProcess.start({ config: { aclfile: path } });
    client = await redis.connect();
    host = new FakeHost(1);
    host.texts.set(path, "user default on nopass ~* &* +@all\n");
    const config = new ConfigStore(undefined, { options: { aclfile: path } });
    engine = createEngine({ host, config });
    kv = new TestClient(engine, 50000);
  });
  afterAll(async () => {
    await redis?.stop();
    rmSync(folder, { recursive: true });
  });

  function ours(...words: string[]): string {
    kv.takeRaw();
    kv.send(...words);
    return kv.takeRaw();
  }

  test.each(files.map((text) => ({ text })))("$text", async ({ text }) => {
    writeFileSync(path, text, "latin1");
    host.texts.set(path, text);
    // The default user is always whole, so that everybody goes on.
    const isWhole = !/user default/.test(text);
    expect(ours("ACL", "LOAD")).toBe(await client.request("ACL", "LOAD"));
    expect(comparable(ours("ACL", "LIST"))).toBe(comparable(await client.request("ACL", "LIST")));
    expect(ours("ACL", "USERS")).toBe(await client.request("ACL", "USERS"));
    if (!isWhole) return;
    expect(ours("ACL", "SAVE")).toBe(await client.request("ACL", "SAVE"));
    const saved = host.texts.get(path) ?? "";
    expect(comparable(saved)).toBe(comparable(readFileSync(path, "latin1")));
    // Each reads what the other has written.
    const listed = ours("ACL", "LIST");
    host.texts.set(path, readFileSync(path, "latin1"));
    writeFileSync(path, saved, "latin1");
    expect(ours("ACL", "LOAD")).toBe(await client.request("ACL", "LOAD"));
    expect(comparable(ours("ACL", "LIST"))).toBe(comparable(listed));
    expect(comparable(await client.request("ACL", "LIST"))).toBe(comparable(listed));
  });

  test("LOAD closes who acts as another user than default, changed or not, and no other", async () => {
    const text = "user alice on nopass ~* &* +@all\nuser bob on nopass ~* &* +@all\n";
    writeFileSync(path, text);
    host.texts.set(path, text);
    expect(ours("ACL", "LOAD")).toBe(await client.request("ACL", "LOAD"));
    const closed: Record<string, boolean[]> = {};
    for (const name of ["alice", "bob", "default"]) {
      const their = await redis.connect();
      const our = new TestClient(engine, 50001);
      expect(await their.request("AUTH", name, "x")).toBe("+OK\r\n");
      expect(our.send("AUTH", name, "x")).toBe("OK");
      expect(await client.request("ACL", "LOAD")).toBe(ours("ACL", "LOAD"));
      their.write("PING\r\n");
      const answers = await their.replies(1, 5000);
      closed[name] = [answers !== "+PONG\r\n", our.closed];
    }
    expect(closed).toEqual({ alice: [true, true], bob: [true, true], default: [false, false] });
  });
});
