/**
 * What `npm test [-- --interop]` does: installs, builds and judges everything, one line per stage,
 * all of them even when one fails. Ends with the line `N passed, N failed`: tests, and each failed
 * stage that is not itself a run of tests counts as one failure.
 *
 * `--interop` adds the tests that run against redis-server, which must be installed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeChangesets } from "./changesets.mjs";
import { judgePackages } from "./packages.mjs";
import { build, install, run, toolEnvironment } from "./prepare.mjs";

const scratch = mkdtempSync(join(tmpdir(), "kv-test-"));
const total = { passed: 0, failed: 0 };

/** Runs one stage and prints its line, then its output if it failed. Resolves to its success. */
async function stage(name, work) {
  const startedMs = performance.now();
  const { code, output, note = "", failed = 1 } = await work();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (code !== 0) {
    total.failed += failed;
    console.log(output.trimEnd());
  }
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)${note}`);
  return code === 0;
}

/** Runs Vitest and adds its counts to the total. */
async function vitest(config, env = {}) {
  const report = join(scratch, `${config}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const args = ["run", "--config", config, "--passWithNoTests", ...reporters];
  const { code } = await run("vitest", args, {
    show: true,
    limitMs: 960_000,
    env: { ...toolEnvironment, ...env },
  });

  let counts;
  try {
    counts = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { code: 1, output: "vitest left no report" };
  }
  // A file that cannot be loaded has no tests to fail; it is one failure all the same.
  const unloadable = counts.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"),
  ).length;
  const failed = counts.numFailedTests + unloadable;
  const skipped = counts.numPendingTests + counts.numTodoTests;
  total.passed += counts.numPassedTests;
  return {
    // An error outside every test fails the run without failing a test.
    code: code === 0 && failed === 0 ? 0 : 1,
    output: "",
    failed: Math.max(failed, 1),
    note: `: ${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  };
}

if (await stage("install", install)) {
  // First of all: a forbidden import also fails the build, the types and the search for dead code,
  // which then advise to declare the package.
  await stage("layers", () => run("node", ["scripts/layers.mjs"]));
  const isBuilt = await stage("build", build);
  await stage("lint", () => run("biome", ["check", "--diagnostic-level=error", "."]));
  await stage("dead code", () => run("knip", ["--no-progress", "--treat-config-hints-as-errors"]));
  await stage("types", async () => {
    const sources = await run("tsc", ["-b"]);
    const tests = await run("tsc", ["-p", "tsconfig.test.json"]);
    return { code: sources.code || tests.code, output: sources.output + tests.output };
  });
  await stage("api", () => run("node", ["scripts/api.mjs", "--check"]));
  await stage("command page", () => run("node", ["scripts/commands-page.mjs", "--check"]));
  await stage("directive page", () => run("node", ["scripts/directives-page.mjs", "--check"]));
  await stage("changesets", judgeChangesets);
  if (isBuilt) await stage("packages", () => judgePackages(scratch));
  // Tests that start the program need not read its sources each time.
  const env = isBuilt ? { KV_TEST_BUILT: "1" } : {};
  await stage("tests", () => vitest("vitest.config.ts", env));
  if (process.argv.includes("--interop")) {
    await stage("interop", () => vitest("vitest.interop.config.ts"));
  }
}

rmSync(scratch, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
