import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("GEOADD counts each place that is new or has moved as a change", () => {
  const kv = harness();
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  expect(kv.send("GEOADD", "g", 13.4, 38.1, "a", 15, 37.5, "b")).toBe(2);
  expect(changes()).toBe(2);
  expect(kv.send("GEOADD", "g", "CH", 13.4, 38.1, "a", 15, 37, "b", 1, 1, "c")).toBe(2);
  expect(changes()).toBe(4);
  expect(kv.send("GEOADD", "g", 13.4, 38.1, "a")).toBe(0);
  expect(changes()).toBe(4);
});

test("so many places that a listpack could not hold them make a table, new or not", () => {
  const kv = harness({ config: { "zset-max-listpack-entries": 2 } });
  kv.send("GEOADD", "g", 1, 1, "a", 2, 2, "a");
  expect(kv.send("OBJECT", "ENCODING", "g")).toBe("listpack");
  kv.send("GEOADD", "g", 1, 1, "a", 2, 2, "a", 3, 3, "a");
  expect(kv.send("OBJECT", "ENCODING", "g")).toBe("skiplist");
  kv.send("GEOADD", "new", 1, 1, "a", 2, 2, "a", 3, 3, "a");
  expect(kv.send("OBJECT", "ENCODING", "new")).toBe("skiplist");
  expect(kv.send("ZCARD", "new")).toBe(1);
  kv.check();
});

test("a stored search counts what it has stored, and includes the middle itself", () => {
  const kv = harness();
  kv.send("GEOADD", "g", 13.4, 38.1, "a", 15, 37.5, "b");
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  const before = changes();
  expect(kv.send("GEOSEARCHSTORE", "t", "g", "FROMMEMBER", "a", "BYRADIUS", 500, "km")).toBe(2);
  expect(changes() - before).toBe(2);
  expect(kv.send("GEOSEARCH", "g", "FROMMEMBER", "a", "BYRADIUS", 0, "m")).toEqual(["a"]);
  expect(kv.send("GEOSEARCH", "g", "FROMMEMBER", "a", "BYBOX", -1, 1, "m")).toEqual(
    kv.error("ERR height or width cannot be negative"),
  );
  expect(kv.send("GEOSEARCH", "g", "FROMMEMBER", "a", "BYRADIUS", 1, "m", "COUNT", 0)).toEqual(
    kv.error("ERR COUNT must be > 0"),
  );
});
