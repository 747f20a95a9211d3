/**
 * The table of commands by type. Made once and never changed. That every type can be written, and in
 * pieces if one of its kinds has any, is checked here.
 */
import { assert, InvariantError, valueKinds } from "@kv/core";
import type { CommandForm } from "./form.ts";
import * as all from "./forms.ts";

function tableOf(forms: readonly CommandForm[]): readonly (CommandForm | undefined)[] {
  const table = new Array<CommandForm | undefined>(16).fill(undefined);
  for (const form of forms) {
    assert(table[form.type] === undefined, "a type is written in one way");
    table[form.type] = form;
  }
  for (const { type, pieces } of valueKinds) {
    const form = table[type];
    assert(form !== undefined, "every type can be written as commands");
    assert(pieces === undefined || form.piece !== undefined, "what has pieces is written so");
  }
  return Object.freeze(table);
}

const TABLE = tableOf(Object.values(all));

/** How the values of a type are written. */
export function commandFormOf(type: number): CommandForm {
  const form = TABLE[type];
  if (form === undefined) throw new InvariantError("a value that is written is of a known type");
  return form;
}
