/** The log is turned off and on at every moment at which something is still under way. */
import { StorageError } from "@kv/persistence";
import { latin1 } from "@kv/resp";
import { type Harness, harness, infoField } from "@kv/testing";
import { expect, test } from "vitest";
import { appendOnlyPort } from "./append-only.ts";

/** More than a first file takes from CONFIG SET to its end. */
const STEPS = 100;

const turn = (kv: Harness, onOff: "yes" | "no") =>
  expect(kv.send("CONFIG", "SET", "appendonly", onOff)).toBe("OK");

const isRewriting = (kv: Harness) => kv.engine.of(appendOnlyPort).isRewriting;

/** A server with a log, and files of an earlier one that are to go when its first file is there. */
async function withHistory(): Promise<Harness> {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  kv.send("SET", "a", 1);
  turn(kv, "no");
  await kv.engine.settled();
  turn(kv, "yes");
  return kv;
}

/** Whatever came before: each command is in the log, and once. */
async function expectWhole(kv: Harness, why: string): Promise<void> {
  kv.send("INCR", "n");
  kv.send("RPUSH", "list", "x");
  const next = harness({ config: { appendonly: true }, disk: kv.host.disk });
  expect(await next.engine.load(), why).toBe(true);
  expect(next.send("DEBUG", "DIGEST"), why).toBe(kv.send("DEBUG", "DIGEST"));
}

test("off while the log begins is off, and on again has each command once", async () => {
  let afterwards = 0;
  for (let step = 0; step < STEPS; step++) {
    const kv = await withHistory();
    for (let i = 0; i < step; i++) {
      kv.engine.turn();
      await Promise.resolve();
    }
    if (!isRewriting(kv)) afterwards++;
    turn(kv, "no");
    kv.send("INCR", "n");
    expect(kv.engine.propagator.sinks, `step ${step}`).toHaveLength(1);
    turn(kv, "yes");
    await kv.until(() => !isRewriting(kv));
    await expectWhole(kv, `step ${step}`);
  }
  // Every step of it was one of them.
  expect(afterwards).toBeGreaterThan(0);
  expect(afterwards).toBeLessThan(STEPS);
});

test("a log whose old files cannot be removed has begun all the same", async () => {
  const kv = await withHistory();
  const { disk } = kv.host;
  const begun = disk.operations.length;
  const other = await withHistory();
  await other.until(() => !isRewriting(other));
  const removal = other.host.disk.operations.indexOf("remove", begun) + 1;
  expect(removal).toBeGreaterThan(0);
  disk.fault = { at: removal, code: "EACCES", message: "Permission denied" };
  await kv.until(() => !isRewriting(kv));
  expect(kv.log.filter((line) => line.includes("Permission denied"))).toHaveLength(1);
  expect(kv.engine.of(appendOnlyPort).lastRewriteOk).toBe(true);
  await expectWhole(kv, kv.log.join("\n"));
});

test("files of both kinds are counted one by one, whatever is kept of older ones", async () => {
  const kv = await withHistory();
  const over = () => kv.until(() => !isRewriting(kv));
  await over();
  turn(kv, "no");
  kv.send("BGREWRITEAOF");
  await over();
  // There is a base alone: logs are counted from the beginning.
  turn(kv, "yes");
  await over();
  kv.send("CONFIG", "SET", "aof-disable-auto-gc", "yes");
  for (let time = 0; time < 2; time++) {
    kv.send("BGREWRITEAOF");
    await over();
  }
  const manifest = latin1(
    kv.host.disk.contents("appendonlydir/appendonly.aof.manifest") as Uint8Array,
  );
  expect(String(manifest.match(/\d\.\w+(?=.* seq)/g))).toBe(
    "6.base,2.incr,5.base,1.incr,4.base,3.incr",
  );
  await expectWhole(kv, kv.log.join("\n"));
});

test("a log that cannot begin when another data set has come is tried again", async () => {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  const log = kv.engine.of(appendOnlyPort);
  const { syncStorage } = kv.host;
  const { makeFolder } = syncStorage;
  syncStorage.makeFolder = () => {
    throw new StorageError("EMFILE", "Too many open files");
  };
  kv.send("FLUSHALL");
  log.dataSetReplaced();
  expect(kv.log.at(-1)).toMatch(/^The AOF cannot be turned on: .*: Too many open files$/);
  expect(infoField(kv, "aof_enabled")).toBe("1");
  kv.send("SET", "a", 1);
  syncStorage.makeFolder = makeFolder;
  kv.clock.advance(1500);
  await kv.until(() => !isRewriting(kv));
  expect(log.state).toBe("on");
  await expectWhole(kv, kv.log.join("\n"));
});

test("a rewrite that was put off and cannot begin is told once, and is over", async () => {
  const kv = harness();
  await kv.engine.load();
  kv.host.disk.put("appendonlydir/appendonly.aof.manifest", Buffer.from("no manifest\n"));
  kv.self.sendBytes("BGSAVE\r\nBGREWRITEAOF\r\n");
  expect([kv.self.receive(), kv.self.receive()]).toEqual([
    "Background saving started",
    "Background append only file rewriting scheduled",
  ]);
  await kv.engine.settled();
  kv.clock.advance(2000);
  expect(kv.log.filter((line) => line.includes("Can't rewrite append only file"))).toHaveLength(1);
  expect(infoField(kv, "aof_rewrite_scheduled")).toBe("0");
  expect(infoField(kv, "aof_last_bgrewrite_status")).toBe("err");
});

test("files that were kept are removed once, however often that is switched meanwhile", async () => {
  const kv = harness({ config: { appendonly: true, "aof-disable-auto-gc": true } });
  await kv.engine.load();
  kv.send("BGREWRITEAOF");
  await kv.until(() => !isRewriting(kv));
  for (const value of ["no", "yes", "no", "yes", "no"])
    kv.send("CONFIG", "SET", "aof-disable-auto-gc", value);
  await kv.engine.settled();
  // A base and a log.
  expect(kv.log.filter((line) => line.includes("Removing the history file"))).toHaveLength(2);
  expect(kv.log.join("\n")).not.toContain("cannot be removed");
  await expectWhole(kv, "removed");
});
