/**
 * Collections to measure: of each type and encoding many small ones, and one large. What a server
 * does not know yet is left out, and the section says so.
 */
import type { TemplateName } from "./command-template.ts";
import { RespClient } from "./resp-client.ts";
import type { ServerKind } from "./servers.ts";

/** The key of a large collection. */
export const LARGE = "large";

/** Many small collections of one kind. */
export interface SmallCollections {
  label: string;
  /** The command that fills them. */
  command: string;
  template: TemplateName;
  /** Elements of each: fields, members, nodes' elements, entries. */
  elements: number;
  /** How often the template is sent for each key; 1 when left out. */
  passes?: number;
  /** What makes the server choose this encoding: redis-server 7.0 knows none but tables for sets. */
  args?: (kind: ServerKind) => readonly string[];
}

const always =
  (...args: string[]) =>
  () =>
    args;

export const smallCollections: readonly SmallCollections[] = [
  { label: "hashes", command: "HSET", template: "hash", elements: 5 },
  {
    label: "hashes as tables",
    command: "HSET",
    template: "hash",
    elements: 5,
    args: always("--hash-max-listpack-entries", "0"),
  },
  { label: "lists", command: "RPUSH", template: "list", elements: 5 },
  { label: "sets", command: "SADD", template: "set", elements: 5 },
  {
    label: "sets as tables",
    command: "SADD",
    template: "set",
    elements: 5,
    args: ({ onV8 }) => (onV8 ? ["--set-max-listpack-entries", "0"] : []),
  },
  { label: "sets of integers", command: "SADD", template: "intset", elements: 5 },
  { label: "sorted sets", command: "ZADD", template: "sortedSet", elements: 5 },
  {
    label: "sorted sets as skiplists",
    command: "ZADD",
    template: "sortedSet",
    elements: 5,
    args: always("--zset-max-listpack-entries", "0"),
  },
  { label: "streams", command: "XADD", template: "stream", elements: 5, passes: 5 },
];

/** One large collection: each number that its template is sent with makes an element. */
export interface LargeCollection {
  label: string;
  /** The command that fills it. */
  command: string;
  template: TemplateName;
  /** Answers how many elements it has. */
  length: readonly [command: string, key: string];
  /** Its elements must come in the order of their numbers. */
  isOrdered?: true;
}

export const largeCollections: readonly LargeCollection[] = [
  { label: "hash", command: "HSET", template: "largeHash", length: ["HLEN", LARGE] },
  { label: "list", command: "RPUSH", template: "largeList", length: ["LLEN", LARGE] },
  { label: "set", command: "SADD", template: "largeSet", length: ["SCARD", LARGE] },
  { label: "set of integers", command: "SADD", template: "largeIntset", length: ["SCARD", LARGE] },
  { label: "sorted set", command: "ZADD", template: "largeSortedSet", length: ["ZCARD", LARGE] },
  {
    label: "stream",
    command: "XADD",
    template: "largeStream",
    length: ["XLEN", LARGE],
    isOrdered: true,
  },
];

/** How loadKeys() is to fill it: an order is kept on one connection only. */
export function loadOptions({ isOrdered }: LargeCollection): { connections?: number } {
  return isOrdered === true ? { connections: 1 } : {};
}

/** Those of the commands that a server does not know. */
export async function unknownCommands(
  port: number,
  commands: readonly string[],
): Promise<ReadonlySet<string>> {
  await using client = await RespClient.connect(port);
  const names = [...new Set(commands)];
  const infos = await client.send("COMMAND", "INFO", ...names);
  if (!Array.isArray(infos)) throw new Error("COMMAND INFO answers with an array");
  return new Set(names.filter((_, index) => infos[index] === null));
}

/** A remark about what was left out, for want of these commands; none when nothing was. */
export function leftOut(labels: readonly string[]): string[] {
  if (labels.length === 0) return [];
  return [`Left out, for want of commands: ${[...new Set(labels)].join(", ")}.`];
}
