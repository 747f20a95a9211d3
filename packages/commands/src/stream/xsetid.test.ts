import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XSETID sets the last ID, and what else is said", () => {
  const kv = halfReadStream();
  expect(kv.send("XSETID", "k", "9-9", "ENTRIESADDED", 20, "MAXDELETEDID", "9-9")).toBe("OK");
  expect(kv.events).toEqual(["xsetid k"]);
  const info = JSON.stringify(kv.send("XINFO", "STREAM", "k"));
  expect(info).toContain(
    '"last-generated-id","9-9","max-deleted-entry-id","9-9","entries-added",20',
  );
  expect(kv.propagated).toEqual([
    ["XSETID", "k", "9-9", "ENTRIESADDED", "20", "MAXDELETEDID", "9-9"],
  ]);
});

test("XSETID refuses an ID below what there is or was", () => {
  const kv = halfReadStream();
  const refuses = (error: string, ...words: (string | number)[]) =>
    expect(kv.send("XSETID", ...words)).toEqual(kv.error(error));
  refuses("ERR The ID specified in XSETID is smaller than the target stream top item", "k", "3-2");
  refuses(
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
    ...["k", "9-9", "ENTRIESADDED", 20, "MAXDELETEDID", "9-10"],
  );
  refuses(
    "ERR entries_added must be positive",
    "k",
    "9-9",
    "ENTRIESADDED",
    -1,
    "MAXDELETEDID",
    "1",
  );
  refuses("ERR no such key", "none", "9-9");
  refuses("ERR Invalid stream ID specified as stream command argument", "k", "x");
  refuses("WRONGTYPE Operation against a key holding the wrong kind of value", "text", "9-9");
  expect(kv.events).toEqual([]);
});
