/** The directives that have an effect, besides those that the engine acts upon. */
import type { AnyDirective } from "@kv/config";
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

/** What belongs to the process. */
const ofTheProcess: ReadonlySet<string> = new Set([
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

/** In a process of its own. */
export const implementedDirectives: ReadonlySet<string> = new Set([
  ...serverDirectives(),
  ...ofTheProcess,
]);

/** What a server inside another program says of those that are the program's. */
export function leftToTheProgram(rows: readonly AnyDirective[]): readonly AnyDirective[] {
  const noEffectBecause = "It is left to the program that the server runs in.";
  return rows.map((row) => (ofTheProcess.has(row.name) ? { ...row, noEffectBecause } : row));
}
