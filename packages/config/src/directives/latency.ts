/** Directives: slow log, latency, keyspace notifications, busy scripts. */
import { directive } from "../directive.ts";
import { boolean, integer } from "../kinds.ts";
import { keyspaceEvents, percentiles } from "../special-kinds.ts";
import { longMax } from "../value-grammar.ts";

export const latency = [
  directive({
    name: "slowlog-log-slower-than",
    kind: integer(-1, longMax),
    default: 10000,
    summary: "Microseconds from which a command is logged as slow; -1 logs none.",
  }),
  directive({
    name: "slowlog-max-len",
    kind: integer(0, longMax),
    default: 128,
    summary: "Entries that the slow log keeps.",
  }),
  directive({
    name: "latency-monitor-threshold",
    kind: integer(0, longMax),
    default: 0,
    summary: "Milliseconds from which an event is noted; 0 notes none.",
  }),
  directive({
    name: "latency-tracking",
    kind: boolean,
    default: true,
    summary: "Keep a histogram of times for each command.",
  }),
  directive({
    name: "latency-tracking-info-percentiles",
    kind: percentiles,
    default: [50, 99, 99.9],
    rewrite: "always",
    summary: "Percentiles that INFO shows.",
  }),
  directive({
    name: "notify-keyspace-events",
    kind: keyspaceEvents,
    default: "",
    summary: "Classes of events that are published.",
  }),
  directive({
    name: "busy-reply-threshold",
    aliases: ["lua-time-limit"],
    kind: integer(0, longMax),
    default: 5000,
    summary: "Milliseconds after which a running script makes others see BUSY.",
  }),
] as const;
