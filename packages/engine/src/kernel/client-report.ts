/**
 * Client report: what a client costs, and the line that CLIENT LIST and the log show of it. Systems
 * add what only they know (ClientFacts): bytes of names that they keep, flags, fields.
 */
import type { Call } from "@kv/commands";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import type { Situation } from "./situation.ts";

/** The client itself, its reader and its socket: measured as what 5,000 idle ones take. */
export const CLIENT_BYTES = 8192;

/** The letters of CLIENT LIST's flags, in the order in which Redis prints them. */
const FLAG_ORDER = "OSMPxbtRBdcuAUreT";
/** All letters that flags can have: N stands where there is none else. */
export const CLIENT_FLAGS = `N${FLAG_ORDER}`;

/** What a system knows of a client that has something of its own there. */
export interface ClientFacts {
  /** Bytes that the system keeps on the client's behalf. */
  bytesOf?(client: Client): number;
  /** Letters for the client's flags. */
  flagsOf?(client: Client): string;
  /** Fields whose value differs from what a client without this has. */
  fieldsOf?(client: Client): Readonly<Record<string, string | number>>;
}

/** What a client costs, and how CLIENT LIST shows it: see the head of this file. */
export class ClientReport {
  /** One for each system that has something to add. */
  readonly facts: ClientFacts[] = [];
  private readonly situation: Situation;
  private readonly presentCall: () => Call;

  constructor(situation: Situation, presentCall: () => Call) {
    this.situation = situation;
    this.presentCall = presentCall;
  }

  /** All bytes held for the client: `tot-mem` of CLIENT LIST, and what `maxmemory-clients` is about. */
  bytesOf(client: Client): number {
    const { executing, transaction } = client;
    const queueBytes = (transaction?.queue.heldBytes ?? 0) + (executing?.heldBytes ?? 0);
    let sum = CLIENT_BYTES + client.bufferBytes + queueBytes;
    for (const each of this.facts) sum += each.bytesOf?.(client) ?? 0;
    return sum;
  }

  /** The client in the form of CLIENT LIST. */
  describe(client: Client): string {
    const { connection, reader } = client;
    const queue = client.inTransaction ? client.transaction?.queue : client.executing;
    const { nowMs } = this.situation;
    const seconds = (sinceMs: number) => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
    const pending = client.pendingBytes;
    const request = this.requestBytes(client);
    const fields: Record<string, string | number> = {
      id: client.id,
      addr: connection.address,
      laddr: connection.localAddress,
      fd: connection.fileDescriptor,
      name: client.name,
      age: seconds(client.createdMs),
      idle: seconds(client.lastActiveMs),
      flags: this.flagsOf(client),
      db: client.databaseIndex,
      sub: client.channelCount,
      psub: client.patternCount,
      ssub: client.shardChannelCount,
      multi: queue?.count ?? -1,
      qbuf: reader.unparsedBytes + request.whole,
      "qbuf-free": Math.max(0, reader.capacityBytes - reader.pendingBytes),
      "argv-mem": reader.partialArgumentBytes + request.args,
      "multi-mem": queue?.heldBytes ?? 0,
      rbs: client.outbox?.heldBytes ?? 0,
      rbp: client.outputPeakBytes,
      obl: 0,
      oll: pending > 0 ? 1 : 0,
      omem: pending,
      "tot-mem": this.bytesOf(client) + client.sharedBytes + request.whole,
      events: pending > 0 ? "rw" : "r",
      cmd: client.lastCommand?.fullName ?? "NULL",
      user: client.is(ClientState.PRIMARY) ? "(superuser)" : client.user.name,
      redir: -1,
      resp: client.protocol,
      "lib-name": client.libraryName,
      "lib-ver": client.libraryVersion,
    };
    for (const each of this.facts) Object.assign(fields, each.fieldsOf?.(client));
    let line = "";
    for (const name in fields) line += `${line === "" ? "" : " "}${name}=${fields[name]}`;
    return line;
  }

  /** Bytes of the requests that are being served, and of the present one's arguments. */
  private requestBytes(client: Client): { whole: number; args: number } {
    const call = this.presentCall();
    const { args } = call;
    if (client !== this.situation.current || args.commandCount === 0) return { whole: 0, args: 0 };
    let sum = 0;
    for (let index = 0; index < call.argc; index++) sum += call.length(index);
    const end = args.requestEnd[args.commandCount - 1] as number;
    return { whole: end - (args.requestStart[0] as number), args: sum };
  }

  /** The letters of a client's state: `flags` of CLIENT LIST. */
  flagsOf(client: Client): string {
    let flags = "";
    if (client.is(ClientState.MONITOR)) flags += "O";
    if (client.subscribes) flags += "P";
    if (client.inTransaction || client.executing !== null) flags += "x";
    if (client.is(ClientState.WAITING)) flags += "b";
    if (client.transaction?.disturbed === true) flags += "d";
    if (client.is(ClientState.CLOSING)) flags += "c";
    if (client.connection.isUnix) flags += "U";
    if (client.noEvict) flags += "e";
    if (client.is(ClientState.NO_TOUCH)) flags += "T";
    for (const each of this.facts) flags += each.flagsOf?.(client) ?? "";
    if (flags === "") return "N";
    return [...FLAG_ORDER].filter((letter) => flags.includes(letter)).join("");
  }
}
