/**
 * Storms: many connections at once that come, speak and vanish, with every byte of every reply
 * compared; and a process that is killed again and again while it saves. KV_STORM_ROUNDS makes both
 * longer, KV_ODD_SEED repeats a run.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chance, drawnSeed, type ServerProcess } from "@kv/testing";
import { afterEach, describe, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { pause } from "./client-script.ts";

const seed = drawnSeed("KV_ODD_SEED");
const rounds = Number(process.env.KV_STORM_ROUNDS ?? 8);
const CONNECTIONS = 100;

let server: ServerProcess | undefined;
const folders: string[] = [];

afterEach(async () => {
  await server?.stop();
  server = undefined;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Visitor {
  readonly sent: Buffer;
  readonly expected: Buffer;
  /** Reads no more after so many bytes, and vanishes. */
  readonly leavesAfter: number;
}

/** Requests whose replies are known, most of them short, some long; one in five visitors vanishes. */
function visitorOf(chance: Chance, number: number): Visitor {
  const sent: string[] = [];
  const expected: string[] = [];
  const count = 20 + chance.below(60);
  for (let i = 0; i < count; i++) {
    const length = chance.percent(90) ? chance.below(300) : chance.below(100_000);
    const value = chance.of(["a", "\0", "\r\n", "\xff"]).repeat(length);
    const key = `v${number}`;
    sent.push(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`);
    expected.push("+OK\r\n");
    sent.push(`*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`);
    expected.push(`$${value.length}\r\n${value}\r\n`);
    if (chance.percent(20)) {
      sent.push("PING\r\n");
      expected.push("+PONG\r\n");
    }
  }
  const bytes = Buffer.from(expected.join(""), "latin1");
  const leavesAfter = chance.percent(20) ? chance.below(bytes.length) : Number.POSITIVE_INFINITY;
  return { sent: Buffer.from(sent.join(""), "latin1"), expected: bytes, leavesAfter };
}

/** Resolves to what was wrong with the replies; "" when nothing was. */
function visit(port: number, { sent, expected, leavesAfter }: Visitor): Promise<string> {
  return new Promise((resolve) => {
    let at = 0;
    const socket = createConnection({ port, host: "127.0.0.1" }, () => socket.write(sent));
    socket.on("error", (error) => resolve(`${error.message} after ${at} bytes`));
    socket.on("close", () => resolve(`closed after ${at} of ${expected.length} bytes`));
    socket.on("data", (chunk: Buffer) => {
      if (!expected.subarray(at, at + chunk.length).equals(chunk)) resolve(`wrong bytes at ${at}`);
      at += chunk.length;
      if (at < expected.length && at < leavesAfter) return;
      resolve("");
      socket.destroy();
    });
  });
}

describe(`storms (seed ${seed})`, () => {
  test(
    "every byte of every reply is right, whoever comes and goes",
    async () => {
      server = await startOurs({ config: { activedefrag: "yes" } });
      const chance = new Chance(seed);
      const watcher = await server.connect();
      let bytes = 0;
      for (let round = 0; round < rounds; round++) {
        const visitors = Array.from({ length: CONNECTIONS }, (_, number) =>
          visitorOf(chance, number),
        );
        for (const { expected } of visitors) bytes += expected.length;
        const { port } = server;
        const found = await Promise.all(visitors.map((visitor) => visit(port, visitor)));
        expect(found.filter((problem) => problem !== "")).toEqual([]);
        if (round % 2 === 0) await watcher.request("BGSAVE");
      }
      console.log(`${bytes} bytes of replies over ${rounds * CONNECTIONS} connections`);
      await expect
        .poll(() => watcher.request("INFO", "clients"), { timeout: 10_000 })
        .toContain("connected_clients:1\r\n");
    },
    60_000 + rounds * 10_000,
  );

  test(
    "killed again and again while it saves, it starts from a whole instant each time",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "kv-storm-"));
      folders.push(folder);
      const chance = new Chance(seed);
      let written = 0;
      let acknowledged = 0;
      for (let round = 0; round < rounds; round++) {
        server = await startOurs({ folder, config: { dir: folder, activedefrag: "yes" } });
        const client = await server.connect();
        if (round > 0) {
          // Both keys are of one instant, and no older than the last save that was told to be done.
          const [a, b] = [await client.request("GET", "a"), await client.request("GET", "b")];
          expect(a, `seed ${seed}, round ${round}`).toBe(b);
          const found = Number(/\r\n(\d+)\r\n/.exec(a)?.[1] ?? 0);
          expect(found).toBeGreaterThanOrEqual(acknowledged);
          expect(found).toBeLessThanOrEqual(written);
          expect(await client.request("HLEN", "large")).toBe(":3000\r\n");
          written = found;
        } else {
          const fields = Array.from({ length: 3000 }, (_, index) => [`f${index}`, "v"]).flat();
          await client.request("HSET", "large", ...fields);
          await client.request("SAVE");
        }
        await client.request("DEBUG", "POPULATE", 20_000, "more");
        const endMs = performance.now() + 100 + chance.below(600);
        let isSaving = false;
        let savedNumber = acknowledged;
        let before = await client.request("LASTSAVE");
        while (performance.now() < endMs) {
          written++;
          client.write("MULTI\r\n");
          client.write(
            `SET a ${written}\r\nSET b ${written}\r\nHSET large f1 ${written}\r\nEXEC\r\n`,
          );
          await client.replies(5);
          const info = await client.request("INFO", "persistence");
          if (info.includes("rdb_bgsave_in_progress:1")) continue;
          const saved = await client.request("LASTSAVE");
          if (isSaving && saved !== before && info.includes("rdb_last_bgsave_status:ok"))
            acknowledged = savedNumber;
          before = saved;
          savedNumber = written;
          isSaving = (await client.request("BGSAVE")).startsWith("+");
        }
        await server.kill();
        await pause(10);
      }
      // What was cut off is an orphan; the next server does not take it for its own.
      const names = readdirSync(folder).filter((name) => name.endsWith(".rdb"));
      expect(names).toContain("dump.rdb");
      server = undefined;
    },
    60_000 + rounds * 10_000,
  );
});
