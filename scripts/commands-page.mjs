/**
 * `pnpm docs:commands [--check]`: docs/commands.md, a page of all commands, made from the table that
 * a server builds: what is declared is what the page says.
 *
 *     | command  | since | complexity | status                           |
 *     | -------- | ----- | ---------- | -------------------------------- |
 *     | `APPEND` | 2.0.0 | O(1)       | complete                         |
 *     | `SAVE`   | 1.0.0 | O(N)       | **differs**: ...  (its `differs`)   |
 *     | `WAIT`   | 3.0.0 |            | **missing**  (a placeholder)     |
 *
 * It is committed, and brought up to date when tests run from source (Vitest's global set-up) and
 * a source is newer than the page. `--check` changes nothing, and fails when the page is not what
 * the sources say.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateIndexes } from "./generate-indexes.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = "docs/commands.md";
/** Packages are read from their sources: nothing has to be built for a page. */
const CONDITION = "--conditions=@kv/source";

/** Titles of groups whose names do not make one. */
const TITLES = {
  "sorted-set": "Sorted sets",
  pubsub: "Publish and subscribe",
  hyperloglog: "HyperLogLog",
  geo: "Geo",
  list: "Lists",
  set: "Sets",
  string: "Strings",
  hash: "Hashes",
  stream: "Streams",
  bitmap: "Bitmaps",
};

const titleOf = (group) => TITLES[group] ?? group[0].toUpperCase() + group.slice(1);

/** In a cell of a table a bar would end it. */
const cell = (text) => text.replaceAll("|", "\\|");

function statusOf({ command, isPlaceholder }) {
  if (isPlaceholder) return "**missing**";
  if (command.extension !== undefined) return `**ours**: ${command.extension}`;
  return command.differs === undefined ? "complete" : `**differs**: ${command.differs}`;
}

function rowOf(row) {
  const name = row.fullName.replace("|", " ").toUpperCase();
  const { since, complexity } = row.command;
  const cost = row.isPlaceholder ? "" : complexity;
  return `| ${[`\`${name}\``, since, cost, statusOf(row)].map(cell).join(" | ")} |`;
}

/** A container stands there by its subcommands, unless it does something by itself. */
const isShown = ({ run, isPlaceholder, subcommands }) =>
  subcommands === null || (run !== undefined && !isPlaceholder);

/** The page, from the rows of a table. */
function pageOf(rows, groups) {
  const shown = rows.filter(isShown);
  const count = (status) => shown.filter((row) => statusOf(row).startsWith(status)).length;
  const lines = [
    "# Commands",
    "",
    "Every command of Redis 7.2, those of later versions that are there, and our own. _Complete_: its replies,",
    "errors and effects are Redis's; _differs_: but for what stands there; _missing_: its name is known, and it",
    "is refused. _Since_ is the version of Redis that first had it. This page is made from the command table by",
    "`pnpm docs:commands`.",
    "",
    `${count("complete")} are complete, ${count("**differs**")} differ, ${count("**missing**")} are missing, ${count("**ours**")} are our own.`,
  ];
  for (const group of groups) {
    const own = shown
      .filter(({ command }) => command.group === group)
      .sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
    if (own.length === 0) continue;
    lines.push("", `## ${titleOf(group)}`, "");
    lines.push("| command | since | complexity | status |", "| --- | --- | --- | --- |");
    lines.push(...own.map(rowOf));
  }
  return `${lines.join("\n")}\n`;
}

/** Makes the page; with `write` false it only says whether it is up to date. */
async function bringUpToDate(write) {
  // A command that no index has yet is in no table.
  if (write) generateIndexes();
  const { CommandTable, GROUPS } = await import("../packages/commands/src/index.ts");
  const { commandList } = await import("../packages/engine/src/module/command-list.ts");
  const { ownSystems } = await import("../packages/engine/src/systems/index.ts");
  const { replicationSystem } = await import("../packages/replication/src/index.ts");
  const { scriptingSystem } = await import("../packages/scripting/src/index.ts");
  // The machine that runs scripts is asked for when the first one comes: here none does.
  const systems = [...ownSystems, scriptingSystem(() => undefined), replicationSystem];
  const text = pageOf(new CommandTable(commandList(systems)).all, GROUPS);
  const path = join(root, PAGE);
  let present = "";
  try {
    present = readFileSync(path, "utf8");
  } catch {
    // It is written for the first time.
  }
  if (!write) return present === text;
  // Also when nothing has changed: then it is newer than the sources, and is not made again.
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return true;
}

/** Runs this file on its own, so that the condition holds for what it imports. */
const alone = (...words) =>
  spawnSync(process.execPath, [CONDITION, fileURLToPath(import.meta.url), ...words], {
    encoding: "utf8",
  });

/** When the newest source of a declaration was written. */
function newestSourceMs() {
  return ["commands", "engine", "scripting", "replication"].reduce((newest, name) => {
    const folder = join(root, "packages", name, "src");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const times = files.map((file) => statSync(join(folder, file)).mtimeMs);
    return Math.max(newest, ...times);
  }, 0);
}

/** Vitest's global set-up. Sources that cannot be read are for the tests to complain of. */
export function setup() {
  const page = statSync(join(root, PAGE), { throwIfNoEntry: false });
  if (page === undefined || page.mtimeMs < newestSourceMs()) alone();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  if (!process.execArgv.includes(CONDITION)) {
    const { status, stdout, stderr } = alone(...words);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    process.exitCode = status ?? 1;
  } else if (!(await bringUpToDate(!words.includes("--check")))) {
    console.log(`${PAGE} is not what the sources say: pnpm docs:commands`);
    process.exitCode = 1;
  }
}
