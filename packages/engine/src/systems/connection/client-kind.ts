/** Kinds of clients, as the TYPE of CLIENT LIST and CLIENT KILL names them. */
import { fail, quoted } from "@kv/commands";
import type { EngineCall } from "../../module/engine-call.ts";

export type ClientKind = "normal" | "master" | "replica" | "pubsub";

const kinds = new Map<string, ClientKind>([
  ["normal", "normal"],
  ["master", "master"],
  ["slave", "replica"],
  ["replica", "replica"],
  ["pubsub", "pubsub"],
]);

/** The kind that an argument names. */
export function kindArgument(call: EngineCall, index: number): ClientKind {
  const word = call.word(index);
  return kinds.get(word.toLowerCase()) ?? fail(`ERR Unknown client type '${quoted(word)}'`);
}
