/**
 * What was true before the disk was waited for, and may not be when it has answered: each operation of a
 * save is held in turn, and each request that could disturb it comes in meanwhile.
 */
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { savingPort } from "./saving.ts";

/** Steps of a background save that wait for the disk, in their order. */
const steps = ["create", "write", "sync", "close", "rename", "syncFolder"] as const;
type Step = (typeof steps)[number];

interface Held {
  kv: Harness;
  isHeld(): boolean;
  /** The disk does what it was told, and everything that follows happens. */
  release(): Promise<void>;
}

const settle = async () => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

/** A server with one key whose file says "old", and a disk that holds the next `step` of a BGSAVE. */
function holding(step: Step, options: HarnessOptions = {}): Held {
  const kv = harness(options);
  kv.send("SET", "k", "old");
  kv.send("SAVE");
  const disk = kv.host.disk.later;
  const here = disk.here.bind(disk);
  let open = () => {};
  let isHeld = false;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const held = async <Result>(name: Step, action: () => Promise<Result>): Promise<Result> => {
    if (name === step && !isHeld) {
      isHeld = true;
      await gate;
    }
    return action();
  };
  disk.here = () => {
    const folder = here();
    return {
      ...folder,
      create: async (name) => {
        const file = await held("create", () => folder.create(name));
        return {
          write: (...bytes) => held("write", () => file.write(...bytes)),
          sync: () => held("sync", () => file.sync()),
          close: () => held("close", () => file.close()),
        };
      },
      rename: (from, to) => held("rename", () => folder.rename(from, to)),
      syncFolder: () => held("syncFolder", () => folder.syncFolder()),
    };
  };
  return {
    kv,
    isHeld: () => isHeld,
    async release() {
      open();
      await settle();
      while (kv.engine.turn());
      await settle();
    },
  };
}

/** Sets the key to "mid", begins a BGSAVE and lets it go as far as `step`. */
async function begun(step: Step, options: HarnessOptions = {}): Promise<Held> {
  const held = holding(step, options);
  held.kv.send("SET", "k", "mid");
  expect(held.kv.send("BGSAVE")).toBe("Background saving started");
  for (let turn = 0; turn < 20 && !held.isHeld(); turn++) {
    held.kv.engine.turn();
    await settle();
  }
  expect(held.isHeld()).toBe(true);
  return held;
}

/** What a server that starts on this disk finds under "k", and the files there. */
async function onDisk(kv: Harness): Promise<{ value: unknown; files: string[] }> {
  const next = harness();
  const file = kv.host.disk.contents("dump.rdb");
  if (file !== undefined) next.host.disk.put("dump.rdb", file);
  expect(await next.engine.load()).toBe(true);
  return { value: next.send("GET", "k"), files: kv.host.disk.now.list() };
}

/** What the given-up save has left: behind the renaming it is the file, before that it is nothing. */
const savedBefore = (step: Step) => (step === "syncFolder" ? "mid" : "old");

describe.each(steps)("while the disk holds a BGSAVE at its %s", (step) => {
  test("SHUTDOWN NOSAVE ends at once, and nobody can take it back", async () => {
    const { kv, release } = await begun(step);
    const other = kv.client();
    expect(kv.send("SHUTDOWN", "NOSAVE")).toBe(undefined);
    expect(other.send("SHUTDOWN", "ABORT")).toBe(kv.error("ERR No shutdown in progress."));
    await Promise.resolve();
    expect(kv.host.exitCode).toBe(0);
    expect(kv.engine.of(savingPort).isSettled).toBe(false);
    await release();
    expect(kv.engine.of(savingPort).isSettled).toBe(true);
    expect(await onDisk(kv)).toEqual({ value: savedBefore(step), files: ["dump.rdb"] });
  });

  test("two SHUTDOWNs, and a signal between them, end once and in good order", async () => {
    const { kv, release } = await begun(step);
    kv.send("SET", "k", "new");
    const other = kv.client();
    kv.send("SHUTDOWN", "SAVE");
    expect(kv.engine.shutdown({ save: "default", signal: "SIGTERM" })).toBe(true);
    other.send("SHUTDOWN", "NOSAVE");
    await settle();
    expect(kv.host.exitCode).toBe(0);
    await release();
    expect(await onDisk(kv)).toEqual({ value: "new", files: ["dump.rdb"] });
  });

  test("SHUTDOWN ABORT aborts nothing", async () => {
    const { kv, release } = await begun(step);
    expect(kv.send("SHUTDOWN", "ABORT")).toBe(kv.error("ERR No shutdown in progress."));
    expect(kv.send("BGSAVE")).toBe(kv.error("ERR Background save already in progress"));
    expect(kv.send("SAVE")).toBe(kv.error("ERR Background save already in progress"));
    await release();
    expect(kv.host.exitCode).toBe(null);
    expect(kv.log).toContain("Background saving terminated with success");
    expect(await onDisk(kv)).toEqual({ value: "mid", files: ["dump.rdb"] });
  });

  test("a SHUTDOWN that cannot save leaves a server that can", async () => {
    const { kv, release } = await begun(step, { config: { save: "3600 1" } });
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    kv.send("SHUTDOWN");
    kv.engine.turn();
    await settle();
    expect(kv.self.receive()).toBe(kv.error("ERR Errors trying to SHUTDOWN. Check logs."));
    expect(kv.host.exitCode).toBe(null);
    kv.host.disk.failsFrom = undefined;
    await release();
    kv.send("SET", "k", "new");
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    for (let turn = 0; turn < 20; turn++) {
      kv.engine.turn();
      await settle();
    }
    expect((await onDisk(kv)).value).toBe("new");
  });

  test("with save points FLUSHALL is the last word", async () => {
    const { kv, release } = await begun(step, { config: { save: "3600 1" } });
    expect(kv.send("FLUSHALL")).toBe("OK");
    await release();
    expect(await onDisk(kv)).toEqual({ value: null, files: ["dump.rdb"] });
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:0\r\n/);
  });

  test("CONFIG SET save changes nothing for it, nor does another name of the file", async () => {
    const { kv, release } = await begun(step);
    expect(kv.send("CONFIG", "SET", "save", "")).toBe("OK");
    kv.config.assign("dbfilename", "other.rdb");
    await release();
    expect(kv.log).toContain("Background saving terminated with success");
    expect(await onDisk(kv)).toEqual({ value: "mid", files: ["dump.rdb"] });
  });

  test("DEBUG RELOAD saves what there is now, and no older file comes later", async () => {
    const { kv, release } = await begun(step);
    kv.send("SET", "k", "new");
    expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
    await release();
    expect(kv.send("GET", "k")).toBe("new");
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:0\r\n/);
    expect(await onDisk(kv)).toEqual({ value: "new", files: ["dump.rdb"] });
  });
});

describe.each(["open", "read"] as const)("while the disk holds the loading at its %s", (step) => {
  /** A server that loads a file of two keys, and has come to the step. */
  function loading() {
    const source = harness();
    source.send("MSET", "k", "v", "l", "w");
    source.send("SAVE");
    const kv = harness({ config: { save: "3600 1" } });
    const file = source.host.disk.contents("dump.rdb") as Uint8Array;
    kv.host.disk.put("dump.rdb", file);
    const disk = kv.host.disk.later;
    const open = disk.open.bind(disk);
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    disk.open = async (name) => {
      if (step === "open") await gate;
      const reader = await open(name);
      if (reader === undefined || step === "open") return reader;
      const read = async (target: Uint8Array) => {
        await gate;
        return reader.read(target);
      };
      return { ...reader, read };
    };
    return { kv, file, loaded: kv.engine.load(), release: () => release() };
  }

  test("SHUTDOWN ends at once, saves nothing, and nothing more is loaded", async () => {
    const { kv, file, loaded, release } = loading();
    await settle();
    kv.send("SHUTDOWN");
    await settle();
    expect(kv.host.exitCode).toBe(0);
    expect(kv.engine.of(savingPort).isSettled).toBe(false);
    release();
    expect(await loaded).toBe(false);
    await kv.engine.of(savingPort).settled();
    expect(kv.engine.keyspace.keyCount).toBe(0);
    expect(kv.host.disk.contents("dump.rdb")).toEqual(file);
    expect(kv.log).not.toContain("DB saved on disk");
  });

  test("nothing is saved of half a data set, and nothing else loaded into it", async () => {
    const { kv, loaded, release } = loading();
    await settle();
    kv.clock.advance(1000);
    const isLoading = kv.error("LOADING Redis is loading the dataset in memory");
    expect(kv.send("DEBUG", "RELOAD")).toBe(isLoading);
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe(isLoading);
    expect(kv.send("SAVE")).toBe(isLoading);
    expect(kv.send("BGSAVE")).toBe(isLoading);
    expect(kv.send("FLUSHALL")).toBe(isLoading);
    kv.clock.advance(4_000_000);
    release();
    expect(await loaded).toBe(true);
    expect(kv.send("DBSIZE")).toBe(2);
    expect(kv.log).not.toContain("DB saved on disk");
  });
});
