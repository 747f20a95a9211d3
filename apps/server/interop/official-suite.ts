/**
 * The official test suite of redis-server 7.0: fetched with the source package of Debian, kept in
 * node_modules/.cache, run unit by unit against our server. Needs apt-get and tclsh.
 */
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const launcher = fileURLToPath(new URL("../bin/kv-server.mjs", import.meta.url));
const folder = join(root, "node_modules/.cache/kv/official-suite");
/** Debian's release with redis-server 7.0; the interop tests have that one beside them, too. */
const release = "bookworm";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const unitLimitMs = 180_000;
/** The suite takes so many ports, and one for itself a little before them. */
const PORT_COUNT = 500;
const OWN_PORT_BEFORE = 32;
const tools = ["redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb"];

const call = promisify(execFile);

/** What one unit of the suite came to: the names of its tests. */
export interface UnitResult {
  passed: string[];
  failed: string[];
  /** The last lines that it printed, for a human. */
  tail: string;
}

/** Fetches Debian's source package into `scratch`, without a change to the machine's own lists. */
async function download(scratch: string): Promise<void> {
  const options = { cwd: scratch, timeout: 120_000 };
  const from = `deb-src [signed-by=${keyring}] http://deb.debian.org`;
  const suites = [`debian ${release}`, `debian-security ${release}-security`];
  writeFileSync(
    join(scratch, "sources.list"),
    suites.map((suite) => `${from}/${suite} main\n`).join(""),
  );
  mkdirSync(join(scratch, "lists/partial"), { recursive: true });
  const settings = [
    ["Dir::Etc::SourceList", join(scratch, "sources.list")],
    ["Dir::Etc::SourceParts", "-"],
    ["Dir::State::Lists", join(scratch, "lists")],
    ["Dir::Cache", scratch],
    ["APT::Sandbox::User", ""],
  ].flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await call("apt-get", [...settings, "-qq", "update"], options);
  const fetch = ["-qq", "source", "--download-only", "--tar-only", "redis"];
  await call("apt-get", [...settings, ...fetch], options);
}

/** Puts our server where the suite looks for redis-server, and Debian's tools beside it. */
function installPrograms(source: string): void {
  for (const tool of tools) {
    rmSync(join(source, "src", tool), { force: true });
    symlinkSync(join("/usr/bin", tool), join(source, "src", tool));
  }
  const server = join(source, "src/redis-server");
  // The suite signals the process that it started, so it has to become the server.
  writeFileSync(server, `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`);
  chmodSync(server, 0o755);
}

/** The folder of the suite. Undefined: it cannot be had here, and the reason is printed. */
export async function officialSuite(): Promise<string | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), "kv-suite-"));
  try {
    const tclsh = call("tclsh", [], { timeout: 10_000 });
    tclsh.child.stdin?.end();
    await tclsh;
    if (!existsSync(folder)) {
      await download(scratch);
      const tarball = readdirSync(scratch).find((name) => name.includes(".orig.tar."));
      if (tarball === undefined) throw new Error("the source package has no tarball");
      const unpacked = join(scratch, "unpacked");
      mkdirSync(unpacked);
      await call("tar", ["-xf", tarball, "-C", unpacked, "--strip-components=1"], {
        cwd: scratch,
      });
      mkdirSync(join(folder, ".."), { recursive: true });
      await call("cp", ["-r", unpacked, `${folder}.new`]);
      renameSync(`${folder}.new`, folder);
    }
    installPrograms(folder);
    return folder;
  } catch (error) {
    console.warn(`left out: the official suite, which cannot be had: ${(error as Error).message}`);
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Below the ports that the kernel gives to clients. Another run may be on its way. */
async function freeBasePort(): Promise<number> {
  for (let base = 20_000; base < 32_000; base += PORT_COUNT)
    if (await isFree(base - OWN_PORT_BEFORE)) return base;
  throw new Error("no ports are free for the suite");
}

/** Runs one unit, such as "unit/type/hash", but for the tests of these names. */
export async function runUnit(
  suite: string,
  unit: string,
  leftOut: readonly string[],
): Promise<UnitResult> {
  const words = ["--single", unit, "--clients", "1", "--durable", "--ignore-encoding"];
  const ports = ["--baseport", `${await freeBasePort()}`, "--portcount", `${PORT_COUNT}`];
  const skips = leftOut.flatMap((name) => ["--skiptest", name]);
  const { stdout } = await call("tclsh", ["tests/test_helper.tcl", ...words, ...ports, ...skips], {
    cwd: suite,
    timeout: unitLimitMs,
    maxBuffer: 2 ** 28,
  }).catch((error: Error & { stdout?: string }) => ({ stdout: error.stdout ?? error.message }));

  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const lines = stdout.replace(/\x1b\[[\d;]*m/g, "").split("\n");
  const named = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.slice(1, 2) ?? []);
  return {
    passed: named(/^\[ok\]: (.*) \(\d+ ms\)$/),
    failed: [
      ...named(/^\[err\]: (.*) in tests\/\S+$/),
      ...named(/^(\[(?:exception|TIMEOUT)\].*)$/),
    ],
    tail: lines.slice(-40).join("\n"),
  };
}
