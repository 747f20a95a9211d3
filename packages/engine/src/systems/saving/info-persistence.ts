/** INFO persistence: what is being loaded or saved, and how the last times went. */
import type { Ports } from "../../module/ports.ts";
import type { InfoField, InfoSection } from "../../module/system.ts";
import { savingPort } from "./saving.ts";

const fixed = (value: string | number, ...names: string[]): InfoField[] =>
  names.map((name) => ({ name, value: () => value }));

function* loadingRows(ports: Ports): Iterable<readonly [string, string | number]> {
  const { host, memory } = ports;
  const { loading } = ports.of(savingPort);
  if (loading === null) return;
  const { startedMs, loadedBytes, totalBytes } = loading;
  const elapsedSeconds = Math.max(0, (host.wallMs() - startedMs) / 1000);
  const share = totalBytes > 0 ? loadedBytes / totalBytes : 0;
  yield ["loading_start_time", Math.floor(startedMs / 1000)];
  yield ["loading_total_bytes", totalBytes];
  yield ["loading_rdb_used_mem", memory.usedBytes];
  yield ["loading_loaded_bytes", loadedBytes];
  yield ["loading_loaded_perc", (share * 100).toFixed(2)];
  yield [
    "loading_eta_seconds",
    share > 0 ? Math.floor(elapsedSeconds / share - elapsedSeconds) : 1,
  ];
}

export const persistenceSection: InfoSection = {
  name: "persistence",
  title: "Persistence",
  isDefault: true,
  fields: [
    {
      name: "loading",
      value: (ports) => (ports.of(savingPort).loading?.isServing === false ? 1 : 0),
    },
    { name: "async_loading", value: (ports) => (ports.of(savingPort).loading?.isServing ? 1 : 0) },
    // Saving copies no pages, for nothing forks: what changes meanwhile is written first.
    ...fixed(0, "current_cow_peak", "current_cow_size", "current_cow_size_age"),
    {
      name: "current_fork_perc",
      value: (ports) => {
        const { progress } = ports.of(savingPort);
        return (
          progress !== null && progress.total > 0 ? (progress.taken / progress.total) * 100 : 0
        ).toFixed(2);
      },
    },
    {
      name: "current_save_keys_processed",
      value: (ports) => ports.of(savingPort).progress?.taken ?? 0,
    },
    {
      name: "current_save_keys_total",
      value: (ports) => ports.of(savingPort).progress?.total ?? 0,
    },
    { name: "rdb_changes_since_last_save", value: ({ situation }) => situation.dirty },
    { name: "rdb_bgsave_in_progress", value: (ports) => (ports.of(savingPort).isRunning ? 1 : 0) },
    {
      name: "rdb_last_save_time",
      value: (ports) => Math.floor(ports.of(savingPort).lastSaveMs / 1000),
    },
    {
      name: "rdb_last_bgsave_status",
      value: (ports) => (ports.of(savingPort).lastSaveOk ? "ok" : "err"),
    },
    {
      name: "rdb_last_bgsave_time_sec",
      value: (ports) => ports.of(savingPort).lastDurationSeconds,
    },
    {
      name: "rdb_current_bgsave_time_sec",
      value: (ports) => ports.of(savingPort).progress?.seconds ?? -1,
    },
    { name: "rdb_saves", value: (ports) => ports.of(savingPort).saveCount },
    ...fixed(0, "rdb_last_cow_size"),
    { name: "rdb_last_load_keys_expired", value: (ports) => ports.of(savingPort).expiredAtLoad },
    { name: "rdb_last_load_keys_loaded", value: (ports) => ports.of(savingPort).loadedKeys },
  ],
  rows: loadingRows,
};
