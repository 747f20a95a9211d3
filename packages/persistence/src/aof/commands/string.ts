/** Strings: SET key text. */
import { Type } from "@kv/core";
import { commandWord } from "../command-output.ts";
import type { CommandForm } from "./form.ts";

const SET = commandWord("SET");

export const stringCommands: CommandForm = {
  type: Type.STRING,
  write({ arena, output, key, string }, entry) {
    string.read(arena, entry);
    output.command(3);
    output.word(SET);
    output.text(key);
    output.text(string);
  },
};
