/** Lists: RPUSH key element ... */
import { eachOfNode, Type } from "@kv/core";
import { commandWord } from "../command-output.ts";
import type { CommandForm } from "./form.ts";

const RPUSH = commandWord("RPUSH");

export const listCommands: CommandForm = {
  type: Type.LIST,
  begin: ({ key, list }, entry) => key.tell(RPUSH, 1, list.attach(entry).length),
  piece: ({ arena, node, items }, cell) => eachOfNode(node.open(arena, cell), items),
};
