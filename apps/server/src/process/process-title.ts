/** The process title, as `proc-title-template` says. */
import type { ConfigStore } from "@kv/config";

export interface TitleFacts {
  /** {title}: the path by which the server was started. */
  executable: string;
  configFile: string;
  isSentinel?: boolean;
}

export function processTitle(config: ConfigStore, facts: TitleFacts): string {
  const port = config.number("port");
  const tlsPort = config.number("tls-port");
  const unixSocket = config.text("unixsocket");
  const [first = "*"] = config.value<readonly string[]>("bind");
  const address = first.replace(/^-/, "");
  const listenPort = port === 0 ? tlsPort : port;
  const dataMode = config.boolean("cluster-enabled") ? "[cluster]" : "";
  const mode = facts.isSentinel === true ? "[sentinel]" : dataMode;
  const variables = new Map([
    ["title", facts.executable.replace(/\.m?js$/, "")],
    ["listen-addr", listenPort === 0 ? unixSocket : `${address}:${listenPort}`],
    ["server-mode", mode],
    ["port", String(port)],
    ["tls-port", String(tlsPort)],
    ["unixsocket", unixSocket],
    ["config-file", facts.configFile || "-"],
  ]);
  const template = config.text("proc-title-template");
  return template
    .replace(/\{\{|\{([^}]*)\}/g, (found, name?: string) =>
      name === undefined ? "{" : (variables.get(name) ?? found),
    )
    .trimEnd();
}
