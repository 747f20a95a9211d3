/** The base of an append-only file, as it is to be written now: its name, its number and its form. */
import type { AofFile, SaveOptions } from "@kv/persistence";
import { dataSetFilePort, type Ports } from "../../module/ports.ts";
import type { LogFolder } from "./log-folder.ts";

const SYNC_EVERY_BYTES = 4 * 2 ** 20;
/** How the names of bases begin that are not complete: of one that a killed process left, too. */
export const UNFINISHED_BASE = "temp-rewriteaof-bg-";

/** A file for the manifest, and how the data set gets into it. */
export interface BaseFile {
  readonly file: AofFile;
  readonly options: SaveOptions;
}

/** The next base of the folder. */
export function nextBaseFile(
  ports: Pick<Ports, "host" | "config" | "of">,
  folder: LogFolder,
): BaseFile {
  const { config, host } = ports;
  const isSnapshot = config.boolean("aof-use-rdb-preamble");
  const sequence = folder.nextBase;
  const name = folder.baseName(sequence, isSnapshot);
  const isSyncedInParts = config.boolean("aof-rewrite-incremental-fsync");
  return {
    file: { name, sequence, type: "base" },
    options: {
      ...ports.of(dataSetFilePort).snapshotOptions(),
      format: isSnapshot ? "rdb" : "commands",
      name,
      temporaryName: `${UNFINISHED_BASE}${host.facts.processId}-${sequence}.aof`,
      ...(config.boolean("aof-timestamp-enabled") ? { timestampMs: host.wallMs() } : {}),
      ...(isSyncedInParts ? { syncEveryBytes: SYNC_EVERY_BYTES } : {}),
    },
  };
}
