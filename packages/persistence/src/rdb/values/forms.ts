/** The file forms of all types of values. A new type is one line here: its file has the rest. */
export { hashForm, hashWithExpiriesForm } from "./hash.ts";
export { listForm } from "./list.ts";
export { moduleForm } from "./module.ts";
export { setForm } from "./set.ts";
export { sortedSetForm } from "./sorted-set.ts";
export { streamForm } from "./stream.ts";
export { stringForm } from "./string.ts";
