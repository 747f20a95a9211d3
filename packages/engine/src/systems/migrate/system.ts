/** The system of MIGRATE: keys that move to other servers, and the connections that they move by. */
import type { System } from "../../module/system.ts";
import { migrate } from "./migrate.ts";
import { Migrations, migratePort } from "./migrations.ts";

export const migrateSystem: System = {
  name: "migrate",
  ports: [migratePort],
  commands: [migrate],
  directives: [{ names: ["tls-cluster"] }],
  info: [
    {
      name: "stats",
      title: "Stats",
      isDefault: true,
      fields: [
        { name: "migrate_cached_sockets", value: (ports) => ports.of(migratePort).targets.count },
      ],
    },
  ],
  start: (ports) => new Migrations(ports),
};
