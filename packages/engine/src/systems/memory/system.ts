/** The system of memory: limits, eviction, defragmentation, and what MEMORY and INFO tell of them. */
import { commandsOf } from "@kv/commands";
import { BLOCK_BYTES_MAX } from "@kv/core";
import type { InfoField, System } from "../../module/system.ts";
import type { ActiveDefragmentation } from "./active-defragmentation.ts";
import * as commands from "./index.ts";
import { memorySection } from "./info-memory.ts";
import { MemorySystem, memoryPort } from "./memory-system.ts";

const defragmented = (name: string, of: (from: ActiveDefragmentation) => number): InfoField => ({
  name,
  value: (ports) => of(ports.of(memoryPort).defragmentation),
});

export const memorySystem: System = {
  name: "memory",
  ports: [memoryPort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["maxmemory"],
      apply: (config, { memory, host }) => {
        const limit = config.number("maxmemory");
        memory.evictor.settings.maxmemoryBytes = limit;
        memory.settingsChanged();
        if (memory.overBytes() > 0)
          host.log(
            "warning",
            `WARNING: maxmemory is now ${limit}, less than the ${memory.usedBytes} bytes in use: keys will be evicted or writes refused, as maxmemory-policy says.`,
          );
        memory.evictSoon();
        return undefined;
      },
    },
    {
      names: [
        "maxmemory-policy",
        "maxmemory-samples",
        "maxmemory-eviction-tenacity",
        "lfu-log-factor",
        "lfu-decay-time",
      ],
      apply: (config, { memory }) => {
        const { settings } = memory.evictor;
        settings.policy = config.text("maxmemory-policy");
        settings.samples = config.number("maxmemory-samples");
        settings.tenacity = config.number("maxmemory-eviction-tenacity");
        settings.lfuLogFactor = config.number("lfu-log-factor");
        settings.lfuDecayMinutes = config.number("lfu-decay-time");
        memory.settingsChanged();
        return undefined;
      },
    },
    {
      names: ["maxmemory-clients", "maxmemory"],
      apply: (config, ports) => {
        ports
          .of(memoryPort)
          .clientEviction.configure(config.number("maxmemory-clients"), config.number("maxmemory"));
        return undefined;
      },
    },
    {
      names: [
        "lazyfree-lazy-eviction",
        "lazyfree-lazy-user-del",
        "lazyfree-lazy-user-flush",
        "lazyfree-lazy-server-del",
      ],
      apply: (config, { memory, settings }) => {
        memory.lazyEviction = config.boolean("lazyfree-lazy-eviction");
        settings.lazyUserDel = config.boolean("lazyfree-lazy-user-del");
        settings.lazyUserFlush = config.boolean("lazyfree-lazy-user-flush");
        settings.lazyServerDel = config.boolean("lazyfree-lazy-server-del");
        return undefined;
      },
    },
    {
      names: ["proto-max-bulk-len", "client-query-buffer-limit"],
      apply: (config, { settings, requestLimits }) => {
        const bulkBytesMax = config.number("proto-max-bulk-len");
        // A value lies in one block of the arena, however long a request may be.
        settings.stringBytesMax = Math.min(bulkBytesMax, BLOCK_BYTES_MAX);
        settings.transientBytesMax = bulkBytesMax;
        requestLimits.bulkLengthMax = bulkBytesMax;
        requestLimits.queryBufferMax = config.number("client-query-buffer-limit");
        return undefined;
      },
    },
    {
      names: ["hll-sparse-max-bytes"],
      apply: (config, { settings }) => {
        settings.hllSparseBytesMax = config.number("hll-sparse-max-bytes");
        return undefined;
      },
    },
    {
      names: ["hash-max-listpack-entries", "hash-max-listpack-value"],
      apply: (config, { settings }) => {
        const hash = {
          listpackEntriesMax: config.number("hash-max-listpack-entries"),
          listpackValueBytesMax: config.number("hash-max-listpack-value"),
        };
        settings.limits = { ...settings.limits, hash };
        return undefined;
      },
    },
    {
      names: ["list-max-listpack-size", "list-compress-depth"],
      apply: (config, { settings }) => {
        const list = {
          ...settings.limits.list,
          fill: config.number("list-max-listpack-size"),
          compressDepth: config.number("list-compress-depth"),
        };
        settings.limits = { ...settings.limits, list };
        return undefined;
      },
    },
    {
      names: ["stream-node-max-bytes", "stream-node-max-entries"],
      apply: (config, { settings }) => {
        const stream = {
          nodeBytesMax: config.number("stream-node-max-bytes"),
          nodeEntriesMax: config.number("stream-node-max-entries"),
        };
        settings.limits = { ...settings.limits, stream };
        return undefined;
      },
    },
    {
      names: ["set-max-intset-entries", "set-max-listpack-entries", "set-max-listpack-value"],
      apply: (config, { settings }) => {
        const set = {
          intsetEntriesMax: config.number("set-max-intset-entries"),
          listpackEntriesMax: config.number("set-max-listpack-entries"),
          listpackValueBytesMax: config.number("set-max-listpack-value"),
        };
        settings.limits = { ...settings.limits, set };
        return undefined;
      },
    },
    {
      names: ["zset-max-listpack-entries", "zset-max-listpack-value"],
      apply: (config, { settings }) => {
        const sortedSet = {
          listpackEntriesMax: config.number("zset-max-listpack-entries"),
          listpackValueBytesMax: config.number("zset-max-listpack-value"),
        };
        settings.limits = { ...settings.limits, sortedSet };
        return undefined;
      },
    },
    {
      names: [
        "activedefrag",
        "active-defrag-ignore-bytes",
        "active-defrag-threshold-lower",
        "active-defrag-threshold-upper",
        "active-defrag-cycle-min",
        "active-defrag-cycle-max",
        "active-defrag-max-scan-fields",
      ],
      apply: (config, ports) => {
        ports.of(memoryPort).defragmentation.configure(config);
        return undefined;
      },
    },
    { names: ["databases", "client-output-buffer-limit"] },
  ],
  info: [
    memorySection,
    {
      name: "stats",
      title: "Stats",
      isDefault: true,
      fields: [
        {
          name: "evicted_clients",
          value: (ports) => ports.of(memoryPort).clientEviction.evictedCount,
        },
        {
          name: "total_eviction_exceeded_time",
          value: ({ stats, memory }) =>
            Math.floor((stats.evictionExceededUs + memory.exceededForUs) / 1000),
        },
        {
          name: "current_eviction_exceeded_time",
          value: ({ memory }) => Math.floor(memory.exceededForUs / 1000),
        },
        defragmented("active_defrag_hits", ({ defragmenter }) => defragmenter.hits),
        defragmented("active_defrag_misses", ({ defragmenter }) => defragmenter.misses),
        defragmented("active_defrag_key_hits", ({ defragmenter }) => defragmenter.keyHits),
        defragmented("active_defrag_key_misses", ({ defragmenter }) => defragmenter.keyMisses),
        defragmented("total_active_defrag_time", ({ totalUs }) => Math.floor(totalUs / 1000)),
        defragmented("current_active_defrag_time", ({ currentUs }) => Math.floor(currentUs / 1000)),
      ],
    },
  ],
  start: (ports) => new MemorySystem(ports),
};
