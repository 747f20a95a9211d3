/**
 * Sentinel: what this sentinel is and knows: the primaries that are watched, the epoch, its settings;
 * and the file that keeps what has to be known after a restart. What it does is in turns.ts.
 */
import { matchesGlob } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { type Host, Port, type Ports, type Running, readConfigFile } from "@kv/engine";
import { isNumeric } from "./address.ts";
import { Events } from "./events.ts";
import type { Primary } from "./instance.ts";
import { Periods } from "./periods.ts";
import { type Programs, Scripts } from "./scripts.ts";

/** By which commands find what sentinelSystem has started. */
export const sentinelPort = new Port<Sentinel>("sentinel");

/** What holds for all primaries. */
export interface SentinelSettings {
  /** Where others are told that we are; "" and 0: where they see us. */
  announceIp: string;
  announcePort: number;
  /** Whether hosts may be names. */
  resolvesHostnames: boolean;
  /** Whether they are told as names. */
  announcesHostnames: boolean;
  /** Whether SENTINEL SET may change scripts. */
  deniesScripts: boolean;
  /** How to log in at other sentinels. */
  user: string;
  pass: string;
}

/** What the process ends with after SENTINEL SIMULATE-FAILURE. */
const SIMULATED_EXIT_CODE = 99;
const EPOCH_MAX = Number.MAX_SAFE_INTEGER;

/** The state of a sentinel: see the head of this file. */
export class Sentinel implements Running {
  readonly ports: Ports;
  readonly host: Host;
  readonly config: ConfigStore;
  readonly periods = new Periods();
  readonly scripts: Scripts;
  readonly news: Events;
  readonly settings: SentinelSettings = {
    announceIp: "",
    announcePort: 0,
    resolvesHostnames: false,
    announcesHostnames: false,
    deniesScripts: true,
    user: "",
    pass: "",
  };
  /** By their names. */
  readonly primaries = new Map<string, Primary>();
  /** 40 hex digits that stay the same for good; "" until they are made. */
  myId = "";
  currentEpoch = 0;
  /** SENTINEL SIMULATE-FAILURE. */
  readonly simulated = { afterElection: false, afterPromotion: false };
  /** Since when nothing is decided, because time has made a leap; 0: it has not. */
  tiltSinceMs = 0;
  /** Directives that SENTINEL CONFIG SET has changed: the file is to have them. */
  readonly changedDirectives = new Set<string>();
  /** False: the server is not up yet, or ends. */
  isRunning = false;
  readonly now: () => number;

  constructor(ports: Ports, programs: Programs) {
    this.ports = ports;
    this.host = ports.host;
    this.config = ports.config;
    this.now = () => ports.host.wallMs();
    this.scripts = new Scripts({
      programs,
      periods: this.periods,
      now: this.now,
      tell: (level, type, message) => this.news.tell(level, type, null, message),
    });
    this.news = new Events({
      ports,
      scripts: this.scripts,
      announcesHostnames: () => this.settings.announcesHostnames,
    });
  }

  get isTilted(): boolean {
    return this.tiltSinceMs !== 0;
  }

  /** Where other sentinels reach us, unless we are told otherwise. */
  get listeningPort(): number {
    const { tcpPort, tlsPort } = this.host.facts;
    return this.config.boolean("tls-replication") && tlsPort !== 0 ? tlsPort : tcpPort;
  }

  /** Whether a host is one that we can go to: a number, or a name where names are looked up. */
  mayBeAt(host: string): boolean {
    return host !== "" && (isNumeric(host) || this.settings.resolvesHostnames);
  }

  // Epochs.

  /** Others are in a later epoch. */
  raiseEpoch(epoch: number, primary: Primary): void {
    if (epoch <= this.currentEpoch || epoch > EPOCH_MAX) return;
    this.currentEpoch = epoch;
    this.saveState();
    this.news.tell("warning", "+new-epoch", primary, `${epoch}`);
  }

  /** A failover of ours begins. */
  nextEpoch(primary: Primary): number {
    this.currentEpoch++;
    this.news.tell("warning", "+new-epoch", primary, `${this.currentEpoch}`);
    return this.currentEpoch;
  }

  // The file.

  /**
   * Writes what is to be known after a restart into the configuration file; its other lines stay as
   * they are. False: it could not be written, and the log says why.
   */
  saveState(): boolean {
    const { host, config } = this;
    // What is read from the file need not be written there.
    if (!this.isRunning) return true;
    try {
      const path = host.facts.configFile;
      const before = readConfigFile(this, path);
      // A file that has gone, or was emptied, has to have all that this sentinel runs with.
      const only = before.trim() === "" ? this.ownDirectives() : this.changedDirectives;
      host.writeText(path, config.rewrite(before, only));
      host.log("notice", "Sentinel new configuration saved on disk");
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      host.log(
        "warning",
        `WARNING: Sentinel was not able to save the new configuration on disk!!!: ${error.message}`,
      );
      return false;
    }
  }

  /** All but when data is saved: there is none. */
  private ownDirectives(): ReadonlySet<string> {
    const names = this.config.configGet(["*"], matchesGlob).map(([name]) => name);
    return new Set(names.filter((name) => name !== "save"));
  }

  /** The server is up: who we are is on disk before anybody hears of us. */
  async load(): Promise<boolean> {
    const { host } = this;
    if (host.facts.configFile === "") {
      host.log("warning", "Sentinel needs config file on disk to save state. Exiting...");
      return false;
    }
    this.isRunning = true;
    if (this.myId === "") this.myId = host.randomHex(20);
    if (!this.saveState()) {
      host.log("warning", "Sentinel config file is not writable. Exiting...");
      return false;
    }
    host.log("warning", `Sentinel ID is ${this.myId}`);
    for (const primary of this.primaries.values())
      this.news.about("warning", "+monitor", primary, `quorum ${primary.quorum}`);
    return true;
  }

  /** Logs in anew at the other sentinels. */
  reconnectPeers(): void {
    for (const { sentinels } of this.primaries.values())
      for (const { link } of sentinels.values()) link.drop("commands");
  }

  /** SENTINEL SIMULATE-FAILURE: as if the process died here. */
  crash(): void {
    this.host.log("warning", "Sentinel CRASH because of SENTINEL simulate-failure");
    this.stop();
    this.host.exit(SIMULATED_EXIT_CODE);
  }

  stop(): void {
    this.isRunning = false;
    this.scripts.stop();
    for (const { link, replicas, sentinels } of this.primaries.values()) {
      link.drop("both");
      for (const replica of replicas.values()) replica.link.drop("both");
      for (const peer of sentinels.values()) peer.link.drop("both");
    }
  }
}
