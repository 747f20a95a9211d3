/** A rewrite that takes the place of a file of which a sync has failed. */
import { latin1Bytes } from "@kv/resp";
import { harness } from "@kv/testing";
import { expect, test } from "vitest";
import type { Client } from "../../kernel/client.ts";
import { appendOnlyPort } from "./append-only.ts";

/** More than there are promises until the instant of the new base. */
const STEPS = 40;

test("what waited at its instant is in the base, and is not done again behind it", async () => {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  const { disk } = kv.host;
  const keys = Array.from({ length: STEPS }, (_, step) => `key-${step}-`);
  for (const key of keys) kv.send("SET", key, 1, "PX", 10);
  kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
  disk.fault = { at: disk.operations.length + 1, code: "EIO", message: "Input/output error" };
  kv.clock.advance(1100);
  await Promise.resolve();
  await kv.engine.settled();
  const log = kv.engine.of(appendOnlyPort);
  expect(log.writer.isBroken).toBe(true);
  kv.clock.advance(1100);
  // Whoever reads a key whose time has passed removes it: no refusal stops that. It waits for the turn's end.
  const reader = kv.client().client as Client;
  for (const key of keys) {
    const bytes = latin1Bytes(`GET ${key}\r\n`);
    kv.engine.receive(reader, bytes, new DataView(bytes.buffer), 0, bytes.length);
    await Promise.resolve();
  }
  await kv.until(() => !log.isRewriting);
  const base = Buffer.from(disk.contents("appendonlydir/appendonly.aof.2.base.rdb") ?? []).toString(
    "latin1",
  );
  const behind = Buffer.from(
    disk.contents("appendonlydir/appendonly.aof.2.incr.aof") ?? [],
  ).toString("latin1");
  const inBase = keys.filter((key) => base.includes(key));
  expect(inBase.length).toBeGreaterThan(0);
  expect(inBase.length).toBeLessThan(STEPS);
  expect(keys.filter((key) => behind.includes(key))).toEqual(inBase);
});
