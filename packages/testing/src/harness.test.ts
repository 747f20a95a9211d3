import { describe, expect, test } from "vitest";
import { harness } from "./index.ts";

describe("harness", () => {
  test("a whole engine answers", () => {
    const kv = harness();
    expect(kv.send("PING")).toBe("PONG");
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.send("NOSUCH", "a")).toBe(
      kv.error("ERR unknown command 'NOSUCH', with args beginning with: 'a' "),
    );
    expect(kv.send("GET")).toBe(kv.error("ERR wrong number of arguments for 'get' command"));
    kv.check();
  });
});
