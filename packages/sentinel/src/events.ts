/**
 * Events: what happens is told to the log, to who listens to the channel of its name, and to the
 * notification script of the primary that it is about.
 *
 *      +sdown slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
 *      channel  kind name         address         the primary it belongs to
 */
import type { LogLevel, Ports } from "@kv/engine";
import { latin1Bytes } from "@kv/resp";
import type { Instance, Primary } from "./instance.ts";
import type { Scripts } from "./scripts.ts";

/** What Events are made of. */
export interface EventsNeeds {
  readonly ports: Pick<Ports, "host" | "effects">;
  readonly scripts: Scripts;
  /** Whether addresses are told by name. */
  announcesHostnames(): boolean;
}

const nothing = new Uint8Array();

/** Tells what happens: see the head of this file. */
export class Events {
  private readonly needs: EventsNeeds;

  constructor(needs: EventsNeeds) {
    this.needs = needs;
  }

  /** An event about an instance: the message names it, `more` follows. */
  about(level: LogLevel, type: string, instance: Instance, more = ""): void {
    const message = more === "" ? this.describe(instance) : `${this.describe(instance)} ${more}`;
    this.tell(level, type, instance.primary, message);
  }

  /** An event whose message is this and no more; `primary`: whom it concerns. */
  tell(level: LogLevel, type: string, primary: Primary | null, message: string): void {
    const { ports, scripts } = this.needs;
    ports.host.log(level, `${type} ${message}`);
    if (level !== "debug") this.publish(type, message);
    const script = primary?.notificationScript ?? "";
    if (level === "warning" && script !== "") scripts.schedule(script, [type, message]);
  }

  private publish(channel: string, message: string): void {
    const { effects, host } = this.needs.ports;
    const bytes = latin1Bytes(message);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const name = latin1Bytes(channel);
    effects.events?.publishEvent(name, nothing, 0, 0, bytes, view, 0, bytes.length);
    // Replies of instances come outside of any turn.
    host.wake();
  }

  private describe(instance: Instance): string {
    const { kind, name, primary } = instance;
    const text = `${kind} ${name} ${this.place(instance)}`;
    return instance === primary ? text : `${text} @ ${primary.name} ${this.place(primary)}`;
  }

  private place({ address }: Instance): string {
    return `${address.shown(this.needs.announcesHostnames())} ${address.port}`;
  }
}
