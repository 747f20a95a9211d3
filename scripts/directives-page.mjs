/**
 * `pnpm docs:directives [--check]`: docs/directives.md, a page of all directives of redis.conf, made from
 * the table that a server reads its configuration by: what is declared is what the page says.
 *
 *     | directive | default | what it is for | status                                      |
 *     | --------- | ------- | -------------- | ------------------------------------------- |
 *     | `port`    | 6379    | TCP port; ...  | works                                       |
 *     | `...`     |         |                | **differs**: ...  (its `differs`)           |
 *     | `...`     |         |                | **no effect**: ...  (its `noEffectBecause`) |
 *     | `...`     |         |                | **refused**: ...  (`missing`, of a system)  |
 *
 * When it is made anew: see generated-page.mjs.
 */
import { cell, generatedPage } from "./generated-page.mjs";

const NOT_YET = "It is not implemented yet.";
/** A longer default is not what anybody looks for here. */
const SHOWN_DEFAULT_CHARACTERS_MAX = 40;

/** `server`: what it acts upon (`implemented`), and what it does not have (`missing`), by name. */
function statusOf(row, { implemented, missing }) {
  if (row.noEffectBecause !== undefined) return `**no effect**: ${row.noEffectBecause}`;
  const what = missing.get(row.name);
  if (what !== undefined) return `**refused**: This server does not have ${what} yet.`;
  if (!implemented.has(row.name)) return `**no effect**: ${NOT_YET}`;
  if (row.extension !== undefined) return `**ours**: ${row.extension}`;
  return row.differs === undefined ? "works" : `**differs**: ${row.differs}`;
}

function defaultOf({ kind, default: value }) {
  const text = kind.print(value);
  if (text === "") return "";
  return text.length > SHOWN_DEFAULT_CHARACTERS_MAX ? "several" : `\`${text}\``;
}

function rowOf(row, server) {
  const names = [row.name, ...row.aliases].map((name) => `\`${name}\``).join(", ");
  const cells = [names, defaultOf(row), row.summary, statusOf(row, server)];
  return `| ${cells.map(cell).join(" | ")} |`;
}

/** The page, from the areas of a table. */
function pageOf(areas, server) {
  const all = areas.flatMap(({ rows }) => rows);
  const count = (status) => all.filter((row) => statusOf(row, server).startsWith(status)).length;
  const lines = [
    "# Directives",
    "",
    "Every directive of redis.conf 7.2, and our own, in the server that runs as a process of its own. _Works_: it does",
    "what redis.conf says; _differs_: but for what stands there; _no effect_: it is accepted, `CONFIG GET` shows it, and",
    "a server that is told another value than the default says at its start what stands there; _refused_: a server that",
    "is told to do it does not start. This page is made from the table of directives by `pnpm docs:directives`.",
    "",
    `Works: ${count("works")}. Differs: ${count("**differs**")}. No effect: ${count("**no effect**")}. Refused: ${count("**refused**")}. Ours: ${count("**ours**")}.`,
  ];
  for (const { title, rows } of areas) {
    lines.push("", `## ${title}`, "");
    lines.push("| directive | default | what it is for | status |", "| --- | --- | --- | --- |");
    lines.push(...rows.map((row) => rowOf(row, server)));
  }
  return `${lines.join("\n")}\n`;
}

async function textNow() {
  const { areas, areasWith } = await import("../packages/config/src/directives/index.ts");
  const { directiveRows } = await import("../packages/engine/src/directive-rows.ts");
  const { implementedDirectives } = await import("../apps/server/src/implemented-directives.ts");
  const own = new Set(areas.flatMap(({ rows }) => rows));
  const replaced = directiveRows.filter((row) => !own.has(row));
  const { ownSystems } = await import("../packages/engine/src/systems/index.ts");
  const missing = ownSystems
    .flatMap(({ directives }) => directives ?? [])
    .flatMap(({ names, missing }) => (missing === undefined ? [] : [[names[0], missing.what]]));
  return pageOf(areasWith(replaced), {
    implemented: implementedDirectives,
    missing: new Map(missing),
  });
}

/** Vitest's global set-up. */
export const { setup } = await generatedPage({
  script: import.meta.url,
  page: "docs/directives.md",
  task: "docs:directives",
  sources: [
    "packages/config/src/directives",
    "packages/engine/src",
    "packages/replication/src",
    "packages/scripting/src",
    "apps/server/src",
  ],
  textNow,
});
