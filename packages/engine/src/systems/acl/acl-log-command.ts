/** ACL LOG: shows what acl-log.ts keeps, the newest first. */

import { subcommandError } from "@kv/commands";
import type { EngineCall } from "../../module/engine-call.ts";
import { accessPort } from "./access.ts";

const COUNT_DEFAULT = 10;

export function aclLog(call: EngineCall): void {
  const { engine, reply, argc } = call;
  if (argc > 3) throw subcommandError(call);
  if (argc === 3 && call.is(2, "RESET")) {
    engine.of(accessPort).log.reset();
    reply.ok();
    return;
  }
  const count = argc === 3 ? Math.max(0, call.integer(2)) : COUNT_DEFAULT;
  const nowMs = engine.host.wallMs();
  const shown = engine.of(accessPort).log.newest(count);
  reply.array(shown.length);
  for (const entry of shown) {
    reply.map(10);
    reply.bulkLatin1("count");
    reply.integer(entry.count);
    for (const name of ["reason", "context", "object", "username"] as const) {
      reply.bulkLatin1(name);
      reply.bulkLatin1(entry[name]);
    }
    reply.bulkLatin1("age-seconds");
    reply.double((nowMs - entry.updatedMs) / 1000);
    reply.bulkLatin1("client-info");
    reply.bulkLatin1(entry.clientInfo);
    for (const [name, value] of [
      ["entry-id", entry.entryId],
      ["timestamp-created", entry.createdMs],
      ["timestamp-last-updated", entry.updatedMs],
    ] as const) {
      reply.bulkLatin1(name);
      reply.integer(Math.floor(value));
    }
  }
}
