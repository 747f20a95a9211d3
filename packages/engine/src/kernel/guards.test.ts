import { CommandError } from "@kv/commands";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { accessPort } from "../systems/acl/access.ts";
import { savingPort } from "../systems/saving/saving.ts";
import { type Guard, type GuardName, guardNames } from "./guards.ts";
import { EngineState } from "./situation.ts";

/** A server with a system that has these guards. */
function guardedBy(guards: Partial<Record<GuardName, Guard>>): Harness {
  return harness({ modules: [{ name: "guarded", start: () => ({ guards }) }] });
}

describe("guards", () => {
  test("stand in Redis's order, and one behind pausing, which is ours", () => {
    expect(guardNames).toEqual([
      "quit",
      "protected",
      "auth",
      "transaction",
      "acl",
      "cluster",
      "memory",
      "disk",
      "replicas",
      "read-only",
      "subscriber",
      "stale",
      "loading",
      "busy",
      "watcher",
      "pause",
      "migration",
      "absent",
      "multi",
    ]);
  });

  test("quit passes them all, even without the password", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.engine.situation.setUnusual(EngineState.LOADING, true);
    expect(kv.send("QUIT")).toBe("OK");
    expect(kv.self.closed).toBe(true);
  });

  test("protected: what its directive forbids is refused ahead of all else", () => {
    const forbidding = { "enable-debug-command": "no", "enable-module-command": "no" };
    const kv = harness({ config: forbidding });
    const isRefusal = (reply: unknown, command: string) =>
      String((reply as CommandError).reply).startsWith(
        `ERR ${command} command not allowed. If the `,
      );
    kv.send("MULTI");
    expect(isRefusal(kv.send("DEBUG", "SLEEP", "0"), "DEBUG")).toBe(true);
    expect(isRefusal(kv.send("MODULE", "LOAD", "x"), "MODULE")).toBe(true);
    expect(kv.send("SET", "a", "1")).toBe("QUEUED");
    expect(kv.send("EXEC")).toBe(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
    expect(kv.send("EXISTS", "a")).toBe(0);
    expect(kv.send("INFO", "commandstats")).toContain(
      "cmdstat_debug:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0",
    );
    // Ahead of rights and of the password, too.
    kv.send("ACL", "SETUSER", "default", "-debug");
    expect(isRefusal(kv.send("DEBUG", "SLEEP", "0"), "DEBUG")).toBe(true);
    kv.send("CONFIG", "SET", "requirepass", "secret");
    expect(isRefusal(kv.client().send("DEBUG", "SLEEP", "0"), "DEBUG")).toBe(true);
    expect(isRefusal(kv.send("MODULE", "UNLOAD", "x"), "MODULE")).toBe(true);
    expect(kv.send("MODULE", "LIST")).toEqual([]);
  });

  test("auth: nothing but logging in before the password", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    const refused = kv.error("NOAUTH Authentication required.");
    expect(kv.send("GET", "k")).toBe(refused);
    expect(kv.send("AUTH", "wrong")).toBe(
      kv.error("WRONGPASS invalid username-password pair or user is disabled."),
    );
    expect(kv.send("PING")).toBe(refused);
    expect(kv.send("AUTH", "secret")).toBe("OK");
    expect(kv.send("PING")).toBe("PONG");
  });

  test("acl: what the user may not do is refused, counted and logged", () => {
    const kv = harness();
    kv.send("ACL", "SETUSER", "default", "-get");
    expect(kv.send("GET", "k")).toBe(
      kv.error("NOPERM User default has no permissions to run the 'get' command"),
    );
    expect(kv.send("SET", "k", "v")).toBe("OK");
    expect(kv.engine.of(accessPort).denied.command).toBe(1);
    expect(kv.engine.of(accessPort).log.entries).toMatchObject([
      { reason: "command", context: "toplevel", object: "get", username: "default", count: 1 },
    ]);
  });

  test("cluster: a redirection is answered, and ends a transaction at EXEC", () => {
    const moved = new CommandError("MOVED 12182 127.0.0.1:7001");
    let redirects = true;
    const kv = guardedBy({
      cluster: (_client, row) => (redirects && row.command.keys.length > 0 ? moved : null),
    });
    kv.engine.situation.setUnusual(EngineState.CLUSTER, true);
    expect(kv.send("GET", "foo")).toBe(kv.error(moved.reply));
    expect(kv.send("PING")).toBe("PONG");
    kv.send("MULTI");
    expect(kv.send("SET", "foo", 1)).toBe(kv.error(moved.reply));
    redirects = false;
    expect(kv.send("EXEC")).toBe(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
  });

  test("memory: over the limit, what may grow memory is refused and the rest runs", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("CONFIG", "SET", "maxmemory", 1);
    const refused = kv.error("OOM command not allowed when used memory > 'maxmemory'.");
    expect(kv.send("SET", "k", "w")).toBe(refused);
    expect(kv.send("GET", "k")).toBe("v");
    expect(kv.send("DEL", "k")).toBe(1);
  });

  test("memory: over the limit nothing is queued, for the queue takes memory, too", () => {
    const kv = harness();
    const refused = kv.error("OOM command not allowed when used memory > 'maxmemory'.");
    const aborted = kv.error("EXECABORT Transaction discarded because of previous errors.");
    kv.send("CONFIG", "SET", "maxmemory", 1);
    for (const command of ["SET k v", "GET k", "PING", "CONFIG GET maxmemory"]) {
      kv.send("MULTI");
      expect(kv.send(...command.split(" "))).toBe(refused);
      expect(kv.send("EXEC")).toBe(aborted);
    }
    kv.send("MULTI");
    expect(kv.send("MULTI")).toBe(refused);
    expect(kv.send("WATCH", "k")).toBe(refused);
    expect(kv.send("EXEC")).toBe(aborted);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toEqual([]);
    kv.send("MULTI");
    expect(kv.send("DISCARD")).toBe("OK");
  });

  test("memory: an EXEC whose queue may grow memory is refused as a whole", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    kv.client().send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.send("EXEC")).toBe(
      kv.error(
        "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
      ),
    );
    expect(kv.send("EXEC")).toBe(kv.error("ERR EXEC without MULTI"));
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("disk: a failed save refuses writes and PING until one succeeds", async () => {
    const kv = harness({ config: { save: "3600 1" } });
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    await backgroundSave(kv);
    const refused = kv.send("SET", "k", "v");
    expect(refused).toBeInstanceOf(CommandError);
    expect((refused as CommandError).reply).toMatch(/^MISCONF Redis is configured to save RDB/);
    expect(kv.send("PING")).toBe(refused);
    expect(kv.send("GET", "k")).toBe(null);
    kv.send("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
    expect(kv.send("SET", "k", "v")).toBe("OK");
    kv.send("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes");
    expect(kv.send("SET", "k", "v")).toBe(refused);
    kv.host.disk.failsFrom = undefined;
    await backgroundSave(kv);
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });

  test("replicas: too few good ones", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.LACKS_REPLICAS, true);
    expect(kv.send("SET", "k", "v")).toBe(
      kv.error("NOREPLICAS Not enough good replicas to write."),
    );
    expect(kv.send("GET", "k")).toBe(null);
    kv.engine.situation.setUnusual(EngineState.LACKS_REPLICAS, false);
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });

  test("read-only: a replica takes no writes from normal clients", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.REPLICA | EngineState.READ_ONLY, true);
    expect(kv.send("SET", "k", "v")).toBe(
      kv.error("READONLY You can't write against a read only replica."),
    );
    kv.engine.situation.setUnusual(EngineState.READ_ONLY, false);
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });

  test("subscriber: RESP2 clients with subscriptions may do little else", () => {
    const kv = harness();
    kv.send("SUBSCRIBE", "news");
    expect(kv.send("GET", "k")).toBe(
      kv.error(
        "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
      ),
    );
    expect(kv.send("PING")).toEqual(["pong", ""]);
    const modern = harness({ resp: 3 });
    modern.send("SUBSCRIBE", "news");
    expect(modern.send("GET", "k")).toBe(null);
  });

  test.each([
    { state: EngineState.REPLICA | EngineState.STALE, code: "MASTERDOWN", refused: "PING" },
    { state: EngineState.LOADING, code: "LOADING", refused: "GET k" },
    { state: EngineState.ASYNC_LOADING, code: "LOADING", refused: "BGSAVE" },
  ])("EXEC is judged by what it would run, as things are by then: $code, $refused", (row) => {
    const kv = harness();
    const outcomeOf = (command: string) => {
      kv.send("MULTI");
      kv.send(...command.split(" "));
      kv.engine.situation.setUnusual(row.state, true);
      const outcome = kv.send("EXEC");
      kv.engine.situation.setUnusual(row.state, false);
      return outcome;
    };
    expect((outcomeOf(row.refused) as CommandError).reply).toMatch(
      new RegExp(`^EXECABORT .*: ${row.code} `),
    );
    expect(outcomeOf("INFO keyspace")).toHaveLength(1);
    expect(kv.send("EXEC")).toBe(kv.error("ERR EXEC without MULTI"));
  });

  test("stale: a replica without its primary, told not to serve old data", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.REPLICA | EngineState.STALE, true);
    expect(kv.send("GET", "k")).toBe(
      kv.error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    );
    expect(kv.send("PING")).toBe(
      kv.error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    );
    expect(kv.send("CLIENT", "ID")).toBe(1);
  });

  test("loading: what needs the data set waits for it", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.LOADING, true);
    expect(kv.send("GET", "k")).toBe(kv.error("LOADING Redis is loading the dataset in memory"));
    expect(kv.send("INFO", "server")).toMatch(/redis_version/);
    kv.engine.situation.setUnusual(EngineState.LOADING, false);
    expect(kv.send("GET", "k")).toBe(null);
  });

  test("busy: a script that runs too long lets only what ends it through", () => {
    const kv = harness();
    kv.engine.situation.setUnusual(EngineState.BUSY, true);
    expect((kv.send("GET", "k") as CommandError).reply).toMatch(/^BUSY /);
    const busy = new CommandError("BUSY");
    const scripted = guardedBy({
      busy: (_client, row) => (row.fullName === "get" ? null : busy),
    });
    scripted.engine.situation.setUnusual(EngineState.BUSY, true);
    expect(scripted.send("GET", "k")).toBe(null);
    expect(scripted.send("SET", "k", "v")).toBe(kv.error("BUSY"));
  });

  test("pause: commands wait in order, and are answered when it ends", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("CLIENT", "PAUSE", 100, "WRITE");
    expect(other.send("SET", "k", 1)).toBe(undefined);
    expect(other.send("INCR", "k")).toBe(undefined);
    expect(kv.send("GET", "k")).toBe(null);
    kv.clock.advance(200);
    expect(other.receive()).toBe("OK");
    expect(other.receive()).toBe(2);
  });

  test("multi: what is queued is not run", () => {
    const kv = harness();
    kv.send("MULTI");
    expect(kv.send("SET", "k", "v")).toBe("QUEUED");
    expect(kv.client().send("EXISTS", "k")).toBe(0);
    expect(kv.send("EXEC")).toEqual(["OK"]);
  });

  test("each refusal is counted for its command and by its code", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.send("GET", "k");
    kv.send("AUTH", "secret");
    expect(kv.send("INFO", "commandstats")).toMatch(
      /cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0/,
    );
    expect(kv.send("INFO", "errorstats")).toMatch(/errorstat_NOAUTH:count=1/);
  });
});

/** BGSAVE, and all the turns that it takes. */
async function backgroundSave(kv: Harness): Promise<void> {
  expect(kv.send("BGSAVE")).toBe("Background saving started");
  for (let turn = 0; kv.engine.of(savingPort).isRunning && turn < 1000; turn++) {
    kv.engine.turn();
    await Promise.resolve();
  }
  expect(kv.engine.of(savingPort).isRunning).toBe(false);
}
