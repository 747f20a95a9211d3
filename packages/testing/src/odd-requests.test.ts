/**
 * No input ends the server: odd requests to every command and odd values for every directive, in a
 * server whose memory is small, so that it runs out of everything. KV_ODD_ROUNDS makes it go on
 * longer, KV_ODD_SEED repeats a run. The same against a real process: apps/server/interop/hostile.
 */
import { describe, expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { type Harness, harness, type TestClient } from "./harness.ts";
import {
  chunksOf,
  describeRequest,
  notTried,
  type OddRequest,
  OddRequestMaker,
  type OddWord,
  sizeOf,
} from "./odd-requests.ts";

const seed = drawnSeed("KV_ODD_SEED");
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 5);
const REQUEST_BYTES_MAX = 8 * 2 ** 20;
const TIME_MAX_MS = 120_000 + rounds * 20_000;

function fill(kv: Harness): void {
  kv.send("SET", "text", "some text");
  kv.send("SET", "number", 42);
  kv.send("SETRANGE", "long", 100_000, "x");
  kv.send("HSET", "small-hash", "f", "v", "n", 1);
  kv.send("HSET", "large-hash", ...Array.from({ length: 2000 }, (_, index) => `${index}`));
}

/** Sends the request, and replaces the client where the server has closed it. */
function deliver(kv: Harness, client: TestClient, request: OddRequest): TestClient {
  for (const chunk of chunksOf(request)) {
    if (client.closed) break;
    client.sendBytes(chunk);
  }
  client.takeRaw();
  if (!client.closed) return client;
  return kv.client();
}

function textOf(word: OddWord): string {
  return typeof word === "string" ? word : word.fill.repeat(word.length);
}

describe(`no input ends the server (seed ${seed})`, () => {
  const { all } = harness().engine.commands;
  const tried = all.filter(
    ({ run, fullName, container }) =>
      run !== undefined && !notTried.has(fullName) && !notTried.has(container?.fullName ?? ""),
  );

  test(
    "every command, with odd arguments, in and out of MULTI",
    () => {
      const chance = new Chance(seed);
      const maker = new OddRequestMaker(chance, { lengthMax: 2 ** 20, countMax: 2 ** 16 + 1 });
      const kv = harness({ config: { "proto-max-bulk-len": "4gb", maxmemory: "200mb" } });
      const { arena } = kv.engine.keyspace;
      const watcher = kv.client();
      const before = arena.usedBytes;
      for (let round = 0; round < rounds; round++) {
        fill(kv);
        let client = kv.client();
        client.isStuck = chance.percent(20);
        for (const row of tried) {
          const request = maker.make(row);
          if (sizeOf(request) > REQUEST_BYTES_MAX) continue;
          try {
            if (chance.percent(5)) client.sendBytes("*1\r\n$5\r\nMULTI\r\n");
            client = deliver(kv, client, request);
            if (chance.percent(5)) client.sendBytes("*1\r\n$4\r\nEXEC\r\n");
            expect(watcher.send("PING")).toBe("PONG");
          } catch (error) {
            throw new Error(`seed ${seed}: ${describeRequest(request).slice(0, 2000)}`, {
              cause: error,
            });
          }
        }
        client.destroy();
        kv.check();
        watcher.send("RESET");
        kv.send("FLUSHALL");
        kv.send("FUNCTION", "FLUSH");
        kv.send("SCRIPT", "FLUSH");
        kv.clock.advance(200);
        arena.check();
        expect(arena.usedBytes, `seed ${seed}: what is left after FLUSHALL`).toBeLessThan(
          before + 200_000,
        );
      }
    },
    TIME_MAX_MS,
  );

  test(
    "every directive, with odd values, and its own again",
    () => {
      const chance = new Chance(seed);
      const maker = new OddRequestMaker(chance, { lengthMax: 2 ** 20, countMax: 1 });
      const kv = harness();
      const names = kv.config.configGet(["*"]).map(([name]) => name);
      expect(names.length).toBeGreaterThan(150);
      for (let round = 0; round < rounds; round++) {
        for (const name of names) {
          const value = kv.config.print(name);
          const odd = textOf(maker.word());
          const what = `seed ${seed}: CONFIG SET ${name} ${JSON.stringify(odd.slice(0, 100))} (${odd.length})`;
          try {
            kv.send("CONFIG", "SET", name, odd);
            kv.clock.advance(100);
            const other = kv.client();
            other.send("SET", "k", "v");
            other.destroy();
            // Put back by the table, where CONFIG SET refuses what it printed.
            kv.config.configSet([[name, value]], { protectedAllowed: true });
          } catch (error) {
            throw new Error(what, { cause: error });
          }
        }
        const other = kv.client();
        expect(other.send("PING"), `seed ${seed}`).toBe("PONG");
        other.destroy();
      }
      kv.check();
    },
    TIME_MAX_MS,
  );
});
