/** Generated: the commands of this folder. */
export * from "./geoadd.ts";
export * from "./geopos.ts";
export * from "./georadius.ts";
export * from "./geosearch.ts";
