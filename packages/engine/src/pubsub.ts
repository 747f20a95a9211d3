/**
 * Pub/Sub: channels, patterns and shard channels. Names are kept as text with one character a
 * byte, in Maps and Sets, so that any bytes are good names.
 */
import { CommandError } from "@kv/commands";
import { globMatch } from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import { type Client, ClientState } from "./client.ts";
import { NAME_OVERHEAD_BYTES } from "./client-memory.ts";
import type { Engine } from "./engine.ts";

/** Who subscribed to what: name → clients. */
export type Subscriptions = Map<string, Set<Client>>;

/** A Map breaks at 2^24 entries. */
const NAMES_MAX = 16_000_000;
const tooMany = new CommandError("ERR too many different channels or patterns");

export class PubSub {
  readonly channels: Subscriptions = new Map();
  readonly patterns: Subscriptions = new Map();
  readonly shardChannels: Subscriptions = new Map();
  private readonly patternBytes = new Map<string, Uint8Array>();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Sends a message to all who want it. Returns how many got it. */
  publishText(channel: string, message: string): number {
    if (this.channels.size === 0 && this.patterns.size === 0) return 0;
    return this.publish(channel, latin1Bytes(message));
  }

  publish(channel: string, message: Uint8Array): number {
    let receivers = this.send(this.channels.get(channel), "message", null, channel, message);
    if (this.patterns.size === 0) return receivers;
    const name = latin1Bytes(channel);
    for (const [pattern, clients] of this.patterns) {
      const bytes = this.patternBytes.get(pattern) as Uint8Array;
      if (!globMatch(bytes, 0, bytes.length, name, 0, name.length, false)) continue;
      receivers += this.send(clients, "pmessage", pattern, channel, message);
    }
    return receivers;
  }

  publishShard(channel: string, message: Uint8Array): number {
    return this.send(this.shardChannels.get(channel), "smessage", null, channel, message);
  }

  private send(
    clients: Set<Client> | undefined,
    kind: string,
    pattern: string | null,
    channel: string,
    message: Uint8Array,
  ): number {
    if (clients === undefined) return 0;
    for (const client of clients) {
      const out = this.engine.output.pushWriter(client);
      out.push(pattern === null ? 3 : 4);
      out.bulkLatin1(kind);
      if (pattern !== null) out.bulkLatin1(pattern);
      out.bulkLatin1(channel);
      out.bulk(message, 0, message.length);
    }
    return clients.size;
  }

  /** Adds a subscription. False when the client had it already. */
  subscribe(client: Client, table: Subscriptions, own: Set<string>, name: string): boolean {
    if (own.has(name)) return false;
    let clients = table.get(name);
    if (clients === undefined) {
      if (table.size >= NAMES_MAX) throw tooMany;
      clients = new Set();
      table.set(name, clients);
      if (table === this.patterns) this.patternBytes.set(name, latin1Bytes(name));
    }
    clients.add(client);
    own.add(name);
    client.subscribedBytes += name.length + NAME_OVERHEAD_BYTES;
    this.updateState(client);
    return true;
  }

  unsubscribe(
    client: Client,
    table: Subscriptions,
    own: Set<string> | null,
    name: string,
  ): boolean {
    if (own === null || !own.delete(name)) return false;
    client.subscribedBytes -= name.length + NAME_OVERHEAD_BYTES;
    const clients = table.get(name);
    clients?.delete(client);
    if (clients?.size === 0) {
      table.delete(name);
      if (table === this.patterns) this.patternBytes.delete(name);
    }
    this.updateState(client);
    return true;
  }

  /** Whether `passes` says yes to all that the client listens to. */
  everyName(
    client: Client,
    passes: (bytes: Uint8Array, start: number, end: number, isPattern: boolean) => boolean,
  ): boolean {
    const pass = (names: Set<string> | null, isPattern: boolean) => {
      for (const name of names ?? []) {
        const bytes = latin1Bytes(name);
        if (!passes(bytes, 0, bytes.length, isPattern)) return false;
      }
      return true;
    };
    return (
      pass(client.channels, false) &&
      pass(client.patterns, true) &&
      pass(client.shardChannels, false)
    );
  }

  /** Only what a RESP2 client may still do depends on having subscriptions. */
  updateState(client: Client): void {
    const count = client.subscriptionCount + (client.shardChannels?.size ?? 0);
    client.mark(ClientState.SUBSCRIBED, client.protocol === 2 && count > 0);
  }

  clientClosed(client: Client): void {
    for (const name of [...(client.channels ?? [])])
      this.unsubscribe(client, this.channels, client.channels, name);
    for (const name of [...(client.patterns ?? [])])
      this.unsubscribe(client, this.patterns, client.patterns, name);
    for (const name of [...(client.shardChannels ?? [])])
      this.unsubscribe(client, this.shardChannels, client.shardChannels, name);
  }
}
