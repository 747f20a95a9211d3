/**
 * A page that is made from what the sources declare, and committed.
 *
 *     pnpm docs:<name>            makes it
 *     pnpm docs:<name> --check    changes nothing, and fails when it is not what the sources say
 *     Vitest's global set-up      makes it when a source is newer than the page
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Packages are read from their sources: nothing has to be built for a page. */
const CONDITION = "--conditions=@kv/source";

/** In a cell of a table a bar would end it. */
export const cell = (text) => text.replaceAll("|", "\\|");

/**
 * The page of the script whose URL is `script`, which is made or checked when that script is the one
 * that runs. `page`: its path; `task`: what makes it; `sources`: the folders that say what is on it;
 * `textNow(write)`: what is to be on it. Returns the set-up for Vitest.
 */
export async function generatedPage({ script, page, task, sources, textNow }) {
  const path = join(root, page);

  async function bringUpToDate(write) {
    const text = await textNow(write);
    if (!write) return presentText(path) === text;
    // Also when nothing has changed: then it is newer than the sources, and is not made again.
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return true;
  }

  /** Runs the script on its own, so that the condition holds for what it imports. */
  const alone = (...words) =>
    spawnSync(process.execPath, [CONDITION, fileURLToPath(script), ...words], { encoding: "utf8" });

  if (process.argv[1] === fileURLToPath(script)) {
    const words = process.argv.slice(2);
    if (!process.execArgv.includes(CONDITION)) {
      const { status, stdout, stderr } = alone(...words);
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      process.exitCode = status ?? 1;
    } else if (!(await bringUpToDate(!words.includes("--check")))) {
      console.log(`${page} is not what the sources say: pnpm ${task}`);
      process.exitCode = 1;
    }
  }

  /** Sources that cannot be read are for the tests to complain of. */
  const setup = () => {
    const present = statSync(path, { throwIfNoEntry: false });
    if (present === undefined || present.mtimeMs < newestMs(sources)) alone();
  };
  return { setup };
}

function presentText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It is written for the first time.
  }
}

/** When the newest file in these folders was written. */
function newestMs(folders) {
  return folders.reduce((newest, name) => {
    const folder = join(root, name);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return Math.max(newest, ...files.map((file) => statSync(join(folder, file)).mtimeMs));
  }, 0);
}
