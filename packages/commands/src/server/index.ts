/** Commands on whole databases that need nothing but the keyspace. */
export * from "./dbsize.ts";
export * from "./flush.ts";
export * from "./swapdb.ts";
