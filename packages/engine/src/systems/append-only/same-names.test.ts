/** Directives that give the folder of the append-only file the name of a file beside it. */
import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test.each([
  { appendfilename: "data", appenddirname: "data" },
  { dbfilename: "data", appenddirname: "data" },
])("are no reason not to start: %o", async (names) => {
  const config = { appendonly: true, ...names };
  const kv = harness({ config });
  expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
  kv.send("SET", "a", 1);
  const next = harness({ config, disk: kv.host.disk });
  expect(await next.engine.load(), next.log.join("\n")).toBe(true);
  expect(next.send("GET", "a")).toBe("1");
  expect(next.log.join("\n")).not.toMatch(/migrated|is not loaded/);
});
