/**
 * Scripts that mean harm, against a real server: each is answered, or others are told that the server is busy
 * and SCRIPT KILL ends it; PING is answered at once afterwards; nothing is seen of another user's data, nothing
 * is left for the next script, and no memory is lost.
 *
 * KV_HOSTILE_SCRIPTS=100000 runs so many, KV_HOSTILE_SEED others.
 */
import {
  Chance,
  drawnSeed,
  HostileScriptMaker,
  type ServerProcess,
  type WireClient,
} from "@kv/testing";
import { afterEach, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { pause } from "./client-script.ts";
import { ownBytes } from "./process-memory.ts";

const count = Number(process.env.KV_HOSTILE_SCRIPTS ?? 1500);
const seed = drawnSeed("KV_HOSTILE_SEED");
/** By then everything is compiled, and buffers and the runtime's heap have come to their size. */
const warmUp = Math.min(10_000, Math.floor(count / 2));

const MIB = 2 ** 20;
/** In a short run, what the runtime keeps for itself is still growing. */
const GROWTH_MAX = (count > 20_000 ? 20 : 80) * MIB;
const PING_MS_MAX = 100;
/** How long a script is given before others ask after it. */
const PATIENCE_MS = 60;
/** The longest that anything a script calls may go on without asking whether it is to stop. */
const STANDSTILL_MS_MAX = 20_000;
const SECRET = "what-guests-must-not-see";

let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** What scripts find in their world, as a text. */
const PROBE = `local o = {}
for k, v in pairs(_G) do
  o[#o + 1] = k .. ':' .. type(v)
  if type(v) == 'table' and v ~= _G and k ~= 'KEYS' and k ~= 'ARGV' then
    for n, w in pairs(v) do o[#o + 1] = k .. '.' .. n .. ':' .. type(w) end
  end
end
table.sort(o)
return table.concat(o, ' ') .. ('x'):upper() .. string.rep('y', 3) .. cjson.encode({1 / 3, {a = {{}}}, [4] = 1})
  .. #cmsgpack.pack({1, {2}}) .. bit.band(7, 3) .. tostring(getmetatable('').__add) .. math.max(1, 2) .. redis.sha1hex('')
  .. tostring(pcall(function() return nothing end)) .. collectgarbage('setpause', 200) .. struct.size('i')`;

const heldBytes = () => ownBytes(server?.pid);

/**
 * What the process holds when it has had time to give back what it does not need. The machine of scripts is
 * made anew for it: how far that has grown by now is a matter of chance.
 */
async function restingBytes(client: WireClient, goal: number, triesMax: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  await client.request("SCRIPT", "FLUSH");
  for (let tries = 0; tries < triesMax && least > goal; tries++) {
    for (let i = 0; i < 50; i++) await client.request("EVAL", "return ARGV[1]", 0, "x".repeat(i));
    least = Math.min(least, heldBytes());
    await pause(50);
  }
  return least;
}

class Guest {
  slowestPingMs = 0;
  latePings = 0;
  killed = 0;
  longestStandstillMs = 0;
  /** The script that caused it. */
  longestSource = "";
  private readonly client: WireClient;
  private readonly watcher: WireClient;

  constructor(client: WireClient, watcher: WireClient) {
    this.client = client;
    this.watcher = watcher;
  }

  /** Runs a script to its end, which is brought about if it does not come by itself. */
  async run(source: string): Promise<string> {
    const { client, watcher } = this;
    client.write(`*3\r\n$4\r\nEVAL\r\n$${source.length}\r\n${source}\r\n$1\r\n0\r\n`);
    let reply = await client.replies(1, PATIENCE_MS);
    if (reply === "") this.killed++;
    while (reply === "") {
      if (client.isClosed) throw new Error("the connection was closed");
      const startMs = performance.now();
      const told = await watcher.request("PING");
      const standstillMs = performance.now() - startMs;
      if (standstillMs > this.longestStandstillMs) {
        this.longestStandstillMs = standstillMs;
        this.longestSource = source;
      }
      expect(told).toMatch(/^(\+PONG|-BUSY Redis is busy running a script)/);
      if (told.startsWith("-"))
        expect(await watcher.request("SCRIPT", "KILL")).toMatch(/^(\+OK|-NOTBUSY)/);
      reply = await client.replies(1, PATIENCE_MS);
    }
    // Nothing else may come first: then the reply was whole.
    // Where others use the processors, too, a PING may be late, but not five.
    let pingMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 5 && pingMs > PING_MS_MAX; tries++) {
      const startMs = performance.now();
      expect(await client.request("PING")).toBe("+PONG\r\n");
      pingMs = performance.now() - startMs;
      this.slowestPingMs = Math.max(this.slowestPingMs, pingMs);
    }
    if (pingMs > PING_MS_MAX) this.latePings++;
    return reply;
  }
}

test(
  `${count} hostile scripts from seed ${seed} do no harm`,
  async () => {
    server = await startOurs({
      config: { "busy-reply-threshold": 20, maxmemory: "1gb", "proto-max-bulk-len": "1mb" },
    });
    const owner = await server.connect();
    await owner.request("SET", "secret", SECRET);
    const rules = "on nopass ~guest:* &* +@all -@admin -@dangerous".split(" ");
    expect(await owner.request("ACL", "SETUSER", "guest", ...rules)).toBe("+OK\r\n");
    const client = await server.connect();
    expect(await client.request("AUTH", "guest", "x")).toBe("+OK\r\n");
    const guest = new Guest(client, owner);
    const world = await owner.request("EVAL", PROBE, 0);
    expect(world).toContain("redis.call:function");

    const maker = new HostileScriptMaker(new Chance(seed));
    let before = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      if (i === warmUp) before = await restingBytes(owner, 0, 20);
      if (i % 10_000 === 9_999)
        console.info(`${i + 1} scripts, ${(heldBytes() / MIB).toFixed(1)} MiB`);
      const { source, kind } = maker.make();
      const what = `seed ${seed}, script ${i} (${kind}): ${JSON.stringify(source.slice(0, 2000))}`;
      try {
        const reply = await guest.run(source);
        expect(reply.includes(SECRET), "a guest has seen the secret").toBe(false);
        if (i % 100 === 0) expect(await owner.request("EVAL", PROBE, 0)).toBe(world);
      } catch (error) {
        throw new Error(`${what}\n${server.log.slice(-2000)}`, { cause: error });
      }
    }
    expect(await owner.request("EVAL", PROBE, 0)).toBe(world);
    expect(await owner.request("GET", "secret")).toContain(SECRET);
    const after = await restingBytes(owner, before + GROWTH_MAX / 2, 200);
    console.log(
      [
        `${guest.killed} of ${count} were killed or took long`,
        `the slowest PING after a script took ${guest.slowestPingMs.toFixed(1)} ms`,
        `the longest standstill was ${guest.longestStandstillMs.toFixed(0)} ms, by ${JSON.stringify(guest.longestSource.slice(0, 200))}`,
        `${(before / MIB).toFixed(1)} MiB after ${warmUp} scripts, ${(after / MIB).toFixed(1)} MiB in the end`,
      ].join("; "),
    );
    expect(guest.latePings).toBe(0);
    expect(guest.longestStandstillMs).toBeLessThan(STANDSTILL_MS_MAX);
    expect(after).toBeLessThan(before + GROWTH_MAX);
  },
  count * 100 + 120_000,
);
