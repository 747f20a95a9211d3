/**
 * ACL categories: most follow from a command's group and flags; the rest it names itself
 * (commands of the generic group, @keyspace: SORT, OBJECT and WAIT do not have it).
 */
import type { CommandFlag } from "./flags.ts";

/** All categories, without `@`, in the order in which ACL CAT lists them. */
export const ACL_CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;
/** The name of a category, without `@`. */
export type AclCategory = (typeof ACL_CATEGORIES)[number];

/** All groups, as COMMAND DOCS names them. */
export const GROUPS = [
  "generic",
  "string",
  "list",
  "set",
  "sorted-set",
  "hash",
  "pubsub",
  "transactions",
  "connection",
  "server",
  "scripting",
  "hyperloglog",
  "cluster",
  "sentinel",
  "geo",
  "stream",
  "bitmap",
  "module",
] as const;
/** The name of a group of commands. */
export type Group = (typeof GROUPS)[number];

const OF_GROUP: Partial<Record<Group, AclCategory>> = {
  string: "string",
  list: "list",
  set: "set",
  "sorted-set": "sortedset",
  hash: "hash",
  transactions: "transaction",
  connection: "connection",
  scripting: "scripting",
  hyperloglog: "hyperloglog",
  geo: "geo",
  stream: "stream",
  bitmap: "bitmap",
};

/**
 * The categories of a command (of a container: without its group), in the order of ACL_CATEGORIES.
 * `named` are those that neither its group nor its flags imply. Redis's rules: write → @write;
 * readonly → @read unless scripting; admin → @admin and @dangerous; pubsub → @pubsub; fast → @fast,
 * else @slow; blocking → @blocking.
 */
export function categoriesOf(
  group: Group | undefined,
  flags: readonly CommandFlag[],
  named: readonly AclCategory[],
): AclCategory[] {
  const all: AclCategory[] = [...named];
  const fromGroup = group === undefined ? undefined : OF_GROUP[group];
  if (fromGroup !== undefined) all.push(fromGroup);
  if (flags.includes("write")) all.push("write");
  if (flags.includes("readonly") && group !== "scripting") all.push("read");
  if (flags.includes("admin")) all.push("admin", "dangerous");
  if (flags.includes("pubsub")) all.push("pubsub");
  if (flags.includes("blocking")) all.push("blocking");
  all.push(flags.includes("fast") ? "fast" : "slow");
  return ACL_CATEGORIES.filter((category) => all.includes(category));
}
