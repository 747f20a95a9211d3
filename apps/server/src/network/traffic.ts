/**
 * Traffic: what the sockets drive. The engine is one; tests give a small one of their own.
 *
 *      socket -- bytes --> Traffic.receive            Connection.send -- bytes --> socket
 *
 * A Station is what all connections of one server share. Sockets never call the engine from within
 * the engine: every call here comes from the event loop. A stream without a socket could, in the hands of
 * what the engine calls (the program's log, a module); so it asks `isInside`, and waits.
 */
import type { Connection } from "@kv/engine";
import type { DirectWrites } from "./direct-writes.ts";
import type { OutputViews } from "./output-views.ts";

export interface Traffic<Client> {
  /** Null: refused; the error has been sent and the connection told to end. */
  accept(connection: Connection): Client | null;
  /** Bytes arrived in chunk[start, end). The chunk is overwritten after the call. */
  receive(client: Client, chunk: Uint8Array, view: DataView, start: number, end: number): void;
  /** Whether the client waits for something (BLPOP): nothing else that it asked for is under way. */
  waits(client: Client): boolean;
  /** The connection is gone; told once. */
  disconnected(client: Client): void;
}

/** Where bytes land before they are parsed. Reads are synchronous, so one serves all sockets. */
export class InputBuffer {
  readonly bytes = new Uint8Array(64 * 1024);
  readonly view = new DataView(this.bytes.buffer);
}

export interface Station<Client> {
  readonly traffic: Traffic<Client>;
  readonly input: InputBuffer;
  readonly views: OutputViews;
  readonly writes: DirectWrites;
  /** True when what runs was called by the engine, which is at work. */
  isInside(): boolean;
  /** Something was read: a turn of the engine is due before the loop waits again. */
  activity(): void;
  /** An error escaped from the engine; nothing is trusted from here on. */
  failed(error: unknown): void;
}
