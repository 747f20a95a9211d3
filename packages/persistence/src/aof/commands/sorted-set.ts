/** Sorted sets: ZADD key score member ... */
import { Type, visitMember } from "@kv/core";
import { commandWord } from "../command-output.ts";
import type { CommandForm } from "./form.ts";

const ZADD = commandWord("ZADD");

export const sortedSetCommands: CommandForm = {
  type: Type.ZSET,
  begin: ({ key, sortedSet }, entry) => key.tell(ZADD, 2, sortedSet.attach(entry).length),
  piece: ({ arena, items }, element) => visitMember(arena, element, items),
};
