import { expect, test } from "vitest";
import { ConfigStore } from "./config-store.ts";
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
