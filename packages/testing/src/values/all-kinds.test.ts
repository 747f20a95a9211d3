/** Every kind of value through every layer. A kind without material fails. */
import {
  copyValue,
  Defragmenter,
  ElementVisitor,
  Encoding,
  eachElement,
  entryMemory,
  freeValue,
  InvariantError,
  kindOf,
  Type,
  valueKinds,
  wordIndex,
  wordsOf,
} from "@kv/core";
import { dumpPayload, writeSnapshot } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { harness } from "../harness.ts";
import { layersFor } from "./all-layers.ts";
import { allMaterials } from "./all-materials.ts";
import type { ValueMaterial } from "./material.ts";

const materials = await allMaterials();

function materialOf(type: number, encoding: number): ValueMaterial | undefined {
  return materials.find((each) => each.type === type && each.encoding === encoding);
}

test("every kind has material, and there is none for others", () => {
  const name = ({ type, encoding }: { type: number; encoding: number }) => `${type}/${encoding}`;
  expect(materials.map(name).sort()).toEqual(valueKinds.map(name).sort());
});

describe.each(valueKinds)("a $typeName kept as $encodingName", (kind) => {
  const material = materialOf(kind.type, kind.encoding) as ValueMaterial;
  test.each(layersFor(kind, material))("$name", ({ run }) => run());
});

/** No type has this number. */
const NO_TYPE = 15;

describe("a byte that stands for no kind", () => {
  /** A hash, of which the entry says afterwards that it is something else. */
  function mistaken(encoding: number, fields: number) {
    const kv = harness({ config: { "hash-max-listpack-entries": 4 } });
    for (let i = 0; i < fields; i++) kv.send("HSET", "key", `f${i}`, "v");
    const { keyspace } = kv.engine;
    const { arena } = keyspace;
    const name = latin1Bytes("key");
    const [database] = keyspace.databases;
    const entry = database.findKey(name, new DataView(name.buffer), 0, name.length);
    const words = wordsOf(arena, entry);
    const at = wordIndex(entry);
    expect((words[at] as number) & 255).toBe(kindOf(Type.HASH, encoding));
    words[at] = ((words[at] as number) & ~255) | kindOf(NO_TYPE, encoding);
    return { kv, keyspace, arena, entry };
  }

  class Nobody extends ElementVisitor {
    element(): void {}
    pair(): void {}
  }

  type Mistaken = ReturnType<typeof mistaken>;
  const FACTS = { redisVersion: "7.2.5", nowMs: 0, usedMemoryBytes: 0 };
  const layers: Record<string, (key: Mistaken) => unknown> = {
    freeing: ({ arena, entry }) => freeValue(arena, entry),
    "lazy freeing": ({ keyspace, entry }) => keyspace.lazyFree.addEntry(entry),
    measuring: ({ arena, entry }) => entryMemory(arena, entry, 0),
    copying: ({ arena, entry }) => copyValue(arena, entry),
    looking: ({ arena, entry }) => eachElement(arena, entry, new Nobody()),
    moving: ({ keyspace }) => {
      const defragmenter = new Defragmenter(keyspace);
      while (!defragmenter.step(100));
    },
    dumping: ({ arena, entry }) => dumpPayload(arena, entry),
    saving: ({ keyspace }) => writeSnapshot(keyspace, () => {}, { facts: FACTS }),
    "a change during a snapshot": ({ keyspace, entry }) => {
      keyspace.cuts.begin({ take: () => {} });
      keyspace.databases[0].preserve(entry);
    },
    TYPE: ({ kv }) => kv.send("TYPE", "key"),
    "OBJECT ENCODING": ({ kv }) => kv.send("OBJECT", "ENCODING", "key"),
    "SCAN with TYPE": ({ kv }) => kv.send("SCAN", 0, "TYPE", "set"),
    COPY: ({ kv }) => kv.send("COPY", "key", "twin"),
    DUMP: ({ kv }) => kv.send("DUMP", "key"),
    "MEMORY USAGE": ({ kv }) => kv.send("MEMORY", "USAGE", "key"),
    "DEBUG DIGEST": ({ kv }) => kv.send("DEBUG", "DIGEST"),
    "DEBUG OBJECT": ({ kv }) => kv.send("DEBUG", "OBJECT", "key"),
    DEL: ({ kv }) => kv.send("DEL", "key"),
    "SET over it": ({ kv }) => kv.send("SET", "key", "a string"),
  };

  test.each(Object.entries(layers))("is an error of ours in %s", (_name, layer) => {
    // Neither a listpack nor a table passes for a hash because it looks like one.
    for (const [encoding, fields] of [
      [Encoding.LISTPACK, 3],
      [Encoding.HASHTABLE, 9],
    ] as const) {
      expect(() => layer(mistaken(encoding, fields))).toThrow(InvariantError);
    }
  });
});
