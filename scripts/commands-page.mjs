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
 * When it is made anew: see generated-page.mjs.
 */
import { generateIndexes } from "./generate-indexes.mjs";
import { cell, generatedPage } from "./generated-page.mjs";

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
    "`pnpm docs:commands`. SENTINEL is there where the server is started with `--sentinel`, and then little else is.",
    "",
    `Complete: ${count("complete")}. Differs: ${count("**differs**")}. Missing: ${count("**missing**")}. Ours: ${count("**ours**")}.`,
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

/** What only a sentinel has, from its own table: what else it knows is in the other one as well. */
async function sentinelRows(CommandTable, commandList) {
  const { sentinelSystems } = await import("../packages/sentinel/src/index.ts");
  // Nothing is run.
  const programs = { isExecutable: () => false, run: () => undefined };
  const { all } = new CommandTable(commandList(sentinelSystems(programs)));
  return all.filter(({ command }) => command.group === "sentinel");
}

async function textNow(write) {
  // A command that no index has yet is in no table.
  if (write) generateIndexes();
  const { CommandTable, GROUPS } = await import("../packages/commands/src/index.ts");
  const { commandList } = await import("../packages/engine/src/module/command-list.ts");
  const { ownSystems } = await import("../packages/engine/src/systems/index.ts");
  const { replicationSystem } = await import("../packages/replication/src/index.ts");
  const { scriptingSystem } = await import("../packages/scripting/src/index.ts");
  // The machine that runs scripts is asked for when the first one comes: here none does.
  const systems = [...ownSystems, scriptingSystem(() => undefined), replicationSystem];
  const { all } = new CommandTable(commandList(systems));
  return pageOf([...all, ...(await sentinelRows(CommandTable, commandList))], GROUPS);
}

/** Vitest's global set-up. */
export const { setup } = await generatedPage({
  script: import.meta.url,
  page: "docs/commands.md",
  task: "docs:commands",
  sources: ["commands", "engine", "scripting", "replication", "sentinel"].map(
    (name) => `packages/${name}/src`,
  ),
  textNow,
});
