/** The README's server has to run as it stands there. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Reply, ReplyError } from "./reply.ts";
import { ReplyParser } from "./reply-parser.ts";
import { encodeRequest } from "./request-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "resp-readme-"));
let server: ChildProcess | undefined;

afterAll(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function startExample(): Promise<number> {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1];
  const entry = new URL("./index.ts", import.meta.url).href;
  const file = join(folder, "server.ts");
  writeFileSync(file, example.replace('"@kv/resp"', JSON.stringify(entry)));

  const child = spawn(process.execPath, [file, "0"]);
  server = child;
  return new Promise((resolve, reject) => {
    let trouble = "";
    child.stderr.on("data", (text) => {
      trouble += text;
    });
    child.on("exit", () => reject(new Error(trouble)));
    child.stdout.on("data", (text) => resolve(Number(/port: (\d+)/.exec(`${text}`)![1])));
  });
}

test("the example in the README is a server that works", async () => {
  const port = await startExample();
  const replies: Reply[] = [];
  await new Promise<void>((resolve, reject) => {
    const parser = new ReplyParser();
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Uint8Array) => {
      parser.feed(chunk);
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        replies.push(reply);
      }
    });
    const value = "v".repeat(200_000);
    socket.write(encodeRequest(["set", "k", value]));
    socket.write(encodeRequest(["GET", "k"]));
    socket.write("PING\r\n");
    socket.write(encodeRequest(["HELLO", 3]));
    for (let i = 0; i < 1000; i++) socket.write(encodeRequest(["SET", `n${i}`, i]));
    socket.write(encodeRequest(["GET", "n999"]));
    socket.write(encodeRequest(["DEL", "k"]));
    socket.write(encodeRequest(["GET", "k"]));
    socket.write(encodeRequest(["NOPE"]));
    socket.write("*1\r\n!\r\n");
  });
  expect(replies.slice(0, 4)).toEqual([
    "OK",
    "v".repeat(200_000),
    "PONG",
    new Map([["server", "screenful"]]),
  ]);
  expect(replies.slice(4, 1004).every((reply) => reply === "OK")).toBe(true);
  expect(replies.slice(1004)).toEqual([
    "999",
    1,
    null,
    new ReplyError("ERR unknown command 'NOPE', or not with 0 arguments"),
    new ReplyError("ERR Protocol error: expected '$', got '!'"),
  ]);
});
