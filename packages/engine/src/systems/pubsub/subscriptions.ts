/**
 * Pub/Sub: channels, patterns and shard channels. Who listens to what is kept off-heap, as bytes
 * (core's membership.ts), so that any bytes are good names and a client's names cost what they take.
 *
 * Messages go out in the order in which their receivers subscribed. Sending may close a client that
 * does not read, and with it change the tables: so receivers are looked up first, all of them.
 */
import {
  type Arena,
  ArenaFullError,
  byteIndex,
  bytesOf,
  globMatch,
  keyIndex,
  keyLength,
  Membership,
  NONE,
  type Ref,
  RefList,
  viewOf,
} from "@kv/core";
import type { Client } from "../../kernel/client.ts";
import type { Clients } from "../../kernel/clients.ts";
import type { EventPublisher } from "../../kernel/effects.ts";
import type { Output } from "../../kernel/output.ts";
import { type Listening, Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

/** Who subscribed to what, in one of the three worlds of names. */
export interface Subscriptions {
  readonly names: Membership;
  /** Where a client keeps how many of these it has. */
  readonly counter: "channelCount" | "patternCount" | "shardChannelCount";
}

/** A longer channel of a keyspace event is put together in the arena. */
const SCRATCH_BYTES = 4096;

export const pubsubPort = new Port<PubSub>("pubsub");

export class PubSub implements Running, EventPublisher, Listening {
  readonly events = this;
  readonly clientFacts = this;
  readonly channels: Subscriptions;
  readonly patterns: Subscriptions;
  readonly shardChannels: Subscriptions;
  private readonly clients: Clients;
  private readonly output: Output;
  private readonly arena: Arena;
  /** Receivers of the present message: members of a name, or pairs of a pattern and a member. */
  private readonly receivers = new RefList();
  private readonly scratch = new Uint8Array(SCRATCH_BYTES);
  private readonly scratchView = new DataView(this.scratch.buffer);

  constructor({
    host,
    keyspace,
    clients,
    output,
  }: Pick<Ports, "host" | "keyspace" | "clients" | "output">) {
    this.clients = clients;
    this.output = output;
    const { arena, lazyFree } = keyspace;
    this.arena = arena;
    const names = () => new Membership(arena, () => host.random32(), lazyFree);
    this.channels = { names: names(), counter: "channelCount" };
    this.patterns = { names: names(), counter: "patternCount" };
    this.shardChannels = { names: names(), counter: "shardChannelCount" };
  }

  // Messages.

  /**
   * Sends message[from, to) to all who want what comes on bytes[start, end). Returns how many got
   * it. The views cover the same memory as the bytes.
   */
  publish(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): number {
    let count = 0;
    const { names } = this.channels;
    if (names.nameCount > 0) {
      const name = names.find(bytes, view, start, end);
      if (name !== NONE)
        count = this.send(
          "message",
          names,
          name,
          bytes,
          view,
          start,
          end,
          message,
          messageView,
          from,
          to,
        );
    }
    if (this.patterns.names.nameCount === 0) return count;
    return count + this.sendByPattern(bytes, view, start, end, message, messageView, from, to);
  }

  /** As publish(), on a shard channel. */
  publishShard(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): number {
    const { names } = this.shardChannels;
    const name = names.find(bytes, view, start, end);
    if (name === NONE) return 0;
    return this.send(
      "smessage",
      names,
      name,
      bytes,
      view,
      start,
      end,
      message,
      messageView,
      from,
      to,
    );
  }

  /** Publishes message[from, to) on the channel `prefix` followed by bytes[start, end). */
  publishEvent(
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): void {
    if (this.channels.names.nameCount === 0 && this.patterns.names.nameCount === 0) return;
    const length = prefix.length + end - start;
    if (length <= SCRATCH_BYTES) {
      const { scratch, scratchView } = this;
      scratch.set(prefix);
      scratch.set(bytes.subarray(start, end), prefix.length);
      this.publish(scratch, scratchView, 0, length, message, messageView, from, to);
      return;
    }
    // As large as a key may be: where there is no room, nobody could be told either.
    const { arena } = this;
    const block = allocOrNone(arena, length);
    if (block === NONE) return;
    const at = byteIndex(block);
    arena.write(block, 0, prefix, 0, prefix.length);
    arena.write(block, prefix.length, bytes, start, end);
    try {
      const channel = bytesOf(arena, block);
      const channelView = viewOf(arena, block);
      this.publish(channel, channelView, at, at + length, message, messageView, from, to);
    } finally {
      arena.free(block);
    }
  }

  private send(
    kind: string,
    names: Membership,
    name: Ref,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): number {
    const { clients, output, receivers } = this;
    receivers.clear();
    names.membersOf(name, receivers);
    for (let i = 0; i < receivers.count; i++) {
      const client = clients.ofMember(receivers.at(i));
      if (client === undefined) continue;
      const out = output.pushWriter(client);
      out.push(3);
      out.bulkLatin1(kind);
      out.bulkFrom(bytes, view, start, end);
      out.bulkFrom(message, messageView, from, to);
    }
    return receivers.count;
  }

  private sendByPattern(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): number {
    const { arena, clients, output, receivers } = this;
    const { names } = this.patterns;
    receivers.clear();
    for (let name = names.firstName(); name !== NONE; name = names.nextName(name)) {
      const at = keyIndex(arena, name);
      const after = at + keyLength(arena, name);
      if (!globMatch(bytesOf(arena, name), at, after, bytes, start, end, false)) continue;
      const first = names.firstPairOfName(name);
      for (let pair = first; pair !== NONE; pair = names.nextPairOfName(pair)) {
        receivers.push(name);
        receivers.push(names.memberOf(pair) | 0);
      }
    }
    for (let i = 0; i < receivers.count; i += 2) {
      const client = clients.ofMember(receivers.at(i + 1));
      // Whoever is there keeps its pattern there.
      if (client === undefined) continue;
      const name = receivers.at(i);
      const at = keyIndex(arena, name);
      const out = output.pushWriter(client);
      out.push(4);
      out.bulkLatin1("pmessage");
      out.bulkFrom(bytesOf(arena, name), viewOf(arena, name), at, at + keyLength(arena, name));
      out.bulkFrom(bytes, view, start, end);
      out.bulkFrom(message, messageView, from, to);
    }
    return receivers.count / 2;
  }

  // Subscriptions.

  /** Adds a subscription, if the client does not have it already. */
  subscribe(
    client: Client,
    { names, counter }: Subscriptions,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    if (!names.add(client.id, bytes, view, start, end)) return;
    client[counter]++;
    client.subscriptionsChanged();
  }

  /** Takes back all subscriptions but the `count` that the client has had longest. */
  keepFirst(client: Client, { names, counter }: Subscriptions, count: number): void {
    names.keepFirst(client.id, count);
    client[counter] = count;
    client.subscriptionsChanged();
  }

  /** Ends a subscription, if the client has it. */
  unsubscribe(
    client: Client,
    { names, counter }: Subscriptions,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    if (client[counter] === 0 || !names.remove(client.id, bytes, view, start, end)) return;
    client[counter]--;
    client.subscriptionsChanged();
  }

  /** Ends the oldest subscription of a client that has one. */
  unsubscribeFirst(client: Client, { names, counter }: Subscriptions): void {
    names.removePair(names.firstPairOfMember(client.id));
    client[counter]--;
    client.subscriptionsChanged();
  }

  /** Whether `passes` says yes to all that the client listens to. */
  everyName(
    client: Client,
    passes: (bytes: Uint8Array, start: number, end: number, isPattern: boolean) => boolean,
  ): boolean {
    const { arena } = this;
    const pass = ({ names }: Subscriptions, isPattern: boolean) => {
      const first = names.firstPairOfMember(client.id);
      for (let pair = first; pair !== NONE; pair = names.nextPairOfMember(pair)) {
        const name = names.nameOf(pair);
        const at = keyIndex(arena, name);
        if (!passes(bytesOf(arena, name), at, at + keyLength(arena, name), isPattern)) return false;
      }
      return true;
    };
    return (
      pass(this.channels, false) && pass(this.patterns, true) && pass(this.shardChannels, false)
    );
  }

  clientClosed(client: Client): void {
    if (!client.subscribes) return;
    for (const { names, counter } of [this.channels, this.patterns, this.shardChannels]) {
      if (client[counter] > 0) names.removeMember(client.id);
      client[counter] = 0;
    }
    client.subscriptionsChanged();
  }

  clientReset(client: Client): void {
    this.clientClosed(client);
  }

  /** What the client's subscriptions cost. */
  bytesOf(client: Client): number {
    if (!client.subscribes) return 0;
    const { id } = client;
    return (
      this.channels.names.bytesOf(id) +
      this.patterns.names.bytesOf(id) +
      this.shardChannels.names.bytesOf(id)
    );
  }
}

function allocOrNone(arena: Arena, bytes: number): Ref {
  try {
    return arena.alloc(bytes);
  } catch (full) {
    if (full instanceof ArenaFullError) return NONE;
    throw full;
  }
}
