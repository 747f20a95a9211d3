import { harness } from "@kv/testing";
import { expect, test } from "vitest";
import { quoted } from "./errors.ts";

test("an error quotes a word to its first zero byte", () => {
  expect(quoted("plain")).toBe("plain");
  expect(quoted("")).toBe("");
  expect(quoted("a\0b\0")).toBe("a");
  const kv = harness();
  expect(kv.send("EXPIRE", "k", 1, "\xff\0x")).toBe(kv.error("ERR Unsupported option \xff"));
  expect(kv.send("CLIENT", "a\0b")).toBe(kv.error("ERR unknown subcommand 'a'. Try CLIENT HELP."));
});
