/** Which clients the directives `enable-...-command local` and the like let in. */
import { CommandError, type CommandRow } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import type { Client } from "./client.ts";

/** Whether the directive (no, local or yes) lets this client do what it guards. */
export function isAllowedBy(directive: string, config: ConfigStore, client: Client): boolean {
  const value = config.text(directive);
  return value === "yes" || (value === "local" && client.connection.isLocal);
}

/** Why the client may not call a protected command; null: its directive lets it. */
export function protectionOf(
  row: CommandRow,
  config: ConfigStore,
  client: Client,
): CommandError | null {
  const name = row.container?.fullName ?? row.fullName;
  const directive = `enable-${name}-command`;
  if (isAllowedBy(directive, config, client)) return null;
  return new CommandError(
    `ERR ${name.toUpperCase()} command not allowed. If the ${directive} option is set to "local", you can ` +
      "run it from a local connection, otherwise you need to set this option in the " +
      "configuration file, and then restart the server.",
  );
}
