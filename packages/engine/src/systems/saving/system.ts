/** The system of saving: the file of the data set, DUMP and RESTORE, the last save of a shutdown. */
import { commandsOf } from "@kv/commands";
import type { SavePoint } from "@kv/config";
import { dataSetFilePort } from "../../module/ports.ts";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { persistenceSection } from "./info-persistence.ts";
import { Saving, savingPort } from "./saving.ts";

export const savingSystem: System = {
  name: "saving",
  ports: [savingPort, dataSetFilePort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["save"],
      apply: (config, ports) => {
        const saving = ports.of(savingPort);
        saving.savePoints = config.value<readonly SavePoint[]>("save");
        saving.updateDiskState(); // Without save points, failed saves refuse no writes.
        return undefined;
      },
    },
    {
      names: ["stop-writes-on-bgsave-error"],
      apply: (_config, ports) => {
        ports.of(savingPort).updateDiskState();
        return undefined;
      },
    },
    {
      names: ["rdb-key-save-delay"],
      apply: (config, { snapshotJobs }) => {
        snapshotJobs.keyDelayUs = config.number("rdb-key-save-delay");
        return undefined;
      },
    },
    {
      names: [
        "dbfilename",
        "key-load-delay",
        "loading-process-events-interval-bytes",
        "rdbchecksum",
        "rdbcompression",
        "rdb-save-incremental-fsync",
        "rdb.version",
      ],
    },
  ],
  info: [persistenceSection],
  start: (ports) => new Saving(ports),
};
