/**
 * Generated indexes: a command is its file and its test, and no list names it.
 *
 *     string/getex.ts     export const getex = command({ ... });
 *     string/index.ts     says to export all such files of its folder: written here
 *     groups.ts           says to take all such folders beside it: written here
 *
 * Both are committed, so that everybody and every tool sees plain imports. They are brought up to
 * date whenever tests run from source (Vitest's global set-up) and before a build (prepare.mjs), so
 * nobody has to think of them. A folder takes part when its index.ts begins with INDEX_MARK, or when
 * it has commands and lies beside a file that begins with GROUPS_MARK.
 *
 * `node scripts/generate-indexes.mjs [--check] [ROOT]` writes, or only names, what is out of date.
 * Imports nothing but Node itself, since it runs before the tools do.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const INDEX_MARK = "/** Generated: the commands of this folder. */";
const GROUPS_MARK = "/** Generated: the groups of commands in the folders beside this file. */";
const LINE_WIDTH = 100;

/** An exported declaration: by command() or one of its kin, or by its type. */
const DECLARATION = /^export const \w+(?:: Command = |(?:: \w+)? = \w*[cC]ommand(?:<\w+>)?\()/m;

const here = resolve(fileURLToPath(new URL("..", import.meta.url)));

/**
 * Brings every generated index below `root`/packages up to date. Returns their paths from `root`,
 * and which of them were out of date; with `write` false those are left as they are.
 */
export function generateIndexes(root = here, { write = true } = {}) {
  const generated = [];
  const outdated = [];
  const put = (path, text) => {
    const name = relative(root, path).replaceAll("\\", "/");
    generated.push(name);
    if (existsSync(path) && readFileSync(path, "utf8") === text) return;
    outdated.push(name);
    if (write) writeFileSync(path, text);
  };
  const packages = join(root, "packages");
  for (const name of readdirSync(packages).sort()) {
    const sources = join(packages, name, "src");
    if (existsSync(sources)) visit(sources, false, put);
  }
  return { generated, outdated };
}

/** Vitest's global set-up: before the first run, and before each further one while it watches. */
export function setup(project) {
  generateIndexes();
  project.onTestsRerun(() => {
    generateIndexes();
  });
}

/** `isGroup`: the folder lies beside a list of groups, so its commands make it one of them. */
function visit(folder, isGroup, put) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const folders = entries.filter((each) => each.isDirectory()).map(({ name }) => name);
  const files = entries.filter((each) => each.isFile()).map(({ name }) => name);
  const list = files.find((name) => hasMark(join(folder, name), GROUPS_MARK));

  if (hasMark(join(folder, "index.ts"), INDEX_MARK) || (isGroup && declares(folder)))
    put(join(folder, "index.ts"), indexOf(folder));
  for (const name of folders) visit(join(folder, name), list !== undefined, put);
  if (list !== undefined)
    put(join(folder, list), groupsOf(folders.filter((name) => declares(join(folder, name)))));
}

const hasMark = (path, mark) =>
  path.endsWith(".ts") && existsSync(path) && readFileSync(path, "utf8").startsWith(mark);

/** Files of a folder that declare commands, and folders whose own index does, without ".ts". */
function declaring(folder) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    const path = entry.isDirectory() ? join(folder, name, "index.ts") : join(folder, name);
    const isSource = entry.isDirectory() || /^(?!index\.)[^.]+\.ts$/.test(name);
    if (!isSource || !existsSync(path) || !DECLARATION.test(readFileSync(path, "utf8"))) continue;
    found.push(entry.isDirectory() ? `${name}/index` : name.slice(0, -".ts".length));
  }
  return found.sort();
}

const declares = (folder) => declaring(folder).length > 0;

function indexOf(folder) {
  const lines = declaring(folder).map((name) => `export * from "./${name}.ts";`);
  return `${[INDEX_MARK, ...(lines.length > 0 ? lines : ["export {};"])].join("\n")}\n`;
}

function groupsOf(folders) {
  const names = folders
    .sort()
    .map((folder) => [folder.replace(/-./g, (match) => match[1].toUpperCase()), folder]);
  const imports = names.map(([name, folder]) => `import * as ${name} from "./${folder}/index.ts";`);
  const members = names.map(([name]) => name);
  const declared = "export const groups: readonly object[] = ";
  const short = `${declared}[${members.join(", ")}];`;
  const long = `${declared}[\n${members.map((name) => `  ${name},\n`).join("")}];`;
  const list = short.length <= LINE_WIDTH ? short : long;
  return `${[GROUPS_MARK, ...imports, "", list].join("\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const write = !words.includes("--check");
  const root = words.find((word) => !word.startsWith("--"));
  const { generated, outdated } = generateIndexes(root, { write });
  for (const name of write ? generated : outdated) console.log(name);
  if (!write && outdated.length > 0) process.exitCode = 1;
}
