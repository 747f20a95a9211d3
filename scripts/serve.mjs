/**
 * What `npm start [-- arguments]` does: installs and builds what is missing, then runs the server on
 * the pinned Node until it ends, and ends as it did.
 *
 * Without arguments the server listens on 127.0.0.1:6379 and keeps its files in data/ of this
 * repository. Arguments are the server's own and win over these defaults; a configuration file
 * replaces them altogether. Paths in them start where the user is, not here.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pinnedNode, root } from "./pinned-node.mjs";
import { build, install } from "./prepare.mjs";

const dataFolder = join(root, "data");

const DEFAULTS = [
  ["--port", "6379"],
  ["--bind", "127.0.0.1"],
  ["--dir", dataFolder],
];

/** The folder that the user is in. npm runs scripts in the package's, and says where it was called. */
function callersFolder() {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  return script === "start" && folder ? folder : process.cwd();
}

/** The arguments to run the server with: what the user said, with defaults for the rest. */
function serverArguments(given) {
  const [first] = given;
  // A file (or "-", standard input) brings its own settings; -v, --help and the like need none.
  const standsAlone = ["--version", "--help", "--check-system", "--test-memory"].includes(first);
  if (first !== undefined && (!first.startsWith("--") || standsAlone)) return given;

  const said = new Set(given.map((each) => each.toLowerCase()));
  const defaults = DEFAULTS.filter(([name]) => !said.has(name));
  if (!said.has("--dir")) mkdirSync(dataFolder, { recursive: true });
  return [...defaults.flat(), ...given];
}

async function prepare(step, what) {
  const notice = setTimeout(() => console.error(`${what} ...`), 300);
  const { code, output } = await step();
  clearTimeout(notice);
  if (code === 0) return;
  console.error(`${output}\n${what} failed`);
  process.exit(1);
}

function serve() {
  const server = spawn(
    pinnedNode(),
    [join(root, "apps/server/bin/kv-server.mjs"), ...serverArguments(process.argv.slice(2))],
    // In a process group of its own the server hears a Ctrl-C once, from here. Otherwise the
    // terminal, npm and this script would each send one, and the second means "exit at once".
    { cwd: callersFolder(), stdio: "inherit", detached: process.platform !== "win32" },
  );

  const lastSentMs = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const nowMs = performance.now();
      const isEcho = nowMs - (lastSentMs.get(signal) ?? Number.NEGATIVE_INFINITY) < 200;
      lastSentMs.set(signal, nowMs);
      if (!isEcho) server.kill(signal);
    });
  }

  server.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  server.on("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

await prepare(install, "Installing dependencies");
await prepare(build, "Building");
serve();
