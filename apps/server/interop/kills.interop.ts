/**
 * A server that is killed again and again, on the same files: while it writes, rewrites its log, saves, or
 * starts. It starts again each time, and what it had answered is there:
 *
 *      list     1, 2, 3, ... without a gap, at least as far as was answered
 *      a, b     counted together by transactions: always equal
 *      big:N    long values, so that some kills tear one
 *
 * Killing a process takes nothing that it has given to the kernel, so with an append-only file nothing may be
 * missing, whatever `appendfsync` says; without one, nothing that the last whole save had seen.
 *
 * KV_KILLS=2000 kills so often, KV_KILL_SEED decides when.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Chance,
  drawnSeed,
  requestText,
  type ServerProcess,
  splitReplies,
  type WireClient,
} from "@kv/testing";
import { expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { pause } from "./client-script.ts";

const count = Number(process.env.KV_KILLS ?? 24);
const seed = drawnSeed("KV_KILL_SEED");
/** A list that has become longer is begun anew, so that looking at all of it stays quick. */
const LENGTH_MAX = 20_000;

const ways = {
  always: { appendonly: "yes", appendfsync: "always" },
  everysec: { appendonly: "yes", appendfsync: "everysec" },
  commands: { appendonly: "yes", appendfsync: "no", "aof-use-rdb-preamble": "no" },
  snapshots: { appendonly: "no" },
} as const;

/** One folder, and what every server on it has promised so far. */
class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "kv-kills-"));
  readonly way: keyof typeof ways;
  /** Numbers that were sent to the list, and that were answered. */
  private sent = 0;
  private answered = 0;
  /** As far as must be there: what was answered, or what the last whole save had seen. */
  private promised = 0;
  private readonly chance: Chance;

  constructor(way: keyof typeof ways, chance: Chance) {
    this.way = way;
    this.chance = chance;
  }

  private start(awaitReady: boolean): Promise<ServerProcess> {
    return startOurs({
      config: { ...ways[this.way], "auto-aof-rewrite-min-size": "300kb", hz: 50 },
      folder: this.path,
      awaitReady,
    });
  }

  /** A server starts, is looked at, works, and is killed. */
  async live(): Promise<void> {
    const { chance } = this;
    if (chance.percent(15)) {
      const unlucky = await this.start(false);
      await pause(chance.below(500));
      await unlucky.kill();
    }
    const server = await this.start(true);
    try {
      await this.look(await server.connect());
      await this.work(server);
    } finally {
      await server.kill();
    }
  }

  private async look(client: WireClient): Promise<void> {
    const length = Number((await client.request("LLEN", "list")).slice(1));
    const about = `${this.way}: ${length} of ${this.promised} promised, ${this.sent} sent`;
    expect(length, about).toBeGreaterThanOrEqual(this.promised);
    expect(length, about).toBeLessThanOrEqual(this.sent);
    const all = await client.request("LRANGE", "list", 0, -1);
    const numbers = [...all.matchAll(/\r\n(\d+)(?=\r\n(?:\$|$))/g)].map(([, number]) =>
      Number(number),
    );
    expect(numbers).toEqual(Array.from({ length }, (_, index) => index + 1));
    expect(await client.request("GET", "a")).toBe(await client.request("GET", "b"));
    this.sent = length;
    this.answered = length;
    this.promised = length;
    if (length < LENGTH_MAX) return;
    await client.request("FLUSHALL");
    if (this.way === "snapshots") await client.request("SAVE");
    this.sent = 0;
    this.answered = 0;
    this.promised = 0;
  }

  private async work(server: ServerProcess): Promise<void> {
    const { chance } = this;
    const [list, pair, big, other] = await Promise.all([
      server.connect(),
      server.connect(),
      server.connect(),
      server.connect(),
    ]);
    let isOver = false;
    const counting = this.count(list, () => isOver);
    const pairing = repeat(
      pair,
      () =>
        requestText(["MULTI"]) +
        requestText(["INCR", "a"]) +
        requestText(["INCR", "b"]) +
        requestText(["EXEC"]),
      4,
      () => isOver,
    );
    const filling = repeat(
      big,
      () => requestText(["SET", `big:${chance.below(20)}`, "x".repeat(chance.below(60_000))]),
      1,
      () => isOver,
    );
    const saving = this.save(other, () => isOver);
    await pause(20 + chance.below(600));
    isOver = true;
    server.signal("SIGKILL");
    await server.exited;
    await Promise.all([counting, pairing, filling, saving]);
    if (this.way !== "snapshots") this.promised = this.answered;
  }

  /** Appends numbers, several requests at a time. */
  private async count(client: WireClient, isOver: () => boolean): Promise<void> {
    while (!client.isClosed && !isOver()) {
      let text = "";
      const requests = 1 + this.chance.below(30);
      for (let i = 0; i < requests; i++) text += requestText(["RPUSH", "list", ++this.sent]);
      client.write(text);
      const replies = splitReplies(await client.replies(requests));
      if (replies.length > 0) this.answered = Number(replies[replies.length - 1]?.slice(1));
    }
    const rest = splitReplies(await client.rest(20));
    if (rest.length > 0) this.answered = Number(rest[rest.length - 1]?.slice(1));
  }

  /** Rewrites and saves, one after the other. What a save that has ended had seen is promised. */
  private async save(client: WireClient, isOver: () => boolean): Promise<void> {
    while (!client.isClosed && !isOver()) {
      await pause(this.chance.below(60));
      if (this.way !== "snapshots" && this.chance.percent(70)) {
        await client.request("BGREWRITEAOF");
        continue;
      }
      const seen = this.answered;
      if (!(await client.request("BGSAVE")).startsWith("+")) continue;
      for (let facts = ""; !client.isClosed && !isOver(); await pause(2)) {
        facts = await client.request("INFO", "persistence");
        if (!facts.includes("rdb_bgsave_in_progress:0")) continue;
        if (this.way === "snapshots" && facts.includes("rdb_last_bgsave_status:ok"))
          this.promised = Math.max(this.promised, seen);
        break;
      }
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Sends the same kind of requests, waiting for each, until it is over. */
async function repeat(
  client: WireClient,
  text: () => string,
  replies: number,
  isOver: () => boolean,
): Promise<void> {
  while (!client.isClosed && !isOver()) {
    client.write(text());
    await client.replies(replies);
  }
}

test(`${count} kills with the seed ${seed}`, { timeout: 60_000 + count * 5000 }, async () => {
  const chance = new Chance(seed);
  const folders = (Object.keys(ways) as (keyof typeof ways)[]).map(
    (way) => new Folder(way, chance),
  );
  try {
    for (let i = 0; i < count; i++) {
      const folder = folders[i % folders.length] as Folder;
      await folder.live().catch((error) => {
        throw new Error(`kill ${i} of seed ${seed} (${folder.way}): ${error.message}`, {
          cause: error,
        });
      });
    }
    // And all of them once more, to see what the last kill has left.
    for (const folder of folders) await folder.live();
  } finally {
    for (const folder of folders) folder.remove();
  }
});
