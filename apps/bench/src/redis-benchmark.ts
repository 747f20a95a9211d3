/** Runs redis-benchmark, the load generator that both servers' users know, and reads its figures. */
import { spawn } from "node:child_process";

export interface BenchmarkRun {
  port: number;
  requests: number;
  pipeline: number;
  clients?: number;
  /** Size of the range of random keys; one fixed key when left out. */
  randomKeys?: number;
  /** One of redis-benchmark's own tests, or the words of any command. */
  test: string | readonly string[];
  /** One word more behind those of `test`, whatever bytes it consists of. */
  lastWord?: Uint8Array;
}

export interface BenchmarkResult {
  test: string;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

const TIME_LIMIT_MS = 180_000;

export function benchmarkArguments(run: BenchmarkRun): string[] {
  const args = ["-h", "127.0.0.1", "-p", `${run.port}`, "-n", `${run.requests}`, "--csv"];
  args.push("-P", `${run.pipeline}`, "-c", `${run.clients ?? 50}`);
  if (run.randomKeys !== undefined) args.push("-r", `${run.randomKeys}`);
  if (run.lastWord !== undefined) args.push("-x");
  return typeof run.test === "string" ? [...args, "-t", run.test] : [...args, ...run.test];
}

/** Runs one test to its end; throws when the server answered with errors or not at all. */
export async function runBenchmark(run: BenchmarkRun): Promise<BenchmarkResult> {
  const output = await collect("redis-benchmark", benchmarkArguments(run), run.lastWord);
  const results = parseCsv(output);
  if (results.length !== 1) throw new Error(`redis-benchmark gave no result: ${output}`);
  return results[0];
}

/** A test's name is the command as it was given: whatever stands in it, the figures end its last line. */
export function parseCsv(output: string): BenchmarkResult[] {
  const lines = output.split("\n");
  const headerAt = lines.findIndex((line) => line.startsWith('"test",'));
  if (headerAt < 0) return [];
  const header = lines[headerAt].slice(1, -1).split('","');
  const rows = lines
    .slice(headerAt + 1)
    .filter((line) => /","[\d.]+"$/.test(line))
    .map((line) => line.replace(/^"|"$/g, "").split('","'))
    .map((cells) => [
      cells.slice(0, 1 - header.length).join('","'),
      ...cells.slice(1 - header.length),
    ]);
  const column = (name: string) => {
    const index = header.indexOf(name);
    if (index < 0) throw new Error(`redis-benchmark has no column ${name}`);
    return index;
  };
  const [test, rps] = [column("test"), column("rps")];
  const [p50, p99, max] = ["p50", "p99", "max"].map((name) => column(`${name}_latency_ms`));
  return rows.map((row) => ({
    test: row[test],
    requestsPerSecond: Number(row[rps]),
    p50Ms: Number(row[p50]),
    p99Ms: Number(row[p99]),
    maxMs: Number(row[max]),
  }));
}

function collect(
  command: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(),
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(command, args, { timeout: TIME_LIMIT_MS, killSignal: "SIGKILL" });
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  let output = "";
  let complaints = "";
  // A short run may be over before it has read what it does not want.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.stdout.setEncoding("latin1").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("latin1").on("data", (text: string) => (complaints += text));
  child.once("error", reject);
  child.once("close", (code, signal) => {
    process.off("exit", killChild);
    if (code === 0 && !/^Error/m.test(output)) resolve(output);
    else
      reject(new Error(`${command} ${args.join(" ")}: ${signal ?? code}\n${output}${complaints}`));
  });
  return promise;
}
