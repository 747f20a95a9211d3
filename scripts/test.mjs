/**
 * `npm test [-- --interop]`: installs, builds and judges everything, one line per stage, all of
 * them even when one fails. Ends with the line `N passed, N failed`: tests, and each failed stage
 * that is not itself a run of tests counts as one failure.
 *
 * `--interop` adds the tests that run against redis-server, which must be installed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, install, run, workspaceFolders } from "./prepare.mjs";

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

/** Judges the tarball of every published package as its users will receive it. */
async function judgePackages() {
  const published = workspaceFolders().filter(
    (folder) => !JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).private,
  );
  const problems = [];
  await Promise.all(
    published.map(async (folder) => {
      const tarballs = mkdtempSync(join(scratch, "pack-"));
      const pack = ["--dir", folder, "pack", "--pack-destination", tarballs];
      let result = await run("pnpm", pack);
      const file = readdirSync(tarballs)[0];
      if (result.code !== 0 || file === undefined) return problems.push(result.output);
      const tarball = join(tarballs, file);

      result = await run("publint", ["run", tarball, "--strict"]);
      if (result.code !== 0) problems.push(result.output);
      // What has a build for require() is judged for require(), too.
      const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const profile = exports["."].require === undefined ? "esm-only" : "node16";
      const attw = [tarball, "--profile", profile, "--exclude-entrypoints", "./package.json"];
      result = await run("attw", [...attw, "--no-emoji"]);
      if (result.code !== 0) problems.push(result.output);
    }),
  );
  return { code: problems.length === 0 ? 0 : 1, output: problems.join("\n") };
}

/** Runs Vitest and adds its counts to the total. */
async function vitest(config) {
  const report = join(scratch, `${config}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const args = ["run", "--config", config, "--passWithNoTests", ...reporters];
  const { code } = await run("vitest", args, { show: true, limitMs: 780_000 });

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

const layers = ["--config", ".dependency-cruiser.cjs", "--output-type", "err-long"];

if (await stage("install", install)) {
  const isBuilt = await stage("build", build);
  await stage("lint", () => run("biome", ["check", "--diagnostic-level=error", "."]));
  await stage("dead code", () => run("knip", ["--no-progress", "--treat-config-hints-as-errors"]));
  await stage("layers", () => run("depcruise", [...layers, "packages", "apps"]));
  await stage("types", async () => {
    const sources = await run("tsc", ["-b"]);
    const tests = await run("tsc", ["-p", "tsconfig.test.json"]);
    return { code: sources.code || tests.code, output: sources.output + tests.output };
  });
  await stage("api", () => run("node", ["scripts/api.mjs", "--check"]));
  if (isBuilt) await stage("packages", judgePackages);
  await stage("tests", () => vitest("vitest.config.ts"));
  if (process.argv.includes("--interop")) {
    await stage("interop", () => vitest("vitest.interop.config.ts"));
  }
}

rmSync(scratch, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
