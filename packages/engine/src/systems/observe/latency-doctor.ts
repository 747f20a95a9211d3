/** LATENCY DOCTOR: what the latency monitor saw, in sentences, and what may help. */
import type { LatencyEvent, LatencyMonitor } from "../../kernel/latency-monitor.ts";

/** What to try against events of a kind. */
const advice: readonly (readonly [event: string, suggestion: string])[] = [
  [
    "command",
    "Look into SLOWLOG GET for commands that walk large collections, and split them (SCAN instead of KEYS, UNLINK instead of DEL).",
  ],
  [
    "fast-command",
    "Commands that should take microseconds took long: something else held the process. Look for swapping, a busy processor or a noisy neighbour.",
  ],
  [
    "expire-cycle",
    "Many keys expire at the same moment. Spread their times to live, or raise active-expire-effort.",
  ],
  [
    "eviction-cycle",
    "The memory limit is reached in bursts. Raise maxmemory, or lower maxmemory-eviction-tenacity.",
  ],
  ["expire-del", "Large values expire. Set lazyfree-lazy-expire to yes."],
  ["eviction-del", "Large values are evicted. Set lazyfree-lazy-eviction to yes."],
];

export function latencyReport(latency: LatencyMonitor, nowMs: number): string {
  if (latency.thresholdMs === 0)
    return (
      "The latency monitor is off, so there is nothing to report. Switch it on with " +
      '"CONFIG SET latency-monitor-threshold <milliseconds>", and ask again after a while.\n'
    );
  if (latency.events.size === 0)
    return `Nothing took ${latency.thresholdMs} milliseconds or longer so far. All is well.\n`;
  let text = `Events that took ${latency.thresholdMs} milliseconds or longer:\n\n`;
  let index = 1;
  for (const [name, event] of latency.events)
    text += `${index++}. ${sentence(name, event, nowMs)}\n`;
  const suggestions = advice.filter(([name]) => latency.events.has(name));
  if (suggestions.length === 0) return text;
  text += "\nWhat may help:\n\n";
  for (const [name, suggestion] of suggestions) text += `- ${name}: ${suggestion}\n`;
  return text;
}

function sentence(name: string, { samples, worstMs }: LatencyEvent, nowMs: number): string {
  const values = samples.map(({ latencyMs }) => latencyMs);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = values.reduce((sum, value) => sum + Math.abs(value - mean), 0) / values.length;
  const first = samples[0]?.timeSeconds ?? 0;
  const seconds = Math.max(1, Math.floor(nowMs / 1000) - first);
  return (
    `${name}: ${values.length} latency spikes, ${mean.toFixed(0)} ms on average, deviating ` +
    `${deviation.toFixed(0)} ms, one every ${(seconds / values.length).toFixed(2)} seconds. ` +
    `Worst of all time: ${worstMs} ms.`
  );
}
