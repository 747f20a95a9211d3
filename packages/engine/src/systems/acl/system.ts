/** The system of users: ACL rules, who is refused what, and the ACL commands. */
import { commandsOf } from "@kv/commands";
import { accountsPort, execAccessPort } from "../../module/ports.ts";
import type { InfoField, System } from "../../module/system.ts";
import { Access, accessPort } from "./access.ts";
import * as commands from "./index.ts";
import { userStatement } from "./user-statement.ts";

const denied = (name: string, reason: keyof Access["denied"]): InfoField => ({
  name: `acl_access_denied_${name}`,
  value: (ports) => ports.of(accessPort).denied[reason],
});

export const aclSystem: System = {
  name: "acl",
  ports: [accessPort, accountsPort, execAccessPort],
  commands: commandsOf([commands]),
  directives: [
    { names: ["acl-pubsub-default", "aclfile", "acllog-max-len"] },
    {
      names: ["requirepass"],
      apply: (config, ports) => {
        ports.of(accessPort).setDefaultPassword(config.text("requirepass"));
        return undefined;
      },
    },
  ],
  statements: [userStatement],
  info: [
    {
      name: "stats",
      title: "Stats",
      isDefault: true,
      fields: [
        denied("auth", "auth"),
        denied("cmd", "command"),
        denied("key", "key"),
        denied("channel", "channel"),
      ],
    },
  ],
  start: (ports) => new Access(ports),
};
