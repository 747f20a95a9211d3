/**
 * MONITOR: a live copy of all commands, as lines, for the clients that asked for it.
 *
 * A request may have a hundred million words, or one of half a gigabyte. So a line is written as
 * bytes, a piece at a time, into the outboxes of all who monitor; whoever does not read is held to
 * its output limit while the line is being written.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";
import { latin1Bytes, writeLatin1 } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import { ClientState, ReplyMode } from "../../kernel/client-state.ts";
import type { CommandListener } from "../../kernel/effects.ts";
import { QUOTED_BYTES_MAX, writeQuoted } from "../../kernel/quoted-bytes.ts";
import type { Ports } from "../../module/ports.ts";
import { REDACTED, secretsOf } from "./redaction.ts";

const PIECE_BYTES = 16_384;
const BEFORE_WORD = latin1Bytes(' "');
const AFTER_WORD = latin1Bytes('"');
const LINE_END = latin1Bytes("\r\n");
const REDACTED_BYTES = latin1Bytes(REDACTED);

type Needs = Pick<Ports, "host" | "config" | "effects" | "output">;

export class Monitors implements CommandListener {
  private readonly ports: Needs;
  private readonly clients = new Set<Client>();
  /** Who gets the present line, and the piece of it that is being written. */
  private listeners: Client[] = [];
  private readonly piece = new Uint8Array(PIECE_BYTES);
  private length = 0;

  constructor(ports: Needs) {
    this.ports = ports;
  }

  get wantsCommands(): boolean {
    return this.clients.size > 0;
  }

  get count(): number {
    return this.clients.size;
  }

  add(client: Client): void {
    this.clients.add(client);
    client.mark(ClientState.MONITOR, true);
    this.ports.effects.updateInterest();
  }

  remove(client: Client): void {
    if (!this.clients.delete(client)) return;
    client.mark(ClientState.MONITOR, false);
    this.ports.effects.updateInterest();
  }

  clientClosed(client: Client): void {
    this.clients.delete(client);
  }

  /** A command ran: everybody who monitors gets its line. */
  commandRan(client: Client, row: CommandRow, call: ClientCall): void {
    if ((row.bits & (FLAG_BITS.skip_monitor | FLAG_BITS.admin)) !== 0 || call.isRerun) return;
    this.tell(client, call);
  }

  /** A script has its line ahead of those of its commands, be it run in the end or not. */
  scriptBegins(client: Client, _row: CommandRow, call: ClientCall): void {
    this.tell(client, call);
  }

  private tell(client: Client, call: ClientCall): void {
    this.listeners = [...this.clients].filter((monitor) => this.listens(monitor, client));
    const nowUs = this.ports.host.wallUs();
    const seconds = Math.floor(nowUs / 1e6);
    const time = `${seconds}.${String(nowUs - seconds * 1e6).padStart(6, "0")}`;
    const from = call.isScripted ? "lua" : addressOf(client);
    this.text(`+${time} [${client.databaseIndex} ${from}]`);
    const isSecret = secretsOf(call, this.ports.config);
    for (let index = 0; index < call.argc && this.listeners.length > 0; index++) {
      this.put(BEFORE_WORD);
      if (isSecret(index)) this.put(REDACTED_BYTES);
      else this.quoted(call.bytes, call.start(index), call.end(index));
      this.put(AFTER_WORD);
    }
    this.put(LINE_END);
    this.flush();
    this.listeners = [];
  }

  /** Who monitors saw MULTI: the line tells that the transaction is over. */
  execRefused(client: Client, row: CommandRow, call: ClientCall): void {
    this.commandRan(client, row, call);
  }

  /** Whether a client that monitors gets the line about a command of `client`. */
  private listens(monitor: Client, client: Client): boolean {
    // Whoever just said QUIT gets the reply to it as the last thing.
    if (monitor.is(ClientState.CLOSING)) return false;
    // The lines are replies, not messages, to CLIENT REPLY.
    const skipsNext = monitor.replyMode === ReplyMode.SKIP_NEXT && monitor !== client;
    return !monitor.isMuted && !skipsNext;
  }

  private text(text: string): void {
    this.makeRoom(text.length);
    this.length = writeLatin1(this.piece, this.length, text);
  }

  private put(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.piece.set(bytes, this.length);
    this.length += bytes.length;
  }

  private quoted(bytes: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end; ) {
      this.makeRoom(QUOTED_BYTES_MAX);
      const to = Math.min(end, from + Math.floor((PIECE_BYTES - this.length) / QUOTED_BYTES_MAX));
      this.length = writeQuoted(this.piece, this.length, bytes, from, to);
      from = to;
    }
  }

  private makeRoom(bytes: number): void {
    if (this.length + bytes > PIECE_BYTES) this.flush();
  }

  /** Sends what is written of the line. Who was closed by that gets nothing of the rest. */
  private flush(): void {
    const { output } = this.ports;
    for (const monitor of this.listeners) {
      output.pushWriter(monitor).rawBytes(this.piece, 0, this.length);
      output.schedule(monitor);
    }
    this.length = 0;
    if (this.listeners.some(isLeaving))
      this.listeners = this.listeners.filter((monitor) => !isLeaving(monitor));
  }
}

function isLeaving(monitor: Client): boolean {
  return monitor.closed || monitor.is(ClientState.CLOSING);
}

/** The peer of a client; a Unix socket has only its path. */
function addressOf({ connection }: Client): string {
  return connection.isUnix ? `unix:${connection.address.replace(/:0$/, "")}` : connection.address;
}
