/** Directives: limits on memory and clients, eviction, expiry, lazy freeing, defragmentation. */
import { type Directive, directive } from "../directive.ts";
import { boolean, integer, memory, memoryOrPercent, oneOf } from "../kinds.ts";
import { bufferLimits } from "../special-kinds.ts";
import { intMax, longMax, uintMax, ulongMax } from "../value-grammar.ts";

const megabyte = 1024 * 1024;
const noEviction = "noeviction";

/**
 * The row for a set of eviction policies, in the order in which the refusal of another one lists
 * them. Whoever evicts knows which there are and hands them in (directivesWith); "noeviction", the
 * default, has to be one of them. Throws an Error otherwise.
 */
export function maxmemoryPolicy(
  policies: readonly string[],
): Directive<"maxmemory-policy", string> {
  const [first, ...others] = policies;
  if (first === undefined || !policies.includes(noEviction))
    throw new Error(`directive 'maxmemory-policy': '${noEviction}' is not among the policies`);
  return directive({
    name: "maxmemory-policy",
    kind: oneOf<string>([first, ...others]),
    default: noEviction,
    summary: "Which keys to evict when memory is full.",
  });
}

/** Limits on memory and clients, eviction, expiry. */
export const memoryLimits = [
  directive({
    name: "maxclients",
    kind: integer(1, uintMax),
    default: 10000,
    summary: "Most clients at a time.",
  }),
  directive({
    name: "maxmemory",
    kind: memory(0, ulongMax),
    default: 0,
    summary: "Most memory to use; 0 sets no limit.",
  }),
  // In a table that nobody completed with policies, none evicts.
  maxmemoryPolicy([noEviction]),
  directive({
    name: "maxmemory-samples",
    kind: integer(1, intMax),
    default: 5,
    summary: "Keys to compare when choosing one to evict.",
  }),
  directive({
    name: "maxmemory-eviction-tenacity",
    kind: integer(0, 100),
    default: 10,
    summary: "Effort before commands go on with eviction unfinished, from 0 to 100.",
  }),
  directive({
    name: "maxmemory-clients",
    kind: memoryOrPercent,
    default: 0,
    summary: "Most memory for all clients together; 0 sets no limit.",
  }),
  directive({
    name: "client-output-buffer-limit",
    kind: bufferLimits,
    default: {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * megabyte, softBytes: 64 * megabyte, softSeconds: 60 },
      pubsub: { hardBytes: 32 * megabyte, softBytes: 8 * megabyte, softSeconds: 60 },
    },
    summary: "Unread replies at which a client is closed: at once, or after so many seconds.",
  }),
  directive({
    name: "client-query-buffer-limit",
    kind: memory(megabyte, longMax),
    default: 1024 * megabyte,
    summary: "Longest request of a client, all its arguments together.",
  }),
  directive({
    name: "proto-max-bulk-len",
    kind: memory(megabyte, longMax),
    default: 512 * megabyte,
    summary: "Longest single argument, and longest string value.",
  }),
  directive({
    name: "tracking-table-max-keys",
    kind: integer(0, longMax),
    default: 1000000,
    summary: "Keys remembered for client-side caching; 0 sets no limit.",
  }),
  directive({
    name: "lfu-log-factor",
    kind: integer(0, intMax),
    default: 10,
    summary: "How slowly access counters grow.",
  }),
  directive({
    name: "lfu-decay-time",
    kind: integer(0, intMax),
    default: 1,
    summary: "Minutes after which an access counter falls by one.",
  }),
  directive({
    name: "active-expire-effort",
    kind: integer(1, 10),
    default: 1,
    summary: "Effort for finding expired keys, from 1 to 10.",
  }),
] as const;

/** Freeing in the background. */
export const lazyFree = [
  directive({
    name: "lazyfree-lazy-eviction",
    kind: boolean,
    default: false,
    summary: "Free evicted values in the background.",
  }),
  directive({
    name: "lazyfree-lazy-expire",
    kind: boolean,
    default: false,
    summary: "Free expired values in the background.",
  }),
  directive({
    name: "lazyfree-lazy-server-del",
    kind: boolean,
    default: false,
    summary: "Free values that commands replace in the background.",
  }),
  directive({
    name: "lazyfree-lazy-user-del",
    kind: boolean,
    default: false,
    summary: "Let DEL work like UNLINK.",
  }),
  directive({
    name: "lazyfree-lazy-user-flush",
    kind: boolean,
    default: false,
    summary: "Let FLUSHALL, FLUSHDB and the like free in the background unless told otherwise.",
  }),
] as const;

/** Moving values together. */
export const defragmentation = [
  directive({
    name: "activedefrag",
    kind: boolean,
    default: false,
    summary: "Move values together to give memory back.",
  }),
  directive({
    name: "active-defrag-ignore-bytes",
    kind: memory(1, longMax),
    default: 100 * megabyte,
    summary: "Waste below which nothing is moved.",
  }),
  directive({
    name: "active-defrag-threshold-lower",
    kind: integer(0, 1000),
    default: 10,
    summary: "Percentage of waste at which moving begins.",
  }),
  directive({
    name: "active-defrag-threshold-upper",
    kind: integer(0, 1000),
    default: 100,
    summary: "Percentage of waste at which the effort is greatest.",
  }),
  directive({
    name: "active-defrag-cycle-min",
    kind: integer(1, 99),
    default: 1,
    summary: "Least effort, a percentage of processor time.",
  }),
  directive({
    name: "active-defrag-cycle-max",
    kind: integer(1, 99),
    default: 25,
    summary: "Greatest effort, a percentage of processor time.",
  }),
  directive({
    name: "active-defrag-max-scan-fields",
    kind: integer(1, longMax),
    default: 1000,
    summary: "Size from which a collection is moved in several steps.",
  }),
] as const;
