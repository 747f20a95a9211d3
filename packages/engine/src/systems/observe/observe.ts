/** Observe: what watches commands as they run, on behalf of people: MONITOR and the slow log. */
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import type { CommandListener } from "../../kernel/effects.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { Monitors } from "./monitors.ts";
import { SlowLog } from "./slow-log.ts";

export const observePort = new Port<Observe>("observe");

type Needs = Pick<
  Ports,
  "host" | "config" | "effects" | "output" | "situation" | "caller" | "latency"
>;

export class Observe implements Running {
  readonly monitors: Monitors;
  readonly slowLog: SlowLog;
  readonly commandListener: CommandListener;
  private readonly ports: Needs;

  constructor(ports: Needs) {
    this.ports = ports;
    this.monitors = new Monitors(ports);
    this.slowLog = new SlowLog(ports.config);
    this.commandListener = this.monitors;
    ports.caller.timer = this;
  }

  commandTook(call: ClientCall, client: Client, microseconds: number): void {
    this.slowLog.offer(call, client, microseconds, this.ports.situation.nowMs);
  }

  /** slowlog-log-slower-than and slowlog-max-len. */
  configureSlowLog(thresholdUs: number, lengthMax: number): void {
    this.slowLog.thresholdUs = thresholdUs;
    this.slowLog.lengthMax = lengthMax;
    // Times below a millisecond are asked for: then no commands are timed together.
    this.ports.caller.timesEach = thresholdUs >= 0 && thresholdUs < 1000;
  }

  uncountedBytes(): number {
    return this.slowLog.keptBytes;
  }

  clientReset(client: Client): void {
    this.monitors.remove(client);
  }

  clientClosed(client: Client): void {
    this.monitors.clientClosed(client);
  }
}
