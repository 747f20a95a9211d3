/**
 * A new type of value is its own folder, and one line in each of four lists: the kinds of core, the
 * forms and the commands of persistence, the commands of clients. Here the lists have that line, in this
 * file's modules alone.
 */
import { errors } from "@kv/commands";
import { kindOf, kindOfEntry, Type, valueKinds } from "@kv/core";
import type { System } from "@kv/engine";
import { RdbCheck } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import { describe, expect, test, vi } from "vitest";
import { harness } from "../harness.ts";
import { layersFor } from "../values/all-layers.ts";
import { pairget, pairset } from "./pair-commands.ts";
import { PAIR_ENCODING, PAIR_TYPE } from "./pair-kind.ts";
import { pairMaterial } from "./pair-material.ts";

vi.mock("../../../core/src/values/kinds.ts", async (original) => ({
  ...(await original<object>()),
  pairKinds: (await import("./pair-kind.ts")).pairKinds,
}));
vi.mock("../../../persistence/src/rdb/values/forms.ts", async (original) => ({
  ...(await original<object>()),
  pairForm: (await import("./pair-form.ts")).pairForm,
}));
vi.mock("../../../persistence/src/aof/commands/forms.ts", async (original) => ({
  ...(await original<object>()),
  pairCommands: (await import("./pair-command-form.ts")).pairCommands,
}));
const modules: System[] = [{ name: "pair", commands: [pairset, pairget] }];

const kind = valueKinds.find((each) => each.type === PAIR_TYPE);

test("the kind is known here", () => {
  expect(kind).toMatchObject({ typeName: "pair", encoding: PAIR_ENCODING });
  expect(kindOf(PAIR_TYPE, PAIR_ENCODING)).toBeLessThan(256);
});

describe("a toy type", () => {
  if (kind === undefined) throw new Error("the list of kinds lacks the toy");
  test.each(layersFor(kind, pairMaterial, modules))("$name", ({ run }) => run());

  test("has commands that refuse other types, and is refused by theirs", () => {
    const kv = harness({ modules });
    expect(kv.send("PAIRSET", "p", "one", "2")).toBe("OK");
    expect(kv.send("PAIRGET", "p")).toEqual(["one", "2"]);
    expect(kv.send("TYPE", "p")).toBe("pair");
    expect(kv.send("OBJECT", "ENCODING", "p")).toBe("twopack");
    expect(kv.send("SCAN", 0, "TYPE", "pair")).toEqual(["0", ["p"]]);
    expect(kv.send("SCAN", 0, "TYPE", "hash")).toEqual(["0", []]);
    const foreign = [
      ["GET", "p"],
      ["HGET", "p", "f"],
      ["APPEND", "p", "x"],
      ["HSET", "p", "f", "v"],
    ];
    for (const words of foreign) expect(kv.send(...words)).toBe(errors.wrongType);
    kv.send("SET", "s", "text");
    expect(kv.send("PAIRGET", "s")).toBe(errors.wrongType);
    expect(kv.send("PAIRGET", "none")).toBe(null);
    expect(kv.events).toContain("pairset p");
  });

  test("goes with eviction, and survives a full arena", () => {
    const kv = harness({
      modules,
      config: { maxmemory: "200kb", "maxmemory-policy": "allkeys-lru" },
    });
    for (let i = 0; i < 5000; i++)
      expect(kv.send("PAIRSET", `p:${i}`, "x".repeat(50), i)).toBe("OK");
    expect(kv.engine.keyspace.keyCount).toBeLessThan(3000);
    kv.check();
  });

  test("is checked in files, to the last byte", () => {
    const kv = harness({ modules });
    for (let i = 0; i < 100; i++) kv.send("PAIRSET", `p:${i}`, "one".repeat(i), "two");
    expect(kv.send("SAVE")).toBe("OK");
    const file = kv.host.disk.contents("dump.rdb") as Uint8Array;
    const lines: string[] = [];
    const check = new RdbCheck("dump.rdb", 0, (line) => lines.push(line));
    for (let at = 0; at < file.length; at += 100)
      check.feed(file, at, Math.min(at + 100, file.length));
    expect([check.finish(), lines.at(-3)]).toEqual([true, "[info] 100 keys read"]);
  });

  test("is no hash, and no hash is one", () => {
    const kv = harness({ modules });
    kv.send("HSET", "h", "f", "v");
    const [database] = kv.engine.keyspace.databases;
    const name = latin1Bytes("h");
    const entry = database.findKey(name, new DataView(name.buffer), 0, name.length);
    expect(kindOfEntry(kv.engine.keyspace.arena, entry).type).toBe(Type.HASH);
  });
});
