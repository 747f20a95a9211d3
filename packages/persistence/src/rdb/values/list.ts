/** Lists: the forms that files have. They are checked; loading them is not possible yet. */
import { RdbType } from "../format.ts";
import type { RdbForm } from "./form.ts";
import { length, packed, repeat, string } from "./grammar.ts";
import { ziplistFault } from "./packed.ts";

export const listForm: RdbForm = {
  reads: [
    { type: RdbType.LIST, name: "list-linked", skip: (input) => repeat(input, string) },
    {
      type: RdbType.LIST_ZIPLIST,
      name: "list-ziplist",
      skip: packed(ziplistFault("Ziplist integrity check failed.", 0)),
    },
    { type: RdbType.LIST_QUICKLIST, name: "quicklist", skip: (input) => repeat(input, string) },
    {
      type: RdbType.LIST_QUICKLIST_2,
      name: "quicklist-v2",
      skip: (input) => repeat(input, length, string),
    },
  ],
  writes: [],
};
