/** Generated: the commands of this folder. */
export * from "./auth.ts";
export * from "./client-commands.ts";
export * from "./client-kill.ts";
export * from "./echo.ts";
export * from "./hello.ts";
export * from "./ping.ts";
export * from "./quit.ts";
export * from "./reset.ts";
export * from "./select.ts";
