/** Generated: the commands of this folder. */
export * from "./publish.ts";
export * from "./pubsub.ts";
export * from "./subscribe.ts";
export * from "./unsubscribe.ts";
