/** A pair as the command that makes it anew. */
import { type CommandForm, commandWord } from "@kv/persistence";
import { PAIR_TYPE } from "./pair-kind.ts";

const PAIRSET = commandWord("PAIRSET");

export const pairCommands: CommandForm = {
  type: PAIR_TYPE,
  begin: ({ key }) => key.tell(PAIRSET, 1, 2),
};
