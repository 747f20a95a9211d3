/**
 * Other releases of Node than the one that is pinned, from the same packages of the registry. They
 * are kept in node_modules/.cache.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const windows = process.platform === "win32";
const downloadLimitMs = 180_000;

function packageName(): string {
  if (windows) return `node-win-${process.arch}`;
  const isBundled = process.platform === "darwin" && process.arch === "arm64";
  return `node-${isBundled ? "bin-" : ""}${process.platform}-${process.arch}`;
}

/** The path of that release's binary. Undefined: it cannot be had, and the reason is printed. */
export async function nodeRelease(version: string): Promise<string | undefined> {
  const name = packageName();
  const folder = join(root, "node_modules/.cache/kv", `node-${version}`);
  const binary = join(folder, "node_modules", name, "bin", windows ? "node.exe" : "node");
  if (existsSync(binary)) return binary;

  mkdirSync(folder, { recursive: true });
  // A project of its own, so that pnpm looks for no other above it.
  writeFileSync(join(folder, "package.json"), "{}\n");
  const words = ["--ignore-workspace", "--fetch-retries=0", "add", "--ignore-scripts"];
  try {
    await promisify(execFile)("pnpm", [...words, `${name}@${version}`], {
      cwd: folder,
      timeout: downloadLimitMs,
      shell: windows,
    });
    return binary;
  } catch (error) {
    const { message, stdout = "" } = error as Error & { stdout?: string };
    console.warn(`left out: tests on Node ${version}, which cannot be had: ${message}${stdout}`);
    return undefined;
  }
}
