/** Somebody removes the folder of the append-only file while the server runs. */
import { harness, infoField } from "@kv/testing";
import { expect, test } from "vitest";
import { appendOnlyPort } from "./append-only.ts";

test("a rewrite makes the folder again, and with it a log that is whole", async () => {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  const { disk } = kv.host;
  kv.send("SET", "before", 1);
  disk.loseFolder("appendonlydir");
  kv.send("SET", "unnoticed", 1);
  kv.send("BGREWRITEAOF");
  await kv.until(() => !kv.engine.of(appendOnlyPort).isRewriting);
  expect(infoField(kv, "aof_last_bgrewrite_status")).toBe("ok");
  kv.send("SET", "behind", 1);

  const next = harness({ config: { appendonly: true }, disk });
  expect(await next.engine.load(), next.log.join("\n")).toBe(true);
  expect(next.send("EXISTS", "before", "unnoticed", "behind")).toBe(3);
});
