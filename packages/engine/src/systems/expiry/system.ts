/** The system of expiry: overdue keys are removed although nobody asks for them. */
import { activeExpiryPort } from "../../module/ports.ts";
import type { System } from "../../module/system.ts";
import { Expiry, expiryPort } from "./expiry.ts";

export const expirySystem: System = {
  name: "expiry",
  ports: [expiryPort, activeExpiryPort],
  directives: [
    {
      names: ["active-expire-effort"],
      apply: (config, ports) => {
        ports.of(expiryPort).effort = config.number("active-expire-effort");
        return undefined;
      },
    },
    {
      names: ["lazyfree-lazy-expire"],
      apply: (config, { effects, settings }) => {
        effects.lazyExpire = config.boolean("lazyfree-lazy-expire");
        settings.lazyExpire = config.boolean("lazyfree-lazy-expire");
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
        {
          name: "expired_stale_perc",
          value: (ports) => ports.of(expiryPort).stalePercent.toFixed(2),
        },
        {
          name: "expired_time_cap_reached_count",
          value: (ports) => ports.of(expiryPort).timeLimitReachedCount,
        },
        {
          name: "expire_cycle_cpu_milliseconds",
          value: (ports) => Math.floor(ports.of(expiryPort).elapsedUs / 1000),
        },
      ],
    },
  ],
  start: (ports) => new Expiry(ports),
};
