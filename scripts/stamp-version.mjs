/**
 * `pnpm version-packages`, second half: the version that changesets gave to @kv/engine goes into its
 * source, since code below the apps reads no files.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./pinned-node.mjs";

const engine = join(root, "packages/engine");
const { version } = JSON.parse(readFileSync(join(engine, "package.json"), "utf8"));
const sources = readdirSync(join(engine, "src"), { recursive: true });
const file = sources.find((path) => /(^|[\\/])version\.ts$/.test(path));
const path = join(engine, "src", file);
const before = readFileSync(path, "utf8");
const after = before.replace(/(engineVersion = )"[^"]*"/, `$1"${version}"`);
if (!after.includes(`engineVersion = "${version}"`)) {
  throw new Error(`${path} does not define engineVersion`);
}
writeFileSync(path, after);
