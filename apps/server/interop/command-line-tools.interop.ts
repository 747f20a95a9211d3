/** redis-cli and redis-benchmark against ours, with what they print compared to the real server. */
import { execFile, spawn } from "node:child_process";
import { hasRedisServer, requestText } from "@kv/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Both, needs, startBoth } from "./both-servers.ts";

interface Output {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** Runs a tool to its end, with `input` on its standard input. */
function runTool(name: string, args: readonly string[], input = ""): Promise<Output> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: 30_000, encoding: "latin1", maxBuffer: 2 ** 26 } as const;
    const child = execFile(name, args, limits, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ stdout, stderr, code: child.exitCode });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input, "latin1");
  });
}

describe.runIf(hasRedisServer())("command line tools", () => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both?.stop());
  beforeEach(async () => {
    for (const server of [both.redis, both.ours]) {
      const client = await server.connect();
      await client.request("FLUSHALL");
      client.close();
    }
  });

  const cli = (port: number, args: readonly string[], input?: string) =>
    runTool("redis-cli", ["-p", `${port}`, ...args], input);

  /** The same call to both; their outputs, which must be equal when `tidy` is done with them. */
  async function same(
    args: readonly string[],
    input = "",
    tidy = (text: string) => text,
  ): Promise<string> {
    const theirs = await cli(both.redis.port, args, input);
    const ours = await cli(both.ours.port, args, input);
    expect({ ...ours, stdout: tidy(ours.stdout) }).toEqual({
      ...theirs,
      stdout: tidy(theirs.stdout),
    });
    return ours.stdout;
  }

  const sortLines = (text: string) => text.split("\n").sort().join("\n");

  test("redis-cli: commands as arguments and from standard input", async () => {
    expect(await same(["SET", "k", "v"])).toBe("OK\n");
    await same(["GET", "k"]);
    await same(["GET", "none"]);
    await same(["INCR", "k"]);
    await same(["-x", "SET", "input"], "from\0stdin\n");
    await same(["--raw", "GET", "input"]);
    await same([], "SET a 1\nINCR a\nHSET h f v g w\nHGETALL h\nNOSUCH\nGET\n");
    await same(["-n", "3", "SET", "in3", "x"]);
    await same(["-n", "3", "DBSIZE"]);
    await same(["-r", "5", "INCR", "n"]);
    await same(["--csv", "HGETALL", "h"]);
  });

  test("redis-cli -3: maps and doubles as RESP3 shows them", async () => {
    await same(["-3", "HSET", "h", "f", "v", "g", "w"]);
    expect(await same(["-3", "HGETALL", "h"])).toContain("f");
    await same(["-3", "GET", "none"]);
    await same(["-3", "CONFIG", "GET", "maxmemory"]);
  });

  test("redis-cli -3: scores", async (context) => {
    await needs(context, both.ours, "ZADD");
    await same(["-3", "ZADD", "z", "1.5", "m"]);
    await same(["-3", "ZSCORE", "z", "m"]);
    await same(["-3", "ZRANGE", "z", "0", "-1", "WITHSCORES"]);
  });

  test("redis-cli --pipe: mass insertion", async () => {
    const requests = Array.from({ length: 20_000 }, (_, i) => requestText(["SET", `k${i}`, i]));
    const text = await same(["--pipe"], requests.join(""));
    expect(text).toContain("errors: 0, replies: 20000");
    expect(await same(["DBSIZE"])).toBe("20000\n");
    await same(["--pipe"], requestText(["INCR"]) + requestText(["SET", "a", "b"]));
  });

  test("redis-cli --scan, --bigkeys, --memkeys", async () => {
    const requests = Array.from({ length: 500 }, (_, i) => requestText(["SET", `key:${i}`, "v"]));
    await same(["--pipe"], requests.join(""));
    await same(["HSET", "hash", "f", "v", "g", "w"]);
    expect((await same(["--scan", "--pattern", "key:1*"], "", sortLines)).split("\n")).toHaveLength(
      112,
    );
    await same(["--scan", "--count", "10"], "", sortLines);
    // Which of several equal keys is named the biggest depends on the order of the scan.
    const summary = (text: string) =>
      text.slice(text.indexOf("-------- summary")).replace(/".*"/g, "_");
    expect(await same(["--bigkeys"], "", summary)).toContain("Sampled 501 keys");
    const memkeys = await cli(both.ours.port, ["--memkeys"]);
    expect(memkeys.stdout).toContain("Sampled 501 keys");
    expect(memkeys.stderr).toBe("");
  });

  test("redis-cli INFO has the sections and fields that tools read", async () => {
    const fields = async (port: number) =>
      [...(await cli(port, ["INFO"])).stdout.matchAll(/^(# )?(\w+)/gm)].map((match) => match[0]);
    const theirs = await fields(both.redis.port);
    const ours = new Set(await fields(both.ours.port));
    // Facts of Redis's allocator, compiler, event loop and threads, which have no like here.
    const own =
      /^(allocator_|active_defrag|mem_fragmentation|rss_overhead|lazyfree|redis_build_id|monotonic_clock|multiplexing_api|atomicvar_api|gcc_version|used_cpu_\w+_main_thread)/;
    expect(theirs.filter((name) => !ours.has(name) && !own.test(name))).toEqual([]);
  });

  test("redis-cli --stat prints its line", async () => {
    // The tool does not flush into a pipe by itself.
    const words = ["-oL", "redis-cli", "-p", `${both.ours.port}`, "--stat", "-i", "0.1"];
    const child = spawn("stdbuf", words);
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += `${chunk}`;
    });
    await expect.poll(() => text.split("\n").length, { timeout: 5000 }).toBeGreaterThan(3);
    child.kill("SIGKILL");
    expect(text).toMatch(/keys\s+mem\s+clients/);
    expect(text).toMatch(/^\d+\s+[\d.]+[BKMG]\s+\d+/m);
  });

  test("redis-cli --latency and MONITOR", async () => {
    const latency = await cli(both.ours.port, ["--latency", "--raw", "-i", "1"]);
    expect(latency.stdout).toMatch(/^\d+ \d+ [\d.]+ \d+$/m);
    const monitor = spawn("redis-cli", ["-p", `${both.ours.port}`, "MONITOR"]);
    let text = "";
    monitor.stdout.on("data", (chunk) => {
      text += `${chunk}`;
    });
    await expect.poll(() => text).toContain("OK");
    await cli(both.ours.port, ["SET", "k", "a b"]);
    await expect.poll(() => text).toMatch(/^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "a b"$/m);
    monitor.kill("SIGKILL");
  });

  test("redis-benchmark runs without errors", async () => {
    const tests = "ping_inline,ping_mbulk,set,get,incr,hset,mset";
    const options = ["-q", "-n", "5000", "-c", "20", "-r", "1000", "-t", tests];
    for (const extra of [[], ["-P", "16"]]) {
      const run = await runTool("redis-benchmark", [
        "-p",
        `${both.ours.port}`,
        ...options,
        ...extra,
      ]);
      expect(run.stderr).toBe("");
      expect(run.stdout).not.toMatch(/error/i);
      expect(run.stdout.match(/requests per second/g)).toHaveLength(7);
    }
  });
});
