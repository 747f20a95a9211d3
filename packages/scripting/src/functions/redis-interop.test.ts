/**
 * Files and payloads with libraries, exchanged with redis-server in both directions. Needs its binary; a
 * machine without it says so and passes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ReplyParser } from "@kv/resp";
import { type Harness, harness, hasRedisServer, plain, ServerProcess } from "@kv/testing";
import { afterEach, describe, expect, test } from "vitest";

const libraries = [
  "#!lua name=small\nredis.register_function('one', function() return 1 end)",
  `#!lua name=large\n-- ${"a comment that is long ".repeat(200)}\nredis.register_function{function_name = 'two', callback = function(keys) return redis.call('GET', keys[1]) end, flags = {'no-writes'}, description = 'reads'}`,
];

describe.runIf(hasRedisServer())("with redis-server", { timeout: 30_000 }, () => {
  const servers: ServerProcess[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  async function redis(
    folder?: string,
  ): Promise<(...words: (string | number)[]) => Promise<unknown>> {
    const server = await ServerProcess.start(folder === undefined ? {} : { folder });
    servers.push(server);
    const client = await server.connect();
    return async (...words) => {
      const parser = new ReplyParser({ strings: "latin1" });
      const raw = await client.request(...words);
      parser.feed(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)));
      return plain(parser.next() as never);
    };
  }

  /** Libraries by name, in one order. */
  const sorted = (list: unknown) =>
    (list as unknown[][]).map((each) => JSON.stringify(each)).sort();
  const listed = ["FUNCTION", "LIST", "WITHCODE"] as const;

  function filled(): Harness {
    const kv = harness();
    for (const code of libraries) kv.send("FUNCTION", "LOAD", code);
    kv.send("SET", "k", "v");
    return kv;
  }

  test("our file is loaded by it", async () => {
    const kv = filled();
    kv.send("SAVE");
    await redis();
    const [first] = servers as [ServerProcess];
    const file = join(first.folder, "dump.rdb");
    writeFileSync(file, kv.host.disk.contents("dump.rdb") as Uint8Array);
    const second = await redis(first.folder);
    expect(sorted(await second(...listed))).toEqual(sorted(kv.send(...listed)));
    expect(await second("FCALL_RO", "two", 1, "k")).toBe("v");
  });

  test("its file is loaded by us", async () => {
    const send = await redis();
    for (const code of libraries) await send("FUNCTION", "LOAD", code);
    await send("SET", "k", "v");
    expect(await send("SAVE")).toBe("OK");
    const kv = harness();
    const [server] = servers as [ServerProcess];
    kv.host.disk.put("dump.rdb", Uint8Array.from(readFileSync(join(server.folder, "dump.rdb"))));
    expect(await kv.engine.load()).toBe(true);
    expect(sorted(kv.send(...listed))).toEqual(sorted(await send(...listed)));
    expect(kv.send("FCALL_RO", "two", 1, "k")).toBe("v");
  });

  test("a payload is the same, and each takes the other's", async () => {
    const send = await redis();
    // What is short is not compressed, which is done in more than one way.
    const [short = ""] = libraries;
    const one = harness();
    await send("FUNCTION", "LOAD", short);
    one.send("FUNCTION", "LOAD", short);
    expect(one.send("FUNCTION", "DUMP")).toBe(await send("FUNCTION", "DUMP"));
    const kv = filled();
    expect(await send("FUNCTION", "RESTORE", kv.send("FUNCTION", "DUMP") as string, "FLUSH")).toBe(
      "OK",
    );
    expect(sorted(await send(...listed))).toEqual(sorted(kv.send(...listed)));
    kv.send("FUNCTION", "FLUSH");
    expect(kv.send("FUNCTION", "RESTORE", (await send("FUNCTION", "DUMP")) as string)).toBe("OK");
    expect(sorted(kv.send(...listed))).toEqual(sorted(await send(...listed)));
  });

  test("any byte of a payload that is wrong is refused", () => {
    const kv = filled();
    const payload = kv.send("FUNCTION", "DUMP") as string;
    for (let at = 0; at < payload.length; at += 3) {
      const letter = String.fromCharCode(payload.charCodeAt(at) ^ 1);
      const changed = payload.slice(0, at) + letter + payload.slice(at + 1);
      expect(kv.send("FUNCTION", "RESTORE", changed, "FLUSH")).toBe(
        kv.error("ERR DUMP payload version or checksum are wrong"),
      );
    }
    expect(kv.send("FCALL", "one", 0)).toBe(1);
  });
});
