/**
 * The packages stage: judges the tarball of every published package as its users will receive it.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { root } from "./pinned-node.mjs";
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

/** Puts what a tarball holds, or what it depends on, where a program in `scratch` finds it. */
async function unpack(folder, tarball, scratch) {
  const { name, dependencies = {} } = manifest(folder);
  const place = join(scratch, "node_modules", name);
  mkdirSync(place, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", place, "--strip-components=1"]);
  for (const foreign of Object.keys(dependencies)) {
    if (!foreign.startsWith("@kv/")) link(join(folder, "node_modules", foreign), scratch, foreign);
  }
}

function link(target, scratch, name) {
  const place = join(scratch, "node_modules", name);
  mkdirSync(dirname(place), { recursive: true });
  if (!existsSync(place)) symlinkSync(target, place, "junction");
}

/** What `package.json` offers to import: `@kv/core`, `@kv/persistence/node` ... */
function doors(folder, { forRequire = false } = {}) {
  const { name, exports } = manifest(folder);
  return Object.entries(exports)
    .filter(([, entry]) => typeof entry !== "string" && (!forRequire || "require" in entry))
    .map(([door]) => name + door.slice(1));
}

/** The strictest that users of the types may set, and what the compiler says in each kind of module. */
async function judgeTypes(folders, scratch) {
  link(join(root, "node_modules/@types"), scratch, "@types");
  const imports = (names) =>
    names.map((name, n) => `import * as m${n} from "${name}";\nvoid m${n};\n`).join("");
  writeFileSync(join(scratch, "all.mts"), imports(folders.flatMap((folder) => doors(folder))));
  writeFileSync(
    join(scratch, "all.cts"),
    imports(folders.flatMap((folder) => doors(folder, { forRequire: true }))),
  );
  const strict = {
    ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noEmit: true },
    ...{ noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true },
    ...{ isolatedModules: true, target: "es2022", types: ["node"] },
  };
  const kinds = [
    { module: "node16", files: ["all.mts", "all.cts"] },
    { module: "nodenext", files: ["all.mts", "all.cts"] },
    { module: "esnext", moduleResolution: "bundler", files: ["all.mts"] },
  ];
  const said = kinds.map(async ({ files, ...options }) => {
    const config = join(scratch, `${options.module}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
    const { code, output } = await run("tsc", ["-p", config]);
    return code === 0 ? [] : [`types, imported with "module": "${options.module}"\n${output}`];
  });
  return (await Promise.all(said)).flat();
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

  await unpack(folder, tarball, scratch);
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
  const folders = publishedFolders();
  const judged = folders.map((folder) => judge(folder, scratch));
  const complaints = (await Promise.all(judged)).flat();
  complaints.push(...(await judgeTypes(folders, scratch)));
  return { code: complaints.length === 0 ? 0 : 1, output: complaints.join("\n") };
}
