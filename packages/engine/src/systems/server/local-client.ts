/** Which clients the directives `enable-...-command local` and the like let in. */
import { CommandError } from "@kv/commands";
import type { EngineCall } from "../../module/engine-call.ts";

/** True when the client sits on this machine. */
function isLocal({ client }: EngineCall): boolean {
  const { kind, address } = client.connection;
  if (kind === "unix" || kind === "inproc") return true;
  return /^(127\.|\[?::1\b|\[?::ffff:127\.)/.test(address);
}

/** Whether the directive (no, local or yes) lets this client do what it guards. */
export function isAllowedBy(directive: string, call: EngineCall): boolean {
  const value = call.engine.config.text(directive);
  return value === "yes" || (value === "local" && isLocal(call));
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
