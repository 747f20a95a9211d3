/**
 * Settings: carries directives to the parts of the engine that read them, at the start and with
 * every CONFIG SET. Hot paths read plain fields, never the configuration.
 */
import type { ConfigStore, SavePoint } from "@kv/config";
import { BLOCK_BYTES_MAX } from "@kv/core";
import type { Engine } from "./engine.ts";

type Row = readonly [
  names: string | readonly string[],
  /** Undefined, or why the value cannot be taken. */
  apply: (config: ConfigStore, engine: Engine) => string | undefined,
];

/** One row for each directive, or group of directives, that the engine acts upon. */
const rows: readonly Row[] = [
  [
    "maxmemory",
    (config, { memory, host }) => {
      const limit = config.number("maxmemory");
      memory.evictor.settings.maxmemoryBytes = limit;
      memory.settingsChanged();
      if (memory.overBytes() > 0)
        host.log(
          "warning",
          `WARNING: maxmemory is now ${limit}, less than the ${memory.usedBytes} bytes in use: keys will be evicted or writes refused, as maxmemory-policy says.`,
        );
      memory.makeRoom();
    },
  ],
  [
    [
      "maxmemory-policy",
      "maxmemory-samples",
      "maxmemory-eviction-tenacity",
      "lfu-log-factor",
      "lfu-decay-time",
    ],
    (config, { memory }) => {
      const { settings } = memory.evictor;
      settings.policy = config.text("maxmemory-policy");
      settings.samples = config.number("maxmemory-samples");
      settings.tenacity = config.number("maxmemory-eviction-tenacity");
      settings.lfuLogFactor = config.number("lfu-log-factor");
      settings.lfuDecayMinutes = config.number("lfu-decay-time");
      memory.settingsChanged();
    },
  ],
  [
    [
      "lazyfree-lazy-eviction",
      "lazyfree-lazy-expire",
      "lazyfree-lazy-user-del",
      "lazyfree-lazy-user-flush",
      "lazyfree-lazy-server-del",
    ],
    (config, { memory, effects, settings }) => {
      memory.lazyEviction = config.boolean("lazyfree-lazy-eviction");
      effects.lazyExpire = config.boolean("lazyfree-lazy-expire");
      settings.lazyExpire = config.boolean("lazyfree-lazy-expire");
      settings.lazyUserDel = config.boolean("lazyfree-lazy-user-del");
      settings.lazyUserFlush = config.boolean("lazyfree-lazy-user-flush");
      settings.lazyServerDel = config.boolean("lazyfree-lazy-server-del");
    },
  ],
  [
    ["hash-max-listpack-entries", "hash-max-listpack-value"],
    (config, { settings }) => {
      const hash = {
        listpackEntriesMax: config.number("hash-max-listpack-entries"),
        listpackValueBytesMax: config.number("hash-max-listpack-value"),
      };
      settings.limits = { ...settings.limits, hash };
    },
  ],
  [
    ["proto-max-bulk-len", "client-query-buffer-limit"],
    (config, { settings, requestLimits }) => {
      const bulkBytesMax = config.number("proto-max-bulk-len");
      // A value lies in one block of the arena, however long a request may be.
      settings.stringBytesMax = Math.min(bulkBytesMax, BLOCK_BYTES_MAX);
      settings.transientBytesMax = bulkBytesMax;
      requestLimits.bulkLengthMax = bulkBytesMax;
      requestLimits.queryBufferMax = config.number("client-query-buffer-limit");
    },
  ],
  [
    "requirepass",
    (config, { access }) => {
      access.setDefaultPassword(config.text("requirepass"));
    },
  ],
  [
    "notify-keyspace-events",
    (config, { effects }) => {
      effects.setNotify(config.text("notify-keyspace-events"));
    },
  ],
  [
    ["slowlog-log-slower-than", "slowlog-max-len"],
    (config, engine) => {
      engine.slowLog.thresholdUs = config.number("slowlog-log-slower-than");
      engine.slowLog.lengthMax = config.number("slowlog-max-len");
      updateTiming(engine);
    },
  ],
  [
    ["latency-monitor-threshold", "latency-tracking"],
    (config, engine) => {
      engine.latency.thresholdMs = config.number("latency-monitor-threshold");
      engine.latency.histogramsOn = config.boolean("latency-tracking");
      updateTiming(engine);
    },
  ],
  [
    ["hz", "dynamic-hz", "active-expire-effort", "timeout"],
    (config, engine) => {
      const { cronJobs } = engine;
      cronJobs.configuredHz = config.number("hz");
      cronJobs.dynamicHz = config.boolean("dynamic-hz");
      cronJobs.expireEffort = config.number("active-expire-effort");
      cronJobs.idleTimeoutSeconds = config.number("timeout");
      engine.hz = cronJobs.configuredHz;
    },
  ],
  [
    [
      "activedefrag",
      "active-defrag-ignore-bytes",
      "active-defrag-threshold-lower",
      "active-defrag-threshold-upper",
      "active-defrag-cycle-min",
      "active-defrag-cycle-max",
      "active-defrag-max-scan-fields",
    ],
    (config, { cronJobs }) => {
      cronJobs.defragmentation.configure(config);
    },
  ],
  [
    "save",
    (config, { saving }) => {
      saving.savePoints = config.value<readonly SavePoint[]>("save");
      saving.updateDiskState(); // Without save points, failed saves refuse no writes.
    },
  ],
  [
    "acllog-max-len",
    (config, { aclLog }) => {
      aclLog.trim(config.number("acllog-max-len"));
    },
  ],
  [
    "stop-writes-on-bgsave-error",
    (_config, { saving }) => {
      saving.updateDiskState();
    },
  ],
];

/** Times below a millisecond are asked for: then no commands are timed together. */
function updateTiming(engine: Engine): void {
  const { thresholdUs } = engine.slowLog;
  engine.caller.timesEach = thresholdUs >= 0 && thresholdUs < 1000;
}

/**
 * Systems that are not there yet. To go on as if they were would lose data, or leave unprotected what
 * somebody wanted protected, so they are refused. Whatever else has no effect here is only told.
 */
const missing: readonly (readonly [
  name: string,
  isAsked: (config: ConfigStore) => boolean,
  what: string,
  /** Further directives that have a say in whether it is asked for. */
  ...others: readonly string[],
])[] = [
  ["appendonly", (config) => config.boolean("appendonly"), "the append-only file"],
  ["replicaof", (config) => config.value("replicaof") !== null, "replication"],
  ["cluster-enabled", (config) => config.boolean("cluster-enabled"), "cluster mode"],
  ["tls-port", (config) => config.number("tls-port") !== 0, "TLS"],
  [
    "min-replicas-to-write",
    // A lag of 0 seconds switches the check off.
    (config) =>
      config.number("min-replicas-to-write") !== 0 && config.number("min-replicas-max-lag") !== 0,
    "replication",
    "min-replicas-max-lag",
  ],
];

/** A directive asks for something that this server does not have. */
export class UnsupportedDirectiveError extends Error {
  override name = "UnsupportedDirectiveError";
}

/** All that the configuration asks for and this server does not have, as reasons to refuse it. */
export function unsupportedDirectives(config: ConfigStore): { name: string; reason: string }[] {
  return missing
    .filter(([, isAsked]) => isAsked(config))
    .map(([name, , what]) => ({ name, reason: refusal(name, what) }));
}

function refusal(name: string, what: string): string {
  return `'${name}' is refused: this server does not have ${what} yet`;
}

/** Applies every row once, and again whenever one of its directives changes. */
export function applyDirectives(engine: Engine): void {
  const { config } = engine;
  const asked = unsupportedDirectives(config).map(({ reason }) => reason);
  if (asked.length > 0) throw new UnsupportedDirectiveError(asked.join("\n"));
  for (const [name, isAsked, what, ...others] of missing)
    config.onApply([name, ...others], () => (isAsked(config) ? refusal(name, what) : undefined));
  for (const [names, apply] of rows) {
    const reason = apply(config, engine);
    if (reason !== undefined) throw new UnsupportedDirectiveError(reason);
    config.onApply(names, () => apply(config, engine));
  }
}
