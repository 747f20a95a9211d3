export * from "./lolwut.ts";
export * from "./module.ts";
export * from "./role.ts";
export * from "./time.ts";
