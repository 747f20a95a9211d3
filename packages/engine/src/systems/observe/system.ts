/** The system of observation: MONITOR, the slow log, the latency monitor and their commands. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { Observe, observePort } from "./observe.ts";

export const observeSystem: System = {
  name: "observe",
  ports: [observePort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["slowlog-log-slower-than", "slowlog-max-len"],
      apply: (config, ports) => {
        ports
          .of(observePort)
          .configureSlowLog(
            config.number("slowlog-log-slower-than"),
            config.number("slowlog-max-len"),
          );
        return undefined;
      },
    },
    {
      names: ["latency-monitor-threshold", "latency-tracking"],
      apply: (config, { latency }) => {
        latency.thresholdMs = config.number("latency-monitor-threshold");
        latency.histogramsOn = config.boolean("latency-tracking");
        return undefined;
      },
    },
  ],
  start: (ports) => new Observe(ports),
};
