/** Sets: SADD key member ... */
import { showMember, Type } from "@kv/core";
import { commandWord } from "../command-output.ts";
import type { CommandForm } from "./form.ts";

const SADD = commandWord("SADD");

export const setCommands: CommandForm = {
  type: Type.SET,
  begin: ({ key, set }, entry) => key.tell(SADD, 1, set.attach(entry).length),
  piece({ arena, items }, member) {
    showMember(arena, member, items.text);
    items.element();
  },
};
