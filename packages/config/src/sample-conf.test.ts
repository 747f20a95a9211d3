import { expect, test } from "vitest";
import { ConfigStore } from "./config-store.ts";
import { directive } from "./directive.ts";
import { areasWith } from "./directives/index.ts";
import { maxmemoryPolicy } from "./directives/memory.ts";
import { boolean } from "./kinds.ts";
import { defaultConfText } from "./sample-conf.ts";

test("a server started from the sample file has the defaults", () => {
  const store = new ConfigStore();
  store.load(defaultConfText());
  expect(store.configGet(["*"])).toEqual(new ConfigStore().configGet(["*"]));
});

test("each directive is explained", () => {
  expect(defaultConfText()).toContain(
    "# Most memory to use; 0 sets no limit.\n" +
      "# Takes: bytes, or with a unit: k kb m mb g gb\n" +
      "maxmemory 0\n",
  );
  expect(defaultConfText()).not.toContain("key-load-delay");
});

test("rows that were handed in stand in their places, new ones at the end", () => {
  const mine = directive({ name: "mine.on", kind: boolean, default: false, summary: "Mine." });
  const text = defaultConfText(areasWith([mine, maxmemoryPolicy(["coin-toss", "noeviction"])]));
  expect(text).toContain("# Takes: coin-toss | noeviction\nmaxmemory-policy noeviction\n");
  expect(text).toMatch(/# ---- Modules -+\n\n# Mine\.\n# Takes: yes \| no\nmine\.on no\n$/);
});
