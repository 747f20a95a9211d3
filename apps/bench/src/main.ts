/**
 * `pnpm bench`: measures our server against redis-server on this machine, in turns, and writes
 * the ratios to the terminal and to RESULTS.md. See report.ts for how to read them.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, getPriority, platform, release, setPriority, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseOptions, usage } from "./options.ts";
import { plainClaims, plainSection, type RunFacts, renderResults } from "./report.ts";
import { type Context, type Section, sizes } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { cleanUpAtExit, isInstalled, ourServer, referenceServer } from "./servers.ts";

const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
const OUR_SERVER = fileURLToPath(new URL("../../server/bin/kv-server.mjs", import.meta.url));

function factsOf(context: Context): RunFacts {
  const version = execFileSync(context.redis.command, ["--version"], { encoding: "utf8" });
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpuModel: cpus()[0]?.model ?? "unknown processor",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    redis: `redis-server ${/v=(\S+)/.exec(version)?.[1] ?? "of unknown version"}`,
    sizes: context.sizes.name,
    rounds: context.rounds,
    niceness: getPriority(),
  };
}

async function run(): Promise<number> {
  const names = [...scenarios.keys()];
  const options = parseOptions(process.argv.slice(2), names);
  if (options.help) {
    console.log(usage(names));
    return 0;
  }
  if (platform() !== "linux") throw new Error("CPU time and memory are read from Linux's /proc");
  cleanUpAtExit();
  // Threads and processes started from here on inherit it.
  if (options.niceness !== undefined) setPriority(options.niceness);

  const ours = ourServer(options.ours ?? OUR_SERVER);
  const redis = referenceServer(options.reference);
  for (const kind of [ours, redis]) {
    if (!isInstalled(kind)) throw new Error(`cannot run ${kind.command} ${kind.prefix.join(" ")}`);
  }
  const chosen = sizes[options.sizes];
  const startMs = performance.now();
  const context: Context = {
    ours,
    redis,
    sizes: chosen,
    rounds: options.rounds ?? chosen.rounds,
    say(progress) {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      console.error(`[${seconds.padStart(5)} s] ${progress}`);
    },
  };
  const facts = factsOf(context);
  console.log(
    `${facts.cpuModel}, ${facts.cores} cores (shared), ${facts.memoryGb} GiB, Linux ${facts.kernel}, ` +
      `Node ${facts.node}, ${facts.redis}, ${facts.sizes} sizes, ${facts.rounds} rounds, niceness ${facts.niceness}`,
  );

  const sections: Section[] = [];
  let failures = 0;
  for (const name of options.only) {
    context.say(`${name} ...`);
    try {
      const section = await scenarios.get(name)!(context);
      sections.push(section);
      console.log(plainSection(section));
      // Written after each scenario: an hour of figures should survive the failure of the next.
      if (options.keep) {
        const previous = existsSync(RESULTS) ? readFileSync(RESULTS, "utf8") : "";
        writeFileSync(RESULTS, renderResults(previous, facts, sections, names));
      }
    } catch (error) {
      failures++;
      console.error(`${name} failed:`, error);
    }
  }
  console.log(plainClaims(sections));
  return failures === 0 ? 0 : 1;
}

try {
  process.exit(await run());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
