/**
 * The packages stage: judges the tarball of every published package as its users will receive it.
 */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { run, workspaceFolders } from "./prepare.mjs";

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The folders of all packages that go to the registry. */
function publishedFolders() {
  return workspaceFolders().filter((folder) => !manifest(folder).private);
}

/** Targets of the links of a Markdown text that are no addresses and no places within it. */
function relativeLinks(markdown) {
  return [...markdown.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target));
}

/** The files that an entry of `exports` leads to, but for the sources. */
function targets(entry) {
  if (typeof entry === "string") return [entry];
  return Object.entries(entry).flatMap(([condition, target]) =>
    condition === "@kv/source" ? [] : targets(target),
  );
}

/** What `package.json` and README promise and the files of the tarball do not keep. */
function missingFiles(folder, files) {
  const { exports, bin = {} } = manifest(folder);
  const doors = Object.values(exports).flatMap(targets);
  const links = relativeLinks(readFileSync(join(folder, "README.md"), "utf8"));
  return [...new Set([...doors, ...Object.values(bin), ...links])]
    .map((path) => posix.normalize(path))
    .filter((path) => !files.some((file) => file === path || file.startsWith(`${path}/`)));
}

/** Packs, then asks publint, attw and its own list. Returns the complaints. */
async function judge(folder, scratch) {
  const tarballs = mkdtempSync(join(scratch, "pack-"));
  const pack = ["--dir", folder, "pack", "--pack-destination", tarballs];
  const packed = await run("pnpm", pack);
  const file = readdirSync(tarballs)[0];
  if (packed.code !== 0 || file === undefined) return [packed.output];
  const tarball = join(tarballs, file);

  const listed = await run("tar", ["-tzf", tarball]);
  if (listed.code !== 0) return [listed.output];
  const files = listed.output.split("\n").map((line) => line.trim().replace(/^package\//, ""));
  const complaints = missingFiles(folder, files).map(
    (path) => `${folder}: ${path} is promised, but not in the tarball`,
  );

  const publint = await run("publint", ["run", tarball, "--strict"]);
  if (publint.code !== 0) complaints.push(publint.output);
  // What has a build for require() is judged for require(), too.
  const profile = manifest(folder).exports["."].require === undefined ? "esm-only" : "node16";
  const options = ["--profile", profile, "--exclude-entrypoints", "./package.json"];
  const attw = await run("attw", [tarball, ...options, "--no-emoji"]);
  if (attw.code !== 0) complaints.push(attw.output);
  return complaints;
}

/** Packs into `scratch`. Returns a result as `run` does. */
export async function judgePackages(scratch) {
  const judged = publishedFolders().map((folder) => judge(folder, scratch));
  const complaints = (await Promise.all(judged)).flat();
  return { code: complaints.length === 0 ? 0 : 1, output: complaints.join("\n") };
}
