/** What clients, operators and tools see of commands that are not there yet. */
import { type Command, CommandError, type CommandSpec, command, errors } from "@kv/commands";
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { EngineState } from "../kernel/situation.ts";

const placeholder = (spec: Partial<CommandSpec> & Pick<CommandSpec, "name">): Command =>
  command({
    group: "set",
    since: "9.0.0",
    summary: "Not there yet.",
    complexity: "O(1)",
    arity: -2,
    arityBecause: "it is an example",
    flags: [],
    isPlaceholder: true,
    ...spec,
  });

/** A server that will know LATER, GROW, ALONE and ROOM OPEN once; and ROLE already. */
const withPlaceholders = (options: HarnessOptions = {}): Harness =>
  harness({
    ...options,
    modules: [
      {
        name: "later",
        commands: [
          placeholder({ name: "later", flags: ["write", "fast"] }),
          placeholder({ name: "grow", flags: ["write", "denyoom"] }),
          placeholder({ name: "alone", arity: 1, flags: ["admin", "no_multi"] }),
          placeholder({ name: "room", subcommands: [placeholder({ name: "open", arity: 3 })] }),
          placeholder({ name: "config", subcommands: [placeholder({ name: "later", arity: 2 })] }),
          placeholder({
            name: "never",
            arity: 1,
            run() {
              throw errors.clusterDisabled;
            },
          }),
        ],
      },
    ],
  });

const unknown = (kv: Harness, name: string, args = "") =>
  kv.error(`ERR unknown command '${name}', with args beginning with: ${args}`);

describe("a command that is not there yet", () => {
  test("is answered as an unknown one, so that clients find out", () => {
    const kv = withPlaceholders();
    expect(kv.send("LATER", "k")).toBe(unknown(kv, "LATER", "'k' "));
    expect(kv.send("later", "a\0b", "c")).toBe(unknown(kv, "later", "'a' 'c' "));
    expect(kv.send("ALONE")).toBe(unknown(kv, "ALONE"));
    expect(kv.send("ROOM", "OPEN", "x")).toBe(unknown(kv, "ROOM", "'OPEN' 'x' "));
    expect(kv.send("ROOM", "NOPE")).toBe(unknown(kv, "ROOM", "'NOPE' "));
    expect(kv.send("CONFIG", "LATER")).toBe(
      kv.error("ERR unknown subcommand 'LATER'. Try CONFIG HELP."),
    );
  });

  test("is so for each that is in the table", () => {
    const kv = harness();
    for (const { fullName, arity, isAbsent, container } of kv.engine.commands.all) {
      if (!isAbsent) continue;
      const name = fullName.split("|");
      const words = [...name, ...Array(Math.max(0, Math.abs(arity) - name.length)).fill("x")];
      const beginning =
        container?.isAbsent === false ? "ERR unknown subcommand '" : "ERR unknown command '";
      expect(kv.send(...words)).toHaveProperty("reply", expect.stringContaining(beginning));
    }
  });

  test("is known before AUTH, while loading, and by its number of words", () => {
    const kv = withPlaceholders({ config: { requirepass: "secret" } });
    for (const line of ["LATER k", "ROOM OPEN x", "CONFIG LATER", "NEVER", "ALONE"])
      expect(kv.send(...line.split(" "))).toBe(kv.error("NOAUTH Authentication required."));
    expect(kv.send("NOSUCH")).toBe(unknown(kv, "NOSUCH"));
    kv.send("AUTH", "secret");
    expect(kv.send("LATER")).toBe(kv.error("ERR wrong number of arguments for 'later' command"));
    kv.engine.situation.setUnusual(EngineState.LOADING, true);
    expect(kv.send("LATER", "k")).toBe(kv.error("LOADING Redis is loading the dataset in memory"));
  });

  test("spoils a transaction, and may stand in none where that is said of it", () => {
    const kv = withPlaceholders();
    const aborted = kv.error("EXECABORT Transaction discarded because of previous errors.");
    kv.send("MULTI");
    expect(kv.send("LATER", "k")).toBe(unknown(kv, "LATER", "'k' "));
    expect(kv.send("SET", "k", "v")).toBe("QUEUED");
    expect(kv.send("EXEC")).toBe(aborted);
    expect(kv.send("EXISTS", "k")).toBe(0);
    kv.send("MULTI");
    expect(kv.send("ALONE")).toBe(kv.error("ERR Command not allowed inside a transaction"));
    expect(kv.send("EXEC")).toBe(aborted);
  });

  test("waits while writes are paused, and is refused for want of memory as it will be", () => {
    const kv = withPlaceholders();
    const other = kv.client();
    kv.send("CLIENT", "PAUSE", 1000, "WRITE");
    other.send("LATER", "k");
    expect(other.takeRaw()).toBe("");
    kv.send("CLIENT", "UNPAUSE");
    kv.clock.advance(1);
    expect(other.receive()).toBe(unknown(kv, "LATER", "'k' "));
    kv.send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.send("LATER", "k")).toBe(unknown(kv, "LATER", "'k' "));
    expect(kv.send("GROW", "k")).toBe(
      kv.error("OOM command not allowed when used memory > 'maxmemory'."),
    );
  });

  test("may not be sent by who listens in RESP2", () => {
    const kv = withPlaceholders();
    kv.send("SUBSCRIBE", "c");
    expect(String(kv.send("LATER", "k"))).toMatch("Can't execute 'later'");
  });

  test("runs, and is queued, where it has an answer of its own", () => {
    const kv = withPlaceholders();
    expect(kv.send("NEVER")).toBe(errors.clusterDisabled);
    kv.send("MULTI");
    expect(kv.send("NEVER")).toBe("QUEUED");
    expect(kv.send("EXEC")).toEqual([errors.clusterDisabled]);
  });

  test("is in no list and in no statistics, but its errors are", () => {
    const kv = withPlaceholders();
    const all = "later grow alone room never";
    for (const line of ["LATER k", "LATER", "ROOM OPEN x", "CONFIG LATER"])
      kv.send(...line.split(" "));
    const lists = [
      ...["COMMAND", "COMMAND LIST", "COMMAND DOCS", "ACL CAT slow", "ACL CAT fast"],
      ...[`COMMAND INFO ${all} config config|later room|open`, `COMMAND DOCS ${all} config`],
      ...["INFO everything", "LATENCY HISTOGRAM", `LATENCY HISTOGRAM ${all} config`],
    ];
    const hint = /["|_](later|grow|alone|room|never)\b/;
    const shown = (line: string) => JSON.stringify(kv.send(...line.split(" ")), asArrays);
    expect(lists.filter((line) => hint.test(shown(line)))).toEqual([]);
    expect(kv.send("COMMAND", "COUNT")).toBe((kv.send("COMMAND") as unknown[]).length);
    expect(kv.send("COMMAND", "GETKEYS", "LATER", "k")).toBe(
      kv.error("ERR Invalid command specified"),
    );
    expect(kv.send("INFO", "errorstats")).toContain("errorstat_ERR:count=5");
  });

  test("counts among the commands where it has an answer of its own: each call has failed", () => {
    const kv = withPlaceholders();
    kv.send("NEVER");
    kv.send("CLUSTER", "INFO");
    const rows = kv.send("INFO", "commandstats");
    expect(rows).toMatch(/cmdstat_never:calls=1,.*,rejected_calls=0,failed_calls=1/);
    expect(rows).toMatch(/cmdstat_cluster\|info:calls=1,.*,rejected_calls=0,failed_calls=1/);
    expect(kv.send("LATENCY", "HISTOGRAM", "never", "later")).toEqual(["never", expect.anything()]);
    expect(String(kv.send("LATENCY", "HISTOGRAM"))).toContain("cluster|info");
  });
});

/** Maps and sets as JSON shows nothing of them by itself. */
function asArrays(_name: string, value: unknown): unknown {
  if (value instanceof CommandError) return value.reply;
  return value instanceof Map || value instanceof Set ? [...value].flat() : value;
}
