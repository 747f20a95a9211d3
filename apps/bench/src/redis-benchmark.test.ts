import { describe, expect, test } from "vitest";
import { benchmarkArguments, parseCsv } from "./redis-benchmark.ts";

const csv = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"LRANGE mylist 0 99","119760.48","5.227","0.232","4.711","10.023","19.455","20.159"
`;

describe("redis-benchmark", () => {
  test("its columns are found by name", () => {
    expect(parseCsv(csv)).toEqual([
      {
        test: "LRANGE mylist 0 99",
        requestsPerSecond: 119760.48,
        p50Ms: 4.711,
        p99Ms: 19.455,
        maxMs: 20.159,
      },
    ]);
  });

  test("a command's words may hold what separates columns, and the ends of lines", () => {
    const figures = '"1200.50","0.1","0.2","0.3","0.4","0.5","0.6"';
    const words = 'EVAL return\n1 0 {"a":"b","c":1}';
    const [row] = parseCsv(`${csv.split("\n")[0]}\n"${words}",${figures}\n`);
    expect(row).toMatchObject({ requestsPerSecond: 1200.5, p50Ms: 0.3, maxMs: 0.6 });
  });

  test("warnings and progress are not results", () => {
    expect(parseCsv("WARNING: Could not fetch server CONFIG\n")).toEqual([]);
    expect(parseCsv(`WARNING: no CONFIG\n${csv}`)).toHaveLength(1);
    expect(() => parseCsv(csv.replace("rps", "speed"))).toThrow("no column rps");
  });

  test("a named test and a command of our own are called differently", () => {
    const run = { port: 1, requests: 10, pipeline: 16, randomKeys: 99 };
    expect(benchmarkArguments({ ...run, test: "get" }).slice(-4)).toEqual([
      "-r",
      "99",
      "-t",
      "get",
    ]);
    expect(benchmarkArguments({ ...run, test: ["LRANGE", "l", "0"] }).slice(-4)).toEqual([
      "99",
      "LRANGE",
      "l",
      "0",
    ]);
    const lastWord = Uint8Array.of(0x81, 0);
    expect(benchmarkArguments({ ...run, test: ["ECHO"], lastWord }).slice(-3)).toEqual([
      "99",
      "-x",
      "ECHO",
    ]);
  });
});
