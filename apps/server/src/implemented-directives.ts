/** The directives that have an effect, besides those that the engine acts upon. */
import { engineDirectives, type System } from "@kv/engine";
import { withOwnModules } from "./own-modules.ts";

/** With these modules, in a server inside another program: what belongs to the process is not its. */
export function serverDirectives(modules: readonly System[] = []): ReadonlySet<string> {
  return new Set([
    ...engineDirectives(withOwnModules(modules)),
    "bind",
    "dir",
    "port",
    "tcp-backlog",
    "tcp-keepalive",
    "tls-auth-clients",
    "tls-ca-cert-dir",
    "tls-ca-cert-file",
    "tls-cert-file",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-client-cert-file",
    "tls-client-key-file",
    "tls-client-key-file-pass",
    "tls-dh-params-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-port",
    "tls-prefer-server-ciphers",
    "tls-protocols",
    "tls-session-cache-timeout",
    "tls-session-caching",
    "unixsocket",
    "unixsocketperm",
  ]);
}

/** In a process of its own. */
export const implementedDirectives: ReadonlySet<string> = new Set([
  ...serverDirectives(),
  "always-show-logo",
  "crash-log-enabled",
  "daemonize",
  "logfile",
  "loglevel",
  "oom-score-adj",
  "oom-score-adj-values",
  "pidfile",
  "proc-title-template",
  "set-proc-title",
  "shutdown-on-sigint",
  "shutdown-on-sigterm",
  "supervised",
  "syslog-enabled",
  "syslog-facility",
  "syslog-ident",
  "watchdog-period",
]);
