/** ROLE: what this server is to others. */
import { engineCommand } from "@kv/engine";
import { linkStateNames } from "./link-state.ts";
import { replicationPort } from "./primary.ts";

export const role = engineCommand({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Tells the server's part in replication.",
  complexity: "O(N) with N replicas.",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  run({ engine, reply }) {
    const { followers, upstream } = engine.of(replicationPort);
    const { online, offset } = followers;
    const { primary, state } = upstream;
    if (primary !== null) {
      reply.array(5);
      reply.bulkLatin1("slave");
      reply.bulkLatin1(primary.host);
      reply.integer(primary.port);
      reply.bulkLatin1(linkStateNames[state] as string);
      reply.integer(upstream.client === null ? -1 : offset);
      return;
    }
    reply.array(3);
    reply.bulkLatin1("master");
    reply.integer(offset);
    reply.array(online.length);
    for (const { ip, listeningPort, ackOffset } of online) {
      reply.array(3);
      reply.bulkLatin1(ip);
      reply.bulkLatin1(`${listeningPort}`);
      reply.bulkLatin1(`${ackOffset}`);
    }
  },
});
