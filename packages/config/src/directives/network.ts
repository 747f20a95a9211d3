/** Directives: listening sockets and connections. */
import { directive } from "../directive.ts";
import { boolean, integer, octal, text } from "../kinds.ts";
import { addresses } from "../special-kinds.ts";
import { intMax, uintMax } from "../value-grammar.ts";

export const network = [
  directive({
    name: "bind",
    kind: addresses,
    default: ["*", "-::*"],
    rewrite: "changed-only",
    summary: "Addresses to listen on; one that begins with - may be missing.",
  }),
  directive({
    name: "bind-source-addr",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    summary: "Local address of connections that the server opens.",
  }),
  directive({
    name: "protected-mode",
    kind: boolean,
    default: true,
    summary: "Without a password, answer only clients on this machine.",
  }),
  directive({
    name: "port",
    kind: integer(0, 65535),
    default: 6379,
    summary: "TCP port; 0 listens on none.",
  }),
  directive({
    name: "tcp-backlog",
    kind: integer(0, intMax),
    default: 511,
    immutable: true,
    summary: "Connections that may wait to be accepted.",
  }),
  directive({
    name: "unixsocket",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    immutable: true,
    summary: "Path of a Unix socket to listen on as well.",
  }),
  directive({
    name: "unixsocketperm",
    kind: octal(0o777),
    default: 0,
    immutable: true,
    summary: "Permissions of the Unix socket; 0 leaves them to the umask.",
  }),
  directive({
    name: "timeout",
    kind: integer(0, intMax),
    default: 0,
    summary: "Seconds after which an idle client is closed; 0 never closes one.",
  }),
  directive({
    name: "tcp-keepalive",
    kind: integer(0, intMax),
    default: 300,
    summary: "Seconds between keep-alive probes; 0 sends none.",
  }),
  directive({
    name: "socket-mark-id",
    kind: integer(0, uintMax),
    default: 0,
    immutable: true,
    noEffectBecause: "The runtime gives no way to mark sockets.",
    summary: "Mark for routing and firewall rules on listening sockets.",
  }),
] as const;
