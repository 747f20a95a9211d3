/** MONITOR: a live copy of all commands, as lines, for the clients that asked for it. */
import { type CommandEntry, FLAG_BITS } from "@kv/commands";
import { type Client, ClientState, ReplyMode } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";
import { redactedWords } from "./redaction.ts";

export class Monitors {
  private readonly engine: Engine;
  private readonly clients = new Set<Client>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get count(): number {
    return this.clients.size;
  }

  add(client: Client): void {
    this.clients.add(client);
    client.mark(ClientState.MONITOR, true);
    this.engine.updateInterest();
  }

  remove(client: Client): void {
    this.clients.delete(client);
    client.mark(ClientState.MONITOR, false);
    this.engine.updateInterest();
  }

  clientClosed(client: Client): void {
    this.clients.delete(client);
  }

  /** A command ran: everybody who monitors gets its line. */
  feed(client: Client, entry: CommandEntry, call: EngineCall): void {
    if ((entry.bits & (FLAG_BITS.skip_monitor | FLAG_BITS.admin)) !== 0) return;
    const { engine } = this;
    const nowUs = engine.host.wallUs();
    const seconds = Math.floor(nowUs / 1e6);
    const words = redactedWords(call).map(quoted).join(" ");
    const time = `${seconds}.${String(nowUs - seconds * 1e6).padStart(6, "0")}`;
    const line = `${time} [${client.databaseIndex} ${addressOf(client)}] ${words}`;
    for (const monitor of this.clients) {
      // Whoever just said QUIT gets the reply to it as the last thing.
      if (monitor.is(ClientState.CLOSING)) continue;
      // The lines are replies, not messages, to CLIENT REPLY.
      const skipsNext = monitor.replyMode === ReplyMode.SKIP_NEXT && monitor !== client;
      if (engine.isMuted(monitor) || skipsNext) continue;
      engine.output.pushWriter(monitor).simple(line);
      engine.output.schedule(monitor);
    }
  }
}

/** The peer of a client; a Unix socket has only its path. */
function addressOf({ connection }: Client): string {
  return connection.kind === "unix"
    ? `unix:${connection.address.replace(/:0$/, "")}`
    : connection.address;
}

/** The word in double quotes, with everything unprintable escaped (one character is a byte). */
function quoted(word: string): string {
  let text = '"';
  for (const character of word) {
    const code = character.charCodeAt(0);
    if (character === "\\" || character === '"') text += `\\${character}`;
    else if (character === "\n") text += "\\n";
    else if (character === "\r") text += "\\r";
    else if (character === "\t") text += "\\t";
    else if (character === "\x07") text += "\\a";
    else if (character === "\b") text += "\\b";
    else if (code < 32 || code > 126) text += `\\x${code.toString(16).padStart(2, "0")}`;
    else text += character;
  }
  return `${text}"`;
}
