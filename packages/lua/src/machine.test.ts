/** The machine is the one that was measured and looked at, and no other. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { luaBytes } from "./node.ts";

const SHA256 = "cba969b97e8a319eba8996b5df488aed5cdd22a56f2de53b42598e474014e610";

test("its bytes are known, and its version is pinned", () => {
  expect(createHash("sha256").update(luaBytes()).digest("hex")).toBe(SHA256);
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toEqual({ "wasmoon-lua5.1": "1.18.10" });
});
