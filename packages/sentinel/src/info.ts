/** INFO sentinel. */
import type { InfoSection, Ports } from "@kv/engine";
import { Flag } from "./flag.ts";
import { sentinelPort } from "./sentinel.ts";

const of = (ports: Ports) => ports.of(sentinelPort);

function* primaryRows(ports: Ports): Iterable<readonly [string, string]> {
  const { primaries, settings } = of(ports);
  let index = 0;
  for (const primary of primaries.values()) {
    const { name, address, replicas, sentinels } = primary;
    const status = primary.is(Flag.O_DOWN) ? "odown" : primary.is(Flag.S_DOWN) ? "sdown" : "ok";
    const host = address.shown(settings.announcesHostnames);
    yield [
      `master${index++}`,
      `name=${name},status=${status},address=${host}:${address.port},slaves=${replicas.size},sentinels=${sentinels.size + 1}`,
    ];
  }
}

export const infoSections: readonly InfoSection[] = [
  {
    name: "server",
    title: "Server",
    isDefault: true,
    // What the cron follows changes with each turn: see Sentinel.cron().
    fields: [{ name: "configured_hz", value: ({ config }) => config.number("hz") }],
  },
  {
    name: "sentinel",
    title: "Sentinel",
    isDefault: true,
    fields: [
      { name: "sentinel_masters", value: (ports) => of(ports).primaries.size },
      { name: "sentinel_tilt", value: (ports) => (of(ports).isTilted ? 1 : 0) },
      {
        name: "sentinel_tilt_since_seconds",
        value: (ports) => {
          const { isTilted, tiltSinceMs, now } = of(ports);
          return isTilted ? Math.floor((now() - tiltSinceMs) / 1000) : -1;
        },
      },
      { name: "sentinel_running_scripts", value: (ports) => of(ports).scripts.runningCount },
      { name: "sentinel_scripts_queue_length", value: (ports) => of(ports).scripts.jobs.length },
      {
        name: "sentinel_simulate_failure_flags",
        value: (ports) => {
          const { afterElection, afterPromotion } = of(ports).simulated;
          return (afterElection ? 1 : 0) + (afterPromotion ? 2 : 0);
        },
      },
    ],
    rows: primaryRows,
  },
];
