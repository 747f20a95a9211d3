/** InfoReport: the rows of INFO that a sentinel goes by. A server that lacks one says nothing of it. */

/** What a server says of itself; undefined: nothing. */
export interface InfoReport {
  readonly runId?: string;
  readonly role?: "master" | "slave";
  /** Where its replicas are, each with a host and a port. */
  readonly replicas: readonly { readonly host: string; readonly port: number }[];
  /** Its link to its primary has been down for so long. */
  readonly linkDownSeconds?: number;
  readonly primaryHost?: string;
  readonly primaryPort?: number;
  readonly isLinkUp?: boolean;
  readonly priority?: number;
  readonly offset?: number;
  readonly isAnnounced?: boolean;
}

const RUN_ID_LENGTH = 40;

/** Reads the text of INFO. */
export function readInfo(text: string): InfoReport {
  const rows = new Map<string, string>();
  const replicas: { host: string; port: number }[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1);
    if (/^slave\d+$/.test(name)) {
      const replica = replicaOf(value);
      if (replica !== undefined) replicas.push(replica);
    } else {
      rows.set(name, value);
    }
  }
  const number = (name: string) => {
    const value = Number(rows.get(name) ?? Number.NaN);
    return Number.isSafeInteger(value) ? value : undefined;
  };
  const runId = rows.get("run_id");
  const role = rows.get("role");
  const link = rows.get("master_link_status");
  const announced = number("replica_announced");
  return {
    runId: runId?.length === RUN_ID_LENGTH ? runId : undefined,
    role: role === "master" || role === "slave" ? role : undefined,
    replicas: role === "master" ? replicas : [],
    linkDownSeconds: number("master_link_down_since_seconds"),
    primaryHost: rows.get("master_host"),
    primaryPort: number("master_port"),
    isLinkUp: link === undefined ? undefined : link === "up",
    priority: number("slave_priority"),
    offset: number("slave_repl_offset"),
    isAnnounced: announced === undefined ? undefined : announced !== 0,
  };
}

/** `ip=10.0.0.2,port=6379,...`; very old servers say `10.0.0.2,6379,online`. */
function replicaOf(value: string): { host: string; port: number } | undefined {
  const words = value.split(",");
  const named = (name: string) =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const host = named("ip") ?? words[0] ?? "";
  const port = Number(named("port") ?? words[1]);
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { host, port };
}
