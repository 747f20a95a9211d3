/** LATENCY GRAPH: the samples of an event as bars in text, the oldest on the left. */
import type { LatencyEvent } from "../../kernel/latency-monitor.ts";

const COLUMNS = 80;
const ROWS = 4;

/** How long ago, in at most three characters: 5s, 12m, 3h, 9d. */
function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.min(99, Math.floor(seconds / 86400))}d`;
}

/** The character of a bar in one row: full below its top, and thirds of a row at it. */
function cell(height: number, row: number): string {
  const part = height - row;
  if (part >= 1) return "#";
  if (part > 2 / 3) return "o";
  return part > 0 ? "_" : " ";
}

export function latencyGraph(name: string, event: LatencyEvent, nowMs: number): string {
  const { samples, worstMs } = event;
  const values = samples.map(({ latencyMs }) => latencyMs);
  const high = Math.max(...values);
  const low = Math.min(...values);
  const spread = Math.max(1, high - low);
  const nowSeconds = Math.floor(nowMs / 1000);
  let text = `${name} - high ${high} ms, low ${low} ms (all time high ${worstMs} ms)\n`;
  text += `${"-".repeat(COLUMNS)}\n`;
  for (let from = 0; from < samples.length; from += COLUMNS) {
    const shown = samples.slice(from, from + COLUMNS);
    // The lowest bar is not nothing: it still shows that there was an event.
    const heights = shown.map(({ latencyMs }) => ((latencyMs - low) / spread) * (ROWS - 0.5) + 0.5);
    for (let row = ROWS - 1; row >= 0; row--)
      text += `${heights
        .map((height) => cell(height, row))
        .join("")
        .trimEnd()}\n`;
    text += "\n";
    const ages = shown.map(({ timeSeconds }) => age(Math.max(0, nowSeconds - timeSeconds)));
    // Ages read from top to bottom under their bars.
    for (let line = 0; line < 3; line++) {
      const row = ages
        .map((each) => each[line] ?? " ")
        .join("")
        .trimEnd();
      if (row !== "") text += `${row}\n`;
    }
  }
  return text;
}
