/**
 * Dialer: connections that the engine asks for, to other servers.
 *
 *      Host.dial ──> connecting ──> open ──> gone           Dialed hears of open and gone, once each;
 *                        └── abandon(), error, end ──> gone     of nothing behind abandon()
 *
 * An open one is a SocketConnection as a client's is, so that what waits to be sent is kept and
 * counted in the same way.
 */
import * as net from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { ConfigStore } from "@kv/config";
import type { Connection, Dialed, Dialing, DialTarget } from "@kv/engine";
import { textOf } from "../process/byte-string.ts";
import { systemErrorText } from "../process/system-error.ts";
import { Gathering } from "./gathering.ts";
import { keepAlive } from "./keep-alive.ts";
import { realTimers } from "./real-timers.ts";
import { SocketConnection } from "./socket-connection.ts";
import { nodeTls, TlsSettingsError, tlsErrorText, tlsSettings } from "./tls-settings.ts";
import type { Station } from "./traffic.ts";

/** What a Dialer is made of. */
export interface DialerOptions {
  config: ConfigStore;
  /** Shares its buffers with the sockets of clients. */
  station: Omit<Station<unknown>, "traffic">;
}

export class Dialer {
  readonly #options: DialerOptions;
  readonly #open = new Set<net.Socket>();
  #isReferenced = true;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** See Host.dial(). */
  dial(target: DialTarget, dialed: Dialed): Dialing {
    const call = new OutgoingCall(this.#options.station, dialed);
    try {
      const socket = this.#connect(target, call);
      this.#open.add(socket);
      if (!this.#isReferenced) socket.unref();
      socket.once("close", () => this.#open.delete(socket));
    } catch (error) {
      // Settings of TLS that cannot be had; told as everything else is, from the event loop.
      realTimers.setImmediate(() => call.failed(error));
    }
    return call;
  }

  /** Whether open connections keep the process alive. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    for (const socket of this.#open) {
      if (isReferenced) socket.ref();
      else socket.unref();
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #connect({ host, port, isTls, sourceAddress }: DialTarget, call: OutgoingCall): net.Socket {
    const { station, config } = this.#options;
    const localAddress = sourceAddress === "" ? {} : { localAddress: textOf(sourceAddress) };
    const place = {
      host: textOf(host),
      port,
      noDelay: true,
      ...localAddress,
      ...(call.wantsNumbers ? { lookup: lookupTelling(call) } : {}),
    };
    const keepAliveOnceThere = (socket: net.Socket) =>
      socket.once("connect", () => keepAlive(socket, config.number("tcp-keepalive")));
    if (isTls) {
      // As in Redis, who the other side is is told by its authority, and its name is not compared.
      const socket = nodeTls().connect({
        ...place,
        ...(tlsSettings(config, "client") as SecureContextOptions),
        rejectUnauthorized: true,
        checkServerIdentity: () => undefined,
      });
      keepAliveOnceThere(socket);
      socket.once("secureConnect", () => call.connected(socket, true));
      socket.on("data", (chunk: Buffer) => call.arrivedIn(chunk));
      call.watch(socket);
      return socket;
    }
    const socket = net.connect({
      ...place,
      onread: {
        buffer: station.input.bytes,
        callback: (count) => call.arrived(count) && !call.gathers(count),
      },
    });
    keepAliveOnceThere(socket);
    socket.once("connect", () => call.connected(socket, false));
    call.watch(socket);
    return socket;
  }
}

/** One connection that was asked for. */
class OutgoingCall implements Dialing {
  readonly #station: DialerOptions["station"];
  #dialed: Dialed | null;
  #socket: net.Socket | null = null;
  #connection: SocketConnection<Dialed> | null = null;
  #gathering: Gathering | null = null;
  #reason = "";

  constructor(station: DialerOptions["station"], dialed: Dialed) {
    this.#station = station;
    this.#dialed = dialed;
  }

  watch(socket: net.Socket): void {
    this.#socket = socket;
    this.#gathering = new Gathering(socket);
    socket.on("error", (error) => {
      this.#reason = wordsOf(error);
    });
    socket.on("close", () => {
      if (this.#connection === null) this.#ended();
    });
  }

  get wantsNumbers(): boolean {
    return this.#dialed?.resolved !== undefined;
  }

  resolved(numbers: readonly string[]): void {
    this.#dialed?.resolved?.(numbers);
  }

  connected(socket: net.Socket, isEncrypted: boolean): void {
    if (this.#dialed === null) return;
    const traffic = {
      accept: (connection: Connection) => {
        this.#dialed?.opened(connection);
        return this.#dialed;
      },
      receive: (dialed: Dialed, chunk: Uint8Array, view: DataView, start: number, end: number) => {
        if (this.#dialed === dialed) dialed.received(chunk, view, start, end);
      },
      waits: () => false,
      disconnected: () => this.#ended(),
    };
    const facts = { keepAliveSeconds: 0, takesHandle: false, isEncrypted };
    this.#connection = new SocketConnection({ ...this.#station, traffic }, socket, facts);
    this.#connection.open();
  }

  /** False: reading stops now, and goes on by itself. */
  arrived(count: number): boolean {
    return this.#connection?.arrived(count) !== false;
  }

  /** Whether nothing is to be read for a moment, behind `count` bytes that were. */
  gathers(count: number): boolean {
    return this.#dialed?.isPatient?.() === true && this.#gathering?.begins(count) === true;
  }

  arrivedIn(chunk: Uint8Array): void {
    this.#connection?.arrivedIn(chunk);
  }

  failed(error: unknown): void {
    this.#reason = wordsOf(error);
    this.#ended();
  }

  #ended(): void {
    const dialed = this.#dialed;
    this.#dialed = null;
    // Who ended it itself knows.
    if (dialed === null || this.#connection?.isEndedHere === true) return;
    try {
      dialed.closed(this.#reason);
    } catch (error) {
      this.#station.failed(error);
    }
    this.#station.activity();
  }

  abandon(): void {
    this.#dialed = null;
    if (this.#connection === null) this.#socket?.destroy();
    else this.#connection.destroy();
  }
}

/** As a socket looks names up by itself; what is found is told, too. */
function lookupTelling(call: OutgoingCall): net.LookupFunction {
  const { lookup } = process.getBuiltinModule("node:dns");
  return (name, options, done) =>
    lookup(name, options, (error, found, family) => {
      if (error === null)
        call.resolved(typeof found === "string" ? [found] : found.map(({ address }) => address));
      done(error, found, family);
    });
}

function wordsOf(error: unknown): string {
  if (error instanceof TlsSettingsError) return error.message;
  const { code = "" } = error as { code?: string };
  return code.startsWith("ERR_SSL") || code === "" ? tlsErrorText(error) : systemErrorText(error);
}
