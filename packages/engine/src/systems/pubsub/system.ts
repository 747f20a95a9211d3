/** The system of pub/sub: who listens to which channels and patterns, and the commands for it. */
import { commandsOf } from "@kv/commands";
import { listeningPort } from "../../module/ports.ts";
import type { InfoField, System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { PubSub, pubsubPort, type Subscriptions } from "./subscriptions.ts";

const count = (name: string, of: (pubsub: PubSub) => Subscriptions): InfoField => ({
  name,
  value: (ports) => of(ports.of(pubsubPort)).names.nameCount,
});

export const pubsubSystem: System = {
  name: "pubsub",
  ports: [pubsubPort, listeningPort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["notify-keyspace-events"],
      apply: (config, { effects }) => {
        effects.setNotify(config.text("notify-keyspace-events"));
        return undefined;
      },
    },
  ],
  info: [
    {
      name: "stats",
      title: "Stats",
      isDefault: true,
      fields: [
        count("pubsub_channels", ({ channels }) => channels),
        count("pubsub_patterns", ({ patterns }) => patterns),
        count("pubsubshard_channels", ({ shardChannels }) => shardChannels),
      ],
    },
  ],
  start: (ports) => new PubSub(ports),
};
