/**
 * The sample configuration file, written from the table: every directive with what it does, what
 * it takes and its default. Loading it changes nothing.
 */
import type { AnyDirective } from "./directive.ts";
import { areas } from "./directives/index.ts";

/** A heading and the directives below it. */
export interface Area {
  /** The heading. */
  readonly title: string;
  /** In the order of the file. */
  readonly rows: readonly AnyDirective[];
}

/** The text of the sample file, for all areas or those given. */
export function defaultConfText(shown: readonly Area[] = areas): string {
  const blocks = ["# Every directive with its default. Memory: 1k is 1000 bytes, 1kb is 1024.\n"];
  for (const { title, rows } of shown) {
    const visible = rows.filter((row) => !row.hidden);
    if (visible.length === 0) continue;
    blocks.push(`${`# ---- ${title} `.padEnd(80, "-")}\n`);
    for (const row of visible) blocks.push(blockOf(row));
  }
  return blocks.join("\n");
}

function blockOf(row: AnyDirective): string {
  const lines = [`# ${row.summary}`, `# Takes: ${row.kind.syntax}`];
  if (row.noEffectBecause !== undefined) lines.push(`# No effect here. ${row.noEffectBecause}`);
  const values: readonly string[] = row.kind.lines(row.default);
  // A directive without a value has no line that would say so.
  if (values.length === 0) lines.push(`# ${row.name}`);
  for (const value of values) lines.push(`${row.name} ${value}`);
  return `${lines.join("\n")}\n`;
}
