import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("a client that waits and sends on is not idle", () => {
  const kv = harness();
  const waiting = kv.client();
  waiting.send("BLPOP", "list", 0);
  kv.host.advance(60_000);
  const idle = () => Number(/id=2 .* idle=(\d+)/.exec(kv.send("CLIENT", "LIST") as string)?.[1]);
  expect(idle()).toBe(60);
  waiting.send("PING");
  expect(idle()).toBe(0);
});
