/** Which clients the directives `enable-...-command local` and the like let in. */
import { CommandError } from "@kv/commands";
import type { EngineCall } from "./engine-call.ts";

/** Whether the directive (no, local or yes) lets this client do what it guards. */
export function isAllowedBy(directive: string, call: EngineCall): boolean {
  const value = call.engine.config.text(directive);
  return value === "yes" || (value === "local" && call.client.connection.isLocal);
}

/** Throws unless the directive allows `command` to this client. */
export function requireAllowed(command: string, directive: string, call: EngineCall): void {
  if (isAllowedBy(directive, call)) return;
  throw new CommandError(
    `ERR ${command} command not allowed. If the ${directive} option is set to "local", you can ` +
      "run it from a local connection, otherwise you need to set this option in the " +
      "configuration file, and then restart the server.",
  );
}
