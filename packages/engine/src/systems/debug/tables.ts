/** DEBUG HTSTATS and HTSTATS-KEY: how full the tables are, and how evenly. */
import type { Dict } from "@kv/core";

/** Longer chains are counted together. */
const CHAIN_MAX = 50;

/**
 * The keys of a table by where they belong. A chain is the entries whose hashes name the same of
 * as many places as the table has: what a reader may have to pass before the one that is wanted.
 */
export function tableStats(dict: Dict): string {
  if (dict.count === 0) return "No stats available for empty dictionaries\n";
  const slots = dict.slotCount();
  const places = 2 ** Math.ceil(Math.log2(Math.max(1, slots)));
  const chains = new Uint32Array(places);
  dict.eachEntry((entry) => {
    const place = (dict.hashOfEntry(entry) >>> 0) % places;
    chains[place] = (chains[place] as number) + 1;
  });
  let longest = 0;
  let used = 0;
  const byLength = new Map<number, number>();
  for (const length of chains) {
    if (length > 0) used++;
    if (length > longest) longest = length;
    const shown = Math.min(length, CHAIN_MAX);
    byLength.set(shown, (byLength.get(shown) ?? 0) + 1);
  }
  const lines = [
    "Hash table 0 stats (main hash table):",
    ` table size: ${slots}`,
    ` number of elements: ${dict.count}`,
    ` different slots: ${used}`,
    ` max chain length: ${longest}`,
    ` avg chain length (counted): ${(dict.count / used).toFixed(2)}`,
    ` avg chain length (computed): ${(dict.count / used).toFixed(2)}`,
    " Chain length distribution:",
    ...[...byLength.keys()]
      .sort((a, b) => a - b)
      .map((length) => {
        const count = byLength.get(length) as number;
        const label = length === CHAIN_MAX ? `>= ${length}` : `${length}`;
        return `   ${label}: ${count} (${((count / places) * 100).toFixed(2)}%)`;
      }),
  ];
  return `${lines.join("\n")}\n`;
}
