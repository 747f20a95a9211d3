/**
 * Turns sections into text: plain tables for the terminal, Markdown for RESULTS.md.
 *
 * RESULTS.md outlives a run. Each section stands between markers and is replaced alone, so that a
 * run of one scenario keeps the others' figures; what people wrote between the notes' markers is
 * never touched.
 */
import { significant } from "./format.ts";
import type { Claim, Section, Table } from "./scenario.ts";

export interface RunFacts {
  date: string;
  cpuModel: string;
  cores: number;
  memoryGb: number;
  kernel: string;
  node: string;
  redis: string;
  sizes: string;
  rounds: number;
  niceness: number;
}

const NOTES_HEADING = "## Notes: what was missed, profile, what was tried";

export function holds(claim: Claim): boolean {
  return claim.measured <= claim.atMost;
}

function claimTable(claims: readonly Claim[]): Table {
  return {
    columns: ["claim", "measured", "at most", "holds"],
    rows: claims.map((claim) => [
      claim.text,
      `${significant(claim.measured)}${claim.unit}`,
      `${claim.atMost}${claim.unit}`,
      holds(claim) ? "yes" : "**no**",
    ]),
  };
}

function markdownTable({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const heading = title === undefined ? [] : [`${title}:`, ""];
  return [...heading, line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

function plainTable({ title, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index].length)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, index) => cell.padEnd(widths[index])).join("  ")}`.trimEnd();
  const heading = title === undefined ? [] : [title];
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [...heading, line(columns), rule, ...rows.map(line)].join("\n");
}

export function plainSection(section: Section): string {
  return [
    `\n== ${section.title} ==\n${section.method}`,
    ...section.tables.map(plainTable),
    ...section.remarks,
  ].join("\n\n");
}

export function plainClaims(sections: readonly Section[]): string {
  const claims = sections.flatMap((section) => section.claims);
  const table = claimTable(claims);
  const rows = table.rows.map((row) => row.map((cell) => cell.replaceAll("**", "")));
  return `\n${plainTable({ ...table, rows, title: "Claims" })}\n`;
}

function markdownSection(section: Section, facts: RunFacts): string {
  const measured =
    `Measured ${facts.date}, Node ${facts.node}, ${facts.redis}; ${facts.sizes} sizes, ` +
    `${facts.rounds} rounds asked for, niceness ${facts.niceness}.`;
  return [
    `## ${section.title}`,
    `${section.method}\n${measured}`,
    ...section.tables.map(markdownTable),
    ...section.remarks,
    ...(section.claims.length === 0 ? [] : [markdownTable(claimTable(section.claims))]),
  ].join("\n\n");
}

function heading(facts: RunFacts): string {
  return [
    "# End-to-end results",
    `kv against Debian's ${facts.redis}, written by \`pnpm bench\` (${facts.date}).`,
    `Machine: ${facts.cpuModel}, ${facts.cores} cores, ${facts.memoryGb} GiB, Linux ${facts.kernel}, ` +
      `Node ${facts.node}. The cores are shared with other work and with the load generator.`,
    [
      "How to read it:",
      "",
      "- Both servers are started afresh for each round, are alive side by side, and take turns test by test; who goes first changes with the round.",
      "- CPU per request of the server process (scheduler time, all threads) is the dependable figure; requests per second bend with the neighbours.",
      "- A ratio is kv / redis-server within one round; below 1 kv is cheaper. Shown are the median and, in parentheses, the extremes over rounds.",
      '- "Foreign cores" is how many cores the rest of the machine kept busy meanwhile.',
      "- Neither server saves or logs, unless the scenario is about saving. All traffic is TCP over loopback.",
    ].join("\n"),
  ].join("\n\n");
}

const openMarker = (name: string) => `<!-- ${name}: begin -->`;
const closeMarker = (name: string) => `<!-- ${name}: end -->`;

function between(text: string, name: string): string | undefined {
  const start = text.indexOf(openMarker(name));
  const end = text.indexOf(closeMarker(name));
  return start < 0 || end < start ? undefined : text.slice(start + openMarker(name).length, end);
}

const block = (name: string, body: string) =>
  `${openMarker(name)}\n${body.trim()}\n${closeMarker(name)}`;

/**
 * The new text of RESULTS.md. `order` names all scenarios; those that were not run now keep what
 * `previous` says of them.
 */
export function renderResults(
  previous: string,
  facts: RunFacts,
  sections: readonly Section[],
  order: readonly string[],
): string {
  const blocks = order.flatMap((name) => {
    const section = sections.find((each) => each.name === name);
    const body = section ? markdownSection(section, facts) : between(previous, name);
    return body === undefined ? [] : [block(name, body)];
  });
  const notes = between(previous, "notes") ?? "Nothing yet.";
  return `${[heading(facts), ...blocks, NOTES_HEADING, block("notes", notes)].join("\n\n")}\n`;
}
