/** Libraries are a part of the data set: in its file, and in payloads of FUNCTION DUMP. */
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const library = (name: string, body: string) =>
  `#!lua name=${name}\nredis.register_function('${name}_f', function() ${body} end)`;

function names(kv: Harness): unknown[] {
  return (kv.send("FUNCTION", "LIST") as unknown[][]).map((each) => each[1]).sort();
}

/** Another server that starts on the first one's disk; null when it refuses to. */
async function restart(kv: Harness, options: HarnessOptions = {}): Promise<Harness | null> {
  const next = harness(options);
  next.host.nowMs = kv.host.nowMs;
  const file = kv.host.disk.contents("dump.rdb");
  if (file !== undefined) next.host.disk.put("dump.rdb", file);
  const isLoaded = await next.engine.load();
  if (!isLoaded) kv.host.logLines.push(...next.host.logLines);
  return isLoaded ? next : null;
}

async function saved(kv: Harness, between: () => void): Promise<void> {
  expect(kv.send("BGSAVE")).toBe("Background saving started");
  between();
  for (let turn = 0; turn < 1000; turn++) {
    kv.engine.turn();
    await Promise.resolve();
    if (/rdb_bgsave_in_progress:0\r/.test(kv.send("INFO", "persistence") as string)) return;
  }
  throw new Error("the save does not end");
}

describe("libraries", () => {
  test("are there when a server starts again", async () => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", library("a", "return 'first'"));
    kv.send("FUNCTION", "LOAD", library("b", `return '${"long ".repeat(1000)}'`));
    kv.send("SET", "k", "v");
    expect(kv.send("SAVE")).toBe("OK");
    const next = (await restart(kv)) as Harness;
    expect(next.send("FCALL", "a_f", 0)).toBe("first");
    expect(next.send("FCALL", "b_f", 0)).toBe("long ".repeat(1000));
    expect(next.send("GET", "k")).toBe("v");
    expect(next.send("FUNCTION", "LIST", "WITHCODE")).toEqual(
      kv.send("FUNCTION", "LIST", "WITHCODE"),
    );
  });

  test("are saved as they were when the save began", async () => {
    const kv = harness();
    for (let i = 0; i < 5000; i++) kv.send("SET", `k${i}`, "v");
    kv.send("FUNCTION", "LOAD", library("before", "return 1"));
    await saved(kv, () => {
      kv.send("FUNCTION", "LOAD", "REPLACE", library("before", "return 2"));
      kv.send("FUNCTION", "LOAD", library("after", "return 3"));
    });
    const next = (await restart(kv)) as Harness;
    expect(names(next)).toEqual(["before"]);
    expect(next.send("FCALL", "before_f", 0)).toBe(1);
  });

  test("come back by DEBUG RELOAD; with NOFLUSH they join those that are there", () => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", library("a", "return 1"));
    kv.send("SAVE");
    kv.send("FUNCTION", "FLUSH");
    kv.send("FUNCTION", "LOAD", library("b", "return 2"));
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")).toBe("OK");
    expect(names(kv)).toEqual(["a", "b"]);
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
    expect(names(kv)).toEqual(["a"]);
    expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
    expect(kv.send("FCALL", "a_f", 0)).toBe(1);
  });

  test("of a file that a server without functions is given stop it, and say why", async () => {
    const kv = harness();
    kv.send("FUNCTION", "LOAD", library("a", "return 1"));
    kv.send("SAVE");
    expect(await restart(kv, { hasScripts: false })).toBeNull();
    expect(kv.log.join("\n")).toContain("The RDB file contains functions");
    kv.send("FUNCTION", "FLUSH");
    kv.send("SAVE");
    expect(await restart(kv, { hasScripts: false })).not.toBeNull();
  });

  test("that cannot be loaded stop a server that starts", async () => {
    const kv = harness({ config: { rdbcompression: false, rdbchecksum: false } });
    kv.send("FUNCTION", "LOAD", library("a", "return 1"));
    kv.send("SAVE");
    const file = kv.host.disk.contents("dump.rdb") as Uint8Array;
    const text = Array.from(file, (byte) => String.fromCharCode(byte)).join("");
    const broken = Uint8Array.from(text.replace("register", "registes"), (c) => c.charCodeAt(0));
    kv.host.disk.put("dump.rdb", broken);
    expect(await restart(kv, { config: { rdbchecksum: false } })).toBeNull();
    expect(kv.log.join("\n")).toMatch(
      /Failed creating function: Error registering functions: .*'registes_function'/,
    );
  });

  test("whatever they are, survive a save, a reload and a payload", () => {
    const text = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
      maxLength: 3000,
    });
    const some = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^[a-zA-Z0-9_]{1,40}$/), text, fc.nat({ max: 31 })),
      {
        selector: ([name]) => name.toLowerCase(),
        maxLength: 6,
      },
    );
    const flags = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"];
    const kv = harness();
    const listed = () => kv.send("FUNCTION", "LIST", "WITHCODE");
    fc.assert(
      fc.property(some, (libraries) => {
        kv.send("FUNCTION", "FLUSH");
        for (const [name, description, bits] of libraries) {
          const quoted = Array.from(
            description,
            (c) => `\\${`${c.charCodeAt(0)}`.padStart(3, "0")}`,
          ).join("");
          const chosen = flags.filter((_flag, bit) => (bits & (1 << bit)) !== 0);
          const code = `#!lua name=${name}\nredis.register_function{function_name = '${name}', callback = function() return '${quoted}' end, description = '${quoted}', flags = {${chosen.map((flag) => `'${flag}'`)}}}`;
          expect(kv.send("FUNCTION", "LOAD", code)).toBe(name);
        }
        const before = listed();
        expect(before).toHaveLength(libraries.length);
        expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
        expect(listed()).toEqual(before);
        const payload = kv.send("FUNCTION", "DUMP") as string;
        kv.send("FUNCTION", "FLUSH");
        expect(kv.send("FUNCTION", "RESTORE", payload)).toBe("OK");
        expect(listed()).toEqual(before);
        for (const [name, description] of libraries)
          expect(kv.send("FCALL", name, 0)).toBe(description);
      }),
      { numRuns: 40 },
    );
  });
});
