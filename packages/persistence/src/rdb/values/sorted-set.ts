/** Sorted sets: the forms that files have. They are checked; loading them is not possible yet. */
import { RdbType } from "../format.ts";
import type { RdbForm } from "./form.ts";
import { bytes, distinct, packed, textDouble } from "./grammar.ts";
import { listpackFault, ziplistFault } from "./packed.ts";

const DUPLICATE = "Duplicate zset fields detected";

export const sortedSetForm: RdbForm = {
  reads: [
    {
      type: RdbType.ZSET,
      name: "zset-v1",
      skip: (input, seen) => distinct(input, seen, DUPLICATE, textDouble),
    },
    {
      type: RdbType.ZSET_2,
      name: "zset-v2",
      skip: (input, seen) => distinct(input, seen, DUPLICATE, bytes(8)),
    },
    {
      type: RdbType.ZSET_ZIPLIST,
      name: "zset-ziplist",
      skip: packed(ziplistFault("Zset ziplist integrity check failed.", 2)),
    },
    {
      type: RdbType.ZSET_LISTPACK,
      name: "zset-listpack",
      skip: packed(listpackFault("Zset listpack integrity check failed.", 2)),
    },
  ],
  writes: [],
};
