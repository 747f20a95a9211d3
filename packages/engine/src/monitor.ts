/** MONITOR: a live copy of all commands, as lines, for the clients that asked for it. */
import { type CommandEntry, FLAG_BITS } from "@kv/commands";
import { latin1Bytes } from "@kv/resp";
import { type Client, ClientState, ReplyMode } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";
import { quotedLength, writeQuoted } from "./quoted-bytes.ts";
import { REDACTED, secretWords } from "./redaction.ts";

const SPACE = 32;
const QUOTE = 34;
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const REDACTED_BYTES = latin1Bytes(REDACTED);

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
    const time = `${seconds}.${String(nowUs - seconds * 1e6).padStart(6, "0")}`;
    const line = lineOf(`+${time} [${client.databaseIndex} ${addressOf(client)}]`, call);
    for (const monitor of this.clients) {
      // Whoever just said QUIT gets the reply to it as the last thing.
      if (monitor.is(ClientState.CLOSING)) continue;
      // The lines are replies, not messages, to CLIENT REPLY.
      const skipsNext = monitor.replyMode === ReplyMode.SKIP_NEXT && monitor !== client;
      if (engine.isMuted(monitor) || skipsNext) continue;
      engine.output.pushWriter(monitor).rawBytes(line, 0, line.length);
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

/** The reply that shows a request: bytes and not text, because a word may be half a gigabyte. */
function lineOf(head: string, call: EngineCall): Uint8Array {
  const secrets = secretWords(call);
  let length = head.length + 2;
  for (let index = 0; index < call.argc; index++) {
    length += 3; // A space and the quotes.
    if (secrets.has(index)) length += REDACTED_BYTES.length;
    else length += quotedLength(call.bytes, call.start(index), call.end(index));
  }
  const line = new Uint8Array(length);
  line.set(latin1Bytes(head));
  let at = head.length;
  for (let index = 0; index < call.argc; index++) {
    line[at++] = SPACE;
    line[at++] = QUOTE;
    if (secrets.has(index)) {
      line.set(REDACTED_BYTES, at);
      at += REDACTED_BYTES.length;
    } else {
      at = writeQuoted(line, at, call.bytes, call.start(index), call.end(index));
    }
    line[at++] = QUOTE;
  }
  line[at++] = CARRIAGE_RETURN;
  line[at] = LINE_FEED;
  return line;
}
