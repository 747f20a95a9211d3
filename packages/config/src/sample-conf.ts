/**
 * The sample configuration file, written from the table: every directive with what it does, what
 * it takes and its default. Loading it changes nothing.
 */
import type { AnyDirective } from "./directive.ts";
import { type Area, areas } from "./directives/index.ts";

/**
 * The text of a sample file: for the table as it is, or for the areas that a server has made of it
 * (areasWith). Hidden directives are left out. Lines end with LF; bytes are characters.
 */
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
  if (row.differs !== undefined) lines.push(`# Not quite as in Redis. ${row.differs}`);
  if (row.extension !== undefined) lines.push(`# Not in Redis. ${row.extension}`);
  const values: readonly string[] = row.kind.lines(row.default);
  // A directive without a value has no line that would say so.
  if (values.length === 0) lines.push(`# ${row.name}`);
  for (const value of values) lines.push(`${row.name} ${value}`);
  return `${lines.join("\n")}\n`;
}
