/** Admission: which connections are turned away at the door, and what they are told. */
import { ReplyWriter } from "@kv/resp";
import type { Engine } from "../engine.ts";
import type { Connection } from "./host.ts";

/** The error for a connection that is not let in; null when it is. */
export function refusalOf(
  engine: Engine,
  connection: Pick<Connection, "kind" | "address">,
): string | null {
  const { clients, config, access } = engine;
  if (clients.size >= config.number("maxclients")) return "ERR max number of clients reached";
  if (
    config.boolean("protected-mode") &&
    access.users.defaultUser.anyPassword &&
    connection.kind !== "unix" &&
    connection.kind !== "inproc" &&
    !isLoopback(connection.address)
  ) {
    return (
      "DENIED Redis is running in protected mode because protected mode is enabled and no " +
      "password is set for the default user. In this mode connections are only accepted from " +
      "the loopback interface. To accept others, either set a password (requirepass), or bind " +
      "the server to the addresses that should reach it and turn protected mode off: " +
      "CONFIG SET protected-mode no, from a client on this machine."
    );
  }
  return null;
}

function isLoopback(address: string): boolean {
  return (
    address.startsWith("127.") ||
    address.startsWith("[::1]") ||
    address.startsWith("::1") ||
    address.startsWith("[::ffff:127.") ||
    address.startsWith("::ffff:127.")
  );
}

/** Connections come and go too often for words that nobody will read. */
export function logConnection(engine: Engine, words: () => string): void {
  const level = engine.config.text("loglevel");
  if (level === "verbose" || level === "debug") engine.host.log("verbose", words());
}

/** Tells the refused why, and closes. */
export function refuse(engine: Engine, connection: Connection, refusal: string): void {
  engine.stats.connectionsRejected++;
  const line = new ReplyWriter(512);
  line.error(refusal);
  connection.send(line.bytes, 0, line.length);
  connection.end();
}
