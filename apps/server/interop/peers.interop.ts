/**
 * What operators turn of replication, with redis-server on the other end: a primary of ours with two
 * redis-servers behind it, and a redis-server with two of ours, go through the same and come to the same.
 */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { bothWays, having, limits, type Peers, stopped } from "./peers.ts";
import { field, send } from "./replicated.ts";

const info = (server: ServerProcess) => send(server, ["INFO", "replication"]);
/** Its rows without their values. */
const rowsOf = (text: string) => [...text.matchAll(/^(\w+):/gm)].map(([, name]) => name);
const number = async (server: ServerProcess, name: string) => Number(await field(server, name));

/** The primary's line about the replica. */
async function lineOf({ primary }: Peers, replica: ServerProcess): Promise<string> {
  const line = new RegExp(`^slave\\d:.*port=${replica.port},.*`, "m");
  return (line.exec(await info(primary))?.[0] ?? "none").trimEnd();
}

async function lagOf(peers: Peers, replica: ServerProcess): Promise<number> {
  return Number(/lag=(-?\d+)/.exec(await lineOf(peers, replica))?.[1] ?? Number.NaN);
}

describe.runIf(hasRedisServer())("a primary and its replicas", () => {
  const both = bothWays();

  test("INFO and ROLE have the same rows, and lag counts seconds", async () => {
    const shape = (text: string) => text.replace(/\$\d+\r\n\d+/g, "$n").replace(/\d+/g, "n");
    await both(async (peers) => {
      const { primary, one, replicas } = peers;
      // Counted as online when they have said so for the first time.
      await send(primary, ["SET", "k", "v"], ["WAIT", 2, 5000]);
      for (const each of replicas)
        await expect.poll(() => lineOf(peers, each), limits).toMatch(/state=online.*lag=[01]$/);
      const roles = [await send(primary, ["ROLE"]), await send(one, ["ROLE"])].map(shape);
      const rows = [rowsOf(await info(primary)), rowsOf(await info(one))];
      const line = shape(await lineOf(peers, one));
      return { roles, rows, line };
    });
  });

  test("the primary says PING each second, which counts on both sides", async () => {
    await both(async ({ primary, one }) => {
      const before = await number(primary, "master_repl_offset");
      const isLater = async () => (await number(one, "master_repl_offset")) - before;
      await expect.poll(isLater, limits).toBeGreaterThanOrEqual(28);
      expect((await isLater()) % 14).toBe(0);
      return (await number(one, "master_last_io_seconds_ago")) <= 2;
    });
  });

  test("replica-announce-ip and -port: where the primary says that it is", async () => {
    const line = await both(async ({ primary, one, other }) => {
      const seen = await having(
        one,
        { "replica-announce-ip": "10.1.2.3", "replica-announce-port": 7777 },
        async () => {
          await send(one, ["CLIENT", "KILL", "TYPE", "master"]);
          await expect.poll(() => info(primary), limits).toContain("port=7777,state=online");
          const isListed = await having(other, { "replica-announced": "no" }, () =>
            field(other, "replica_announced"),
          );
          return [
            /slave\d:(ip=.*state=\w+)/.exec((await info(primary)).replace(/slave0:.*/, ""))?.[1],
            (await send(primary, ["ROLE"])).includes("$8\r\n10.1.2.3\r\n$4\r\n7777\r\n"),
            isListed,
          ];
        },
      );
      await send(one, ["CLIENT", "KILL", "TYPE", "master"]);
      await expect.poll(() => info(primary), limits).not.toContain("7777");
      return seen;
    });
    expect(line).toEqual(["ip=10.1.2.3,port=7777,state=online", true, "0"]);
  });

  test("repl-diskless-sync-max-replicas: the second has no time to wait, and both share a cut", async () => {
    const states = await both(async (peers) => {
      const { primary, one, other } = peers;
      const config = { "repl-diskless-sync-delay": 60, "repl-diskless-sync-max-replicas": 2 };
      return having(primary, config, async () => {
        const cuts = peers.logged("Starting BGSAVE for SYNC with target: replicas sockets");
        for (const each of [one, other]) await peers.estrange(each);
        await peers.follow(one);
        await expect.poll(() => lineOf(peers, one), limits).toContain("state=wait_bgsave");
        await peers.follow(other);
        await peers.areLevel();
        return peers.logged("Starting BGSAVE for SYNC with target: replicas sockets") - cuts;
      });
    });
    expect(states).toBe(1);
  });

  test.each(["yes", "no"])(
    "repl-diskless-sync %s: who comes late, and writes meanwhile",
    async (isDiskless) => {
      const seen = await both(async (peers) => {
        const { primary, one, other } = peers;
        await send(primary, ["DEBUG", "POPULATE", 1500, "slow", 50]);
        const config = { "repl-diskless-sync": isDiskless, "rdb-key-save-delay": 1000 };
        return having(primary, config, async () => {
          for (const each of [one, other]) await peers.estrange(each);
          await peers.follow(one);
          await expect.poll(() => field(one, "master_sync_in_progress"), limits).toBe("1");
          const rows = rowsOf(await info(one));
          await peers.follow(other);
          for (let count = 0; count < 50; count++)
            await send(primary, ["SET", `slow:${count}`, "changed"], ["INCR", "meanwhile"]);
          await peers.areLevel();
          return rows;
        });
      });
      expect(seen).toEqual(expect.arrayContaining(["master_sync_read_bytes", "master_sync_perc"]));
    },
  );

  test("keys that expire and keys that are evicted go there, too", async () => {
    const evicted = await both(async (peers) => {
      const { primary, one } = peers;
      await send(primary, ["FLUSHALL"]);
      for (const lazy of ["yes", "no"]) {
        const config = { "lazyfree-lazy-eviction": lazy, "lazyfree-lazy-expire": lazy };
        await having(primary, config, async () => {
          await send(primary, ["SET", "short", "v", "PX", 30]);
          await expect.poll(() => send(primary, ["DBSIZE"]), limits).toBe(":0\r\n");
          const used = await number(primary, "used_memory");
          const full = { maxmemory: used + 2_000_000, "maxmemory-policy": "allkeys-lru" };
          await having(primary, full, async () => {
            const value = "x".repeat(20_000);
            for (let round = 0; round < 10; round++)
              await send(
                primary,
                ...Array.from({ length: 40 }, (_, key) => ["SET", `k:${round}:${key}`, value]),
              );
          });
          await peers.areLevel();
        });
        await send(primary, ["FLUSHALL"]);
      }
      expect(await number(one, "evicted_keys")).toBe(0);
      const told = await send(one, ["INFO", "commandstats"]);
      return [
        (await number(primary, "evicted_keys")) > 0,
        ...["del", "unlink"].map((name) => told.includes(`cmdstat_${name}:`)),
      ];
    });
    expect(evicted).toEqual([true, true, true]);
  });

  test("what has expired is hidden, and kept until the primary says that it goes", async () => {
    const seen = await both(async (peers) => {
      const { primary, one } = peers;
      await send(primary, ["FLUSHALL"], ["DEBUG", "SET-ACTIVE-EXPIRE", 0]);
      try {
        await send(primary, ["SET", "k", "v", "PX", 50], ["WAIT", 2, 5000]);
        await expect.poll(() => send(one, ["EXISTS", "k"]), limits).toBe(":0\r\n");
        const hidden = [await send(one, ["GET", "k"]), await send(one, ["DBSIZE"])];
        await send(primary, ["GET", "k"]);
        await expect.poll(() => send(one, ["DBSIZE"]), limits).toBe(":0\r\n");
        return hidden;
      } finally {
        await send(primary, ["DEBUG", "SET-ACTIVE-EXPIRE", 1]);
      }
    });
    expect(seen).toEqual(["$-1\r\n", ":1\r\n"]);
  });

  test("a replica that may be written to: its own keys are its own, and so are their ends", async () => {
    const seen = await both(async (peers) => {
      const { primary, one } = peers;
      await send(primary, ["FLUSHALL"], ["SET", "theirs", "v"], ["WAIT", 2, 5000]);
      const refused = await send(one, ["SET", "own", 1]);
      const replies = await having(one, { "replica-read-only": "no" }, async () => [
        await send(one, ["SET", "own", 1, "PX", 100]),
        await send(one, ["DEL", "theirs"]),
        await field(one, "slave_expires_tracked_keys"),
      ]);
      await expect.poll(() => send(one, ["DBSIZE"]), limits).toBe(":0\r\n");
      await send(primary, ["FLUSHALL"]);
      await peers.areLevel();
      return [refused, ...replies];
    });
    expect(seen).toEqual([
      "-READONLY You can't write against a read only replica.\r\n",
      ...["+OK\r\n", ":1\r\n", "1"],
    ]);
  });

  test("repl-backlog-size and -ttl: what can be gone on from", async () => {
    const counts = await both(async (peers) => {
      const { primary, one, other } = peers;
      const sums = async () => [
        await number(primary, "sync_full"),
        await number(primary, "sync_partial_ok"),
      ];
      const before = await sums();
      const since = async () => (await sums()).map((sum, index) => sum - (before[index] as number));
      const seen: number[][] = [];
      /** The replicas hear nothing of what is written meanwhile. */
      const missing = async (bytes: number) => {
        await stopped(one, () =>
          stopped(other, async () => {
            await send(primary, ["CLIENT", "KILL", "TYPE", "replica"]);
            await send(primary, ["SET", "missed", "x".repeat(bytes)]);
          }),
        );
        await peers.areLevel();
        seen.push(await since());
      };
      await having(primary, { "repl-backlog-size": 40_000 }, async () => {
        await missing(100);
        await missing(200_000);
      });
      const id = await field(primary, "master_replid");
      await having(primary, { "repl-backlog-ttl": 1 }, async () => {
        for (const each of [one, other]) await send(each, ["REPLICAOF", "NO", "ONE"]);
        await expect.poll(() => field(primary, "repl_backlog_active"), limits).toBe("0");
        for (const each of [one, other]) await peers.follow(each);
        await peers.areLevel();
        seen.push(await since());
      });
      return { seen, isSame: (await field(primary, "master_replid")) === id };
    });
    expect(counts.seen[0]).toEqual([0, 2]);
    expect(counts.seen[1]).toEqual([2, 2]);
    expect(counts).toEqual({ isSame: false, seen: [expect.anything(), expect.anything(), [4, 2]] });
  });

  test("a replica that does not read: one copy for all, and a limit", async () => {
    await both(async (peers) => {
      const { primary, one, other } = peers;
      const value = "x".repeat(2 ** 20);
      const write = async (count: number) => {
        const client = await primary.connect();
        for (let round = 0; round < count; round++) await client.request("SET", "k", value);
        client.close();
      };
      await stopped(one, () =>
        stopped(other, async () => {
          await write(64);
          const kept = await number(primary, "mem_total_replication_buffers");
          // What their sockets hold, which may be half of it, is not there any more.
          expect(kept).toBeGreaterThan(8 * 2 ** 20);
          expect(kept).toBeLessThan(67 * 2 ** 20);
        }),
      );
      await peers.areLevel();
      const limit = { "client-output-buffer-limit": "replica 4mb 0 0" };
      await having(primary, limit, () =>
        stopped(one, async () => {
          await write(64);
          await expect.poll(() => field(primary, "connected_slaves"), limits).toBe("1");
          await peers.areLevel(other);
        }),
      );
      await peers.areLevel();
      await send(primary, ["FLUSHALL"]);
    });
  });

  test("repl-timeout, from both sides; and what a replica answers without its primary", async () => {
    const answers = await both(async (peers) => {
      const { primary, one, other } = peers;
      await having(primary, { "repl-timeout": 3 }, () =>
        stopped(one, async () => {
          await expect.poll(() => lagOf(peers, one), limits).toBeGreaterThanOrEqual(2);
          await expect.poll(() => field(primary, "connected_slaves"), limits).toBe("1");
          expect(await lagOf(peers, other)).toBeLessThan(2);
        }),
      );
      expect(peers.logged("Disconnecting timedout replica (streaming sync)")).toBe(1);
      await send(primary, ["SET", "k", "v"]);
      await peers.areLevel();
      const asked = await having(one, { "repl-timeout": 2, "replica-serve-stale-data": "no" }, () =>
        stopped(primary, async () => {
          await expect.poll(() => field(one, "master_link_status"), limits).toBe("down");
          const requests = [["GET", "k"], ["SET", "k", 1], ["PING"], ["EXISTS", "k"], ["ROLE"]];
          const replies: string[] = [];
          for (const words of requests)
            replies.push((await send(one, words)).replace(/\d+/g, "n").slice(0, 30));
          return having(one, { "replica-serve-stale-data": "yes" }, async () => [
            ...replies,
            await send(one, ["GET", "k"]),
            `${rowsOf(await info(one))}`,
          ]);
        }),
      );
      expect(one.log).toContain("MASTER timeout: no data nor PING received...");
      await peers.areLevel();
      return asked;
    });
    expect(answers[0]).toContain("-MASTERDOWN Link with MASTER");
    expect(answers.at(-1)).toContain("master_link_down_since_seconds");
  });

  test("FAILOVER: ABORT lets held writes go on, FORCE does not wait for ever", async () => {
    const seen = await both(async (peers) => {
      const { primary, one } = peers;
      const states: (string | undefined)[] = [];
      const state = () => field(primary, "master_failover_state");
      const lead = ["FAILOVER", "TO", "127.0.0.1", one.port];
      await stopped(one, async () => {
        // It does not get this, so it is waited for.
        states.push(await send(primary, ["SET", "k", 1], [...lead, "TIMEOUT", 30_000]));
        states.push(await state());
        const writer = await primary.connect();
        const held = writer.request("SET", "held", 1);
        const soon = new Promise((resolve) => setTimeout(() => resolve("held"), 300));
        states.push(`${await Promise.race([held, soon])}`);
        states.push(await send(primary, ["FAILOVER", "ABORT"]), await held);
        states.push(await field(primary, "role"), await state());
        writer.close();
      });
      await peers.areLevel();
      await stopped(one, async () => {
        await send(primary, ["SET", "k", 2], [...lead, "TIMEOUT", 300, "FORCE"]);
        await expect.poll(state, limits).toBe("failover-in-progress");
      });
      await expect.poll(() => field(one, "role"), limits).toBe("master");
      await expect.poll(() => field(primary, "master_link_status"), limits).toBe("up");
      await expect.poll(() => field(one, "slave0"), limits).toContain("state=online");
      expect(await send(one, ["FAILOVER", "TIMEOUT", 10_000])).toBe("+OK\r\n");
      await expect.poll(() => field(primary, "role"), limits).toBe("master");
      await peers.areLevel();
      return [...states, await send(one, ["GET", "held"])];
    });
    expect(seen).toEqual([
      ...["+OK\r\n", "waiting-for-sync", "held", "+OK\r\n", "+OK\r\n", "master", "no-failover"],
      "$1\r\n1\r\n",
    ]);
  });

  test("who comes back from a file goes on where it stood, who has a log begins anew", async () => {
    const counts = await both(async (peers) => {
      const { primary } = peers;
      const before = await number(primary, "sync_full");
      const seen: number[] = [];
      for (const appendonly of ["no", "yes"]) {
        const { one } = peers;
        await send(one, ["CONFIG", "SET", "appendonly", appendonly]);
        await expect.poll(() => number(one, "aof_rewrite_in_progress"), limits).toBe(0);
        await send(one, ["SAVE"]);
        await one.kill();
        await send(primary, ["SET", "missed", appendonly]);
        await peers.restart("one", { replicaof: `127.0.0.1 ${primary.port}`, appendonly });
        await peers.areLevel();
        seen.push((await number(primary, "sync_full")) - before);
      }
      return seen;
    });
    expect(counts).toEqual([0, 1]);
  });

  test("SHUTDOWN waits for replicas, and the primary goes on with them behind its restart", async () => {
    const counts = await both(async (peers) => {
      const { primary, one, other } = peers;
      let isOver = false;
      void primary.exited.then(() => {
        isOver = true;
      });
      await stopped(one, async () => {
        const client = await primary.connect();
        await client.request("SET", "last", 1);
        client.request("SHUTDOWN", "SAVE").catch(() => {});
        await expect
          .poll(() => primary.log, limits)
          .toMatch(/[Ww]aiting for replicas before shutting down/);
        // Writes are held by now, so nothing is lost.
        expect(isOver).toBe(false);
      });
      expect(await primary.exited).toEqual({ code: 0, signal: null });
      for (const each of [one, other]) expect(await send(each, ["GET", "last"])).toContain("1");
      await peers.restart("primary", {});
      await send(peers.primary, ["SET", "first", 1]);
      await peers.areLevel();
      return [
        await number(peers.primary, "sync_full"),
        await number(peers.primary, "sync_partial_ok"),
      ];
    });
    expect(counts).toEqual([0, 2]);
  });

  test("what a replica cannot do is told, and ends it where propagation-error-behavior says so", async () => {
    await both(async (peers) => {
      const { primary, one, other } = peers;
      for (const each of [one, other])
        await having(each, { "replica-read-only": "no" }, async () => {
          await send(each, ["SET", "list", "none"]);
        });
      await send(other, ["CONFIG", "SET", "propagation-error-behavior", "ignore"]);
      await send(primary, ["RPUSH", "list", "a"]);
      // Whether a dash stands there has changed since 7.0.
      const line =
        /This replica is sending an error to its master: '-?WRONGTYPE .* after processing the command 'rpush'/;
      for (const each of [one, other])
        await expect.poll(() => line.test(each.log), limits).toBe(true);
      await one.exited;
      expect(await field(other, "master_link_status")).toBe("up");
      expect(await field(other, "unexpected_error_replies")).toBe("1");
    });
  });
});
