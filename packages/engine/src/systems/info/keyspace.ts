/** INFO keyspace: a row for each database that holds keys. */
import { type Database, expiryMs, RefList } from "@kv/core";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";

/** Keys whose time to live is looked at: the mean is an estimate, as in Redis. */
const SAMPLE_KEYS = 32;

/** Mean time to live, in milliseconds, of some keys that have one. */
function meanTtlMs({ host, keyspace, situation }: Ports, { expires }: Database): number {
  if (expires.count === 0) return 0;
  const found = new RefList();
  expires.sample(SAMPLE_KEYS, () => host.random32(), found);
  let sum = 0;
  for (let i = 0; i < found.count; i++)
    sum += Math.max(0, expiryMs(keyspace.arena, found.at(i)) - situation.nowMs);
  return found.count === 0 ? 0 : Math.floor(sum / found.count);
}

function* databaseRows(engine: Ports): Iterable<readonly [string, string]> {
  for (const database of engine.keyspace.databases) {
    const { index, size, expires, fieldExpiries } = database;
    if (size === 0 && expires.count === 0) continue;
    const ttlMs = meanTtlMs(engine, database);
    // Redis 7.2 ends the row here, and there are readers that take no fourth column from it.
    const columns = `keys=${size},expires=${expires.count},avg_ttl=${ttlMs}`;
    const mortal = fieldExpiries.count;
    yield [`db${index}`, mortal === 0 ? columns : `${columns},subexpiry=${mortal}`];
  }
}

export const keyspaceSection: InfoSection = {
  name: "keyspace",
  title: "Keyspace",
  isDefault: true,
  fields: [],
  rows: databaseRows,
};
