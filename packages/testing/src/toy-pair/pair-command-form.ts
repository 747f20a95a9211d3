/** A pair as the command that makes it anew. */
import { type CommandForm, commandWord } from "@kv/persistence";
import { PAIR_TYPE } from "./pair-kind.ts";

export const pairCommands: CommandForm = {
  type: PAIR_TYPE,
  begin: ({ key }) => key.tell(commandWord("PAIRSET"), 1, 2),
};
