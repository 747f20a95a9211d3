/** What DEBUG says and sets of lists: QUICKLIST, QUICKLIST-PACKED-THRESHOLD, the fields of OBJECT. */
import { CommandError, errors } from "@kv/commands";
import {
  type Arena,
  Encoding,
  eachNode,
  encodingOf,
  NONE,
  nodeImage,
  quicklistFacts,
  type Ref,
  Type,
  typeOf,
  valueRef,
} from "@kv/core";
import type { EngineCall } from "../../module/engine-call.ts";

const notAQuicklist = new CommandError("ERR Not a quicklist encoded object.");
const badThreshold = new CommandError(
  "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
);
const THRESHOLD_MAX = 2 ** 32 - 2 ** 20;
/** Nodes that are logged one by one. */
const LOGGED_NODES_MAX = 100;
const UNITS = new Map([
  ["", 1],
  ["b", 1],
  ["k", 1000],
  ["kb", 1024],
  ["m", 1e6],
  ["mb", 2 ** 20],
  ["g", 1e9],
  ["gb", 2 ** 30],
]);

function isQuicklist(arena: Arena, entry: Ref): boolean {
  return typeOf(arena, entry) === Type.LIST && encodingOf(arena, entry) === Encoding.QUICKLIST;
}

/** What DEBUG OBJECT adds for a list of several nodes. */
export function quicklistFields(arena: Arena, entry: Ref): string {
  if (!isQuicklist(arena, entry)) return "";
  const { nodes, elements, fill, depth, rawBytes } = quicklistFacts(arena, valueRef(arena, entry));
  return (
    ` ql_nodes:${nodes} ql_avg_node:${(elements / nodes).toFixed(2)} ql_listpack_max:${fill} ` +
    `ql_compressed:${depth === 0 ? 0 : 1} ql_uncompressed_size:${rawBytes}`
  );
}

export function quicklist(call: EngineCall): void {
  const { arena } = call.keyspace;
  const entry = call.findStored(2);
  if (entry === NONE) throw errors.noSuchKey;
  if (!isQuicklist(arena, entry)) throw notAQuicklist;
  const { host } = call.engine;
  host.log("notice", `DEBUG QUICKLIST:${quicklistFields(arena, entry)}`);
  let index = 0;
  eachNode(arena, valueRef(arena, entry), (cell) => {
    if (index++ >= LOGGED_NODES_MAX) return;
    const { isPlain, isCompressed, start, end, rawBytes } = nodeImage(arena, cell);
    const form = isPlain ? "plain" : "packed";
    const size = isCompressed ? `${end - start} bytes of LZF for ${rawBytes}` : `${rawBytes} bytes`;
    host.log("notice", `DEBUG QUICKLIST: node ${index - 1}, ${form}, ${size}`);
  });
  // Clients know this sentence from Redis; what would be on its stdout is in our log.
  call.reply.simple("Quicklist structure printed on stdout");
}

/** Elements of so many bytes are nodes of their own from now on. */
export function packedThreshold(call: EngineCall): void {
  const [, digits, unit] = /^(\d+)([a-z]*)$/.exec(call.word(2).toLowerCase()) ?? [];
  const scale = UNITS.get(unit ?? "?");
  const size = Number(digits) * (scale ?? Number.NaN);
  if (!(size >= 0 && size <= THRESHOLD_MAX)) throw badThreshold;
  const { settings } = call;
  const list = { ...settings.limits.list, plainBytesMin: size };
  settings.limits = { ...settings.limits, list };
  call.reply.ok();
}
