/**
 * Brings a checkout to the point where its commands can run: dependencies installed from the
 * lock file, packages built. Both steps leave a stamp in node_modules and cost a few milliseconds
 * when nothing has changed.
 *
 * Runs on any Node from 20 on and imports nothing but Node itself, since it runs before the
 * install does.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { generateIndexes } from "./generate-indexes.mjs";
import { pinnedNode, root } from "./pinned-node.mjs";

const stamps = join(root, "node_modules", ".cache", "kv");
const windows = process.platform === "win32";

// Windows calls it "Path", and a copy of the environment is no longer blind to the case.
const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";

/** The environment for the tools: their binaries and the pinned Node come first on the PATH. */
export const toolEnvironment = {
  ...process.env,
  [pathName]: join(root, "node_modules", ".bin") + delimiter + process.env[pathName],
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  // Some tools take CI=true for a wish to see colours, whatever they write to.
  ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
};

/** How each command that runs is ended. */
const running = new Set();

/** Whoever ends this program ends all of them. */
function endAll(signal) {
  for (const end of running) end(signal);
  process.exit(130);
}

/**
 * Runs a command and resolves to its exit code and output. With `show` the output goes to the
 * terminal instead. A command that outlives `limitMs` is ended, and counts as failed.
 */
export function run(
  command,
  args,
  { show = false, limitMs = 600_000, env = toolEnvironment } = {},
) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      // Windows finds npx and the tools only as .cmd files, which need its shell.
      shell: windows,
      // A group of its own, so that a limit ends the tool's children too.
      detached: !windows,
      stdio: show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding("utf8").on("data", collect);
    child.stderr?.setEncoding("utf8").on("data", collect);

    const end = (signal) => {
      if (windows) child.kill(signal);
      else {
        try {
          process.kill(-child.pid, signal);
        } catch {
          // The group is gone already.
        }
      }
    };
    if (running.size === 0) process.on("SIGINT", endAll).on("SIGTERM", endAll);
    running.add(end);
    const timer = setTimeout(() => {
      output += `\nended: still running after ${limitMs / 1000} s\n`;
      end("SIGKILL");
    }, limitMs);

    const finish = (code) => {
      clearTimeout(timer);
      running.delete(end);
      if (running.size === 0) process.off("SIGINT", endAll).off("SIGTERM", endAll);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += `${command}: ${error.message}\n`;
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

/** Installs what the lock file says, unless that has been done. Returns `run`'s result. */
export async function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const wanted = createHash("sha256")
    .update(`${process.platform} ${process.arch} ${packageManager}\n`)
    .update(readFileSync(join(root, "pnpm-workspace.yaml")))
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (pinnedNode() !== undefined && readStamp("install") === wanted) return { code: 0, output: "" };

  const env = { ...toolEnvironment };
  // Everything from here on is a tool of this repository; none of it is left out in "production".
  delete env.NODE_ENV;
  const result = await run(
    "npx",
    [
      "--yes",
      packageManager,
      "install",
      "--frozen-lockfile",
      "--prod=false",
      "--config.confirmModulesPurge=false",
    ],
    { env },
  );
  if (result.code === 0 && pinnedNode() === undefined) {
    const here = `${process.platform}-${process.arch}`;
    return { code: 1, output: `${result.output}\nthere is no pinned Node for ${here}\n` };
  }
  if (result.code === 0) writeStamp("install", wanted);
  return result;
}

/** Builds every package whose sources changed, unless none has. Returns `run`'s result. */
export async function build() {
  generateIndexes();
  const wanted = sourcesDigest();
  if (readStamp("build") === wanted && isBuilt()) return { code: 0, output: "" };
  const result = await run("turbo", ["run", "build", "--output-logs=errors-only"]);
  // Taken before the build: a file saved meanwhile makes the stamp stale, never wrong.
  if (result.code === 0) writeStamp("build", wanted);
  return result;
}

/** The folders of all packages and apps. */
export function workspaceFolders() {
  return ["packages", "apps"].flatMap((area) =>
    readdirSync(join(root, area))
      .sort()
      .map((name) => join(root, area, name))
      .filter((folder) => existsSync(join(folder, "package.json"))),
  );
}

/** Names, sizes and times of all that goes into a build. */
function sourcesDigest() {
  const digest = createHash("sha256").update(readStamp("install") ?? "");
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || path.endsWith(".test.ts")) return;
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
    else digest.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const folder of workspaceFolders()) {
    for (const part of ["package.json", "tsup.config.ts", "bin", "src"]) visit(join(folder, part));
  }
  return digest.digest("hex");
}

/** Whether each package that has a build has its result. */
function isBuilt() {
  return workspaceFolders()
    .filter((folder) => existsSync(join(folder, "tsup.config.ts")))
    .every((folder) => existsSync(join(folder, "dist", "index.js")));
}

function readStamp(name) {
  const path = join(stamps, name);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}
