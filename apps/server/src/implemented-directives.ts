/** The directives that this process acts upon, besides those of the engine. */
import { engineDirectives } from "@kv/engine";

export const implementedDirectives: ReadonlySet<string> = new Set([
  ...engineDirectives(),
  "always-show-logo",
  "bind",
  "crash-log-enabled",
  "daemonize",
  "dir",
  "logfile",
  "loglevel",
  "oom-score-adj",
  "oom-score-adj-values",
  "pidfile",
  "port",
  "proc-title-template",
  "set-proc-title",
  "shutdown-on-sigint",
  "shutdown-on-sigterm",
  "supervised",
  "tcp-backlog",
  "tcp-keepalive",
  "unixsocket",
  "unixsocketperm",
  "watchdog-period",
]);
