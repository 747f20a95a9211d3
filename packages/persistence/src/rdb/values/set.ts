/** Sets: the forms that files have. They are checked; loading them is not possible yet. */
import { RdbType } from "../format.ts";
import type { RdbForm } from "./form.ts";
import { distinct, packed } from "./grammar.ts";
import { intsetFault, listpackFault } from "./packed.ts";

export const setForm: RdbForm = {
  reads: [
    {
      type: RdbType.SET,
      name: "set-hashtable",
      skip: (input, seen) => distinct(input, seen, "Duplicate set members detected"),
    },
    { type: RdbType.SET_INTSET, name: "set-intset", skip: packed(intsetFault) },
    {
      type: RdbType.SET_LISTPACK,
      name: "set-listpack",
      skip: packed(listpackFault("Set listpack integrity check failed.", 1)),
    },
  ],
  writes: [],
};
