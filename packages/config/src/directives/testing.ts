/** Directives that exist for tests and debugging. CONFIG GET shows them by exact name only. */
import { directive } from "../directive.ts";
import { boolean, integer } from "../kinds.ts";
import { intMax, intMin } from "../value-grammar.ts";

export const testing = [
  directive({
    name: "use-exit-on-panic",
    kind: boolean,
    default: false,
    hidden: true,
    noEffectBecause:
      "A fault of this server always ends it by exit(1): its report has what a core would be looked at for.",
    summary: "After a panic exit instead of aborting.",
  }),
  directive({
    name: "rdb-key-save-delay",
    kind: integer(intMin, intMax),
    default: 0,
    hidden: true,
    summary: "Microseconds of pause for each key saved; negative: keys for a microsecond.",
  }),
  directive({
    name: "key-load-delay",
    kind: integer(intMin, intMax),
    default: 0,
    hidden: true,
    summary: "Microseconds of pause for each key loaded; negative: keys for a microsecond.",
  }),
  directive({
    name: "loading-process-events-interval-bytes",
    kind: integer(1024, intMax),
    default: 2 * 1024 * 1024,
    hidden: true,
    differs: "The clients are looked at after 256 kilobytes at the latest.",
    summary: "Bytes loaded between two looks at the clients.",
  }),
  directive({
    name: "watchdog-period",
    kind: integer(0, intMax),
    default: 0,
    hidden: true,
    summary: "Milliseconds after which a hanging loop is logged; 0 never logs one.",
  }),
  directive({
    name: "cluster-ping-interval",
    since: "7.2.0",
    kind: integer(0, intMax),
    default: 1000,
    hidden: true,
    summary: "Milliseconds between a node's random pings.",
  }),
  directive({
    name: "aof-disable-auto-gc",
    kind: boolean,
    default: false,
    hidden: true,
    summary: "Keep files of the append-only log that a rewrite left behind.",
  }),
] as const;
