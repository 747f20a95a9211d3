import { matchesGlob } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigStore } from "./config-store.ts";
import { type AnyDirective, directive } from "./directive.ts";
import { directives, directivesWith } from "./directives/index.ts";
import { maxmemoryPolicy } from "./directives/memory.ts";
import { checkValue, decodeWords, Refusal } from "./kind.ts";
import { boolean } from "./kinds.ts";
import type { BufferLimits } from "./special-kinds.ts";

/** CONFIG SET of one parameter: "OK" or the error. */
function set(store: ConfigStore, name: string, value: string): string {
  return store.configSet([[name, value]], { protectedAllowed: true })?.message ?? "OK";
}

/** Any glob will do. */
const matches = (pattern: string, name: string) => matchesGlob(name, pattern);

function refusal(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

describe("CONFIG GET", () => {
  test("takes several patterns and gives each name once", () => {
    const store = new ConfigStore();
    expect(store.configGet(["maxmemory-s*", "port", "PORT", "maxmemory-samples"], matches)).toEqual(
      [
        ["maxmemory-samples", "5"],
        ["port", "6379"],
      ],
    );
  });

  test("knows a lone star without a matcher, and no other pattern", () => {
    const store = new ConfigStore();
    expect(store.configGet(["*"]).length).toBeGreaterThan(150);
    expect(store.configGet(["maxmemory-s*"])).toEqual([]);
  });

  test("answers to old names, too", () => {
    const store = new ConfigStore();
    expect(store.configGet(["*-priority"], matches)).toEqual([
      ["replica-priority", "100"],
      ["slave-priority", "100"],
    ]);
  });

  test("shows hidden directives by name only", () => {
    const store = new ConfigStore();
    expect(store.configGet(["key-load-dela[y]"], matches)).toEqual([]);
    expect(store.configGet(["key-load-delay"])).toEqual([["key-load-delay", "0"]]);
  });

  test.each(["__proto__", "constructor", "toString", "nosuch"])("knows no %s", (name) => {
    const store = new ConfigStore();
    expect(store.configGet([name])).toEqual([]);
    expect(set(store, name, "1")).toBe(
      `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`,
    );
    expect(set(store, `${name}\0\xff`, "1")).toBe(
      `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`,
    );
  });
});

describe("CONFIG SET", () => {
  test.each([
    { name: "maxmemory", value: "100mb", shown: "104857600" },
    { name: "maxmemory", value: "1K", shown: "1000" },
    { name: "maxmemory", value: "18446744073709551615", shown: "18446744073709551615" },
    { name: "maxmemory-clients", value: "5%", shown: "5%" },
    { name: "slowlog-max-len", value: "9223372036854775807", shown: "9223372036854775807" },
    { name: "LOGLEVEL", value: "Verbose", shown: "verbose" },
    { name: "appendonly", value: "YES", shown: "yes" },
    { name: "oom-score-adj", value: "relative", shown: "yes" },
    { name: "hz", value: "100000", shown: "500" },
    { name: "hz", value: "0", shown: "1" },
    { name: "save", value: "10 2 3 4", shown: "10 2 3 4" },
    { name: "save", value: "", shown: "" },
    { name: "shutdown-on-sigterm", value: "force nosave", shown: "nosave force" },
    { name: "shutdown-on-sigterm", value: "default", shown: "default" },
    { name: "latency-tracking-info-percentiles", value: "50.5 99.9999999", shown: "50.5 100" },
    { name: "notify-keyspace-events", value: "KEA", shown: "AKE" },
    { name: "notify-keyspace-events", value: "Kg$", shown: "g$K" },
    { name: "notify-keyspace-events", value: "KAn", shown: "AnK" },
    { name: "requirepass", value: "a b\xff", shown: "a b\xff" },
    { name: "bind", value: "127.0.0.1 ::1", shown: "127.0.0.1 ::1" },
    {
      name: "client-output-buffer-limit",
      value: "slave 1 2 3 normal 1k 2k 3",
      shown: "normal 1000 2000 3 slave 1 2 3 pubsub 33554432 8388608 60",
    },
  ])("$name $value", ({ name, value, shown }) => {
    const store = new ConfigStore();
    expect(set(store, name, value)).toBe("OK");
    expect(store.configGet([name])).toEqual([[name, shown]]);
  });

  test.each([
    ["port", "70000", "argument must be between 0 and 65535 inclusive"],
    ["timeout", "007", "argument couldn't be parsed into an integer"],
    ["maxmemory", "12q", "argument must be a memory value"],
    ["maxmemory-clients", "120%", "percentage argument must be less or equal to 100"],
    ["maxmemory-clients", "x", "argument must be a memory or percent value"],
    ["appendonly", "maybe", "argument must be 'yes' or 'no'"],
    ["appendfsync", "x", "argument(s) must be one of the following: everysec, always, no"],
    ["save", "1  2", "Invalid save parameters"],
    ["save", "0 1", "Invalid save parameters"],
    ["dbfilename", "a/b", "dbfilename can't be a path, just a filename"],
    ["supervised", "no", "can't set immutable config"],
    [
      "shutdown-on-sigint",
      "",
      "argument(s) must be one of the following: default, save, nosave, now, force",
    ],
    [
      "shutdown-on-sigterm",
      "nosave now save",
      "shutdown options SAVE and NOSAVE can't be used simultaneously",
    ],
  ])("refuses %s %s", (name, value, reason) => {
    const store = new ConfigStore();
    const before = store.configGet([name]);
    expect(set(store, name, value)).toBe(refusal(name, reason));
    expect(store.configGet([name])).toEqual(before);
  });

  test("is all or nothing", () => {
    const store = new ConfigStore();
    const error = store.configSet([
      ["maxmemory", "1gb"],
      ["slave-priority", "x"],
    ]);
    expect(error?.message).toBe(
      refusal("slave-priority", "argument couldn't be parsed into an integer"),
    );
    expect(store.number("maxmemory")).toBe(0);
  });

  test("takes back an option that was set under two names", () => {
    const store = new ConfigStore();
    const error = store.configSet([
      ["slave-priority", "3"],
      ["replica-priority", "4"],
      ["port", "x"],
    ]);
    expect(error?.message).toContain("'port'");
    expect(store.number("replica-priority")).toBe(100);
  });

  test("refuses a name that comes twice, before anything is set", () => {
    const store = new ConfigStore();
    const error = store.configSet([
      ["maxclients", "1"],
      ["MAXCLIENTS", "2"],
    ]);
    expect(error?.message).toBe(refusal("MAXCLIENTS", "duplicate parameter"));
    expect(store.number("maxclients")).toBe(10000);
  });

  test("keeps protected directives from those who may not", () => {
    const store = new ConfigStore();
    expect(store.configSet([["dir", "/"]])?.message).toBe(
      refusal("dir", "can't set protected config"),
    );
  });

  test("answers LOADING for some directives while the data set is loading", () => {
    const store = new ConfigStore();
    const loading = { loading: true };
    expect(store.configSet([["appendonly", "yes"]], loading)?.message).toMatch(/^LOADING /);
    expect(store.configSet([["maxmemory", "1"]], loading)).toBe(undefined);
  });
});

describe("listeners", () => {
  test("run once for a CONFIG SET that changed something they watch", () => {
    const store = new ConfigStore();
    const seen: string[] = [];
    store.onApply(["port", "bind"], () => {
      seen.push(`${store.number("port")} ${store.print("bind")}`);
      return undefined;
    });
    store.configSet([
      ["port", "7"],
      ["bind", "::1"],
      ["timeout", "3"],
    ]);
    store.configSet([["port", "7"]]);
    expect(seen).toEqual(["7 ::1"]);
  });

  test("a file's name is put into force again: the file may be another one by now", () => {
    const store = new ConfigStore();
    let count = 0;
    store.onApply(["tls-cert-file", "tls-key-file-pass"], () => {
      count++;
      return undefined;
    });
    for (const name of ["tls-cert-file", "tls-cert-file", "tls-key-file-pass", "tls-key-file-pass"])
      store.configSet([[name, "x"]]);
    expect(count).toBe(3);
  });

  test("who refuses takes everything back, and those who ran see the old values", () => {
    const store = new ConfigStore();
    const seen: number[] = [];
    store.onApply("maxmemory", () => {
      seen.push(store.number("maxmemory"));
      return undefined;
    });
    store.onApply("port", () => (store.number("port") === 1 ? "Unable to listen" : undefined));
    const told: string[] = [];
    const pairs = [
      ["maxmemory", "5"],
      ["port", "1"],
    ] as const;
    const restoring = (name: string) => told.push(`${name}, still ${store.number(name)}`);
    const error = store.configSet(pairs, { restoring });
    expect(error?.message).toBe(refusal("port", "Unable to listen"));
    expect(told).toEqual(["port, still 1"]);
    expect(seen).toEqual([5, 0]);
    expect(store.number("maxmemory")).toBe(0);
    expect(store.number("port")).toBe(6379);
  });

  test("may refuse without a reason", () => {
    const store = new ConfigStore();
    store.onApply("port", () => "");
    expect(set(store, "port", "1")).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port')",
    );
  });

  test("a parse hook may refuse a value, replace it, and sees the old one on the way back", () => {
    const store = new ConfigStore();
    const entered: string[] = [];
    store.onParse<string>("dir", (path) => {
      if (path === "/nosuch") return new Refusal("No such file or directory");
      entered.push(path);
      return path.startsWith("/") ? path : `/home/${path}`;
    });
    expect(set(store, "dir", "/nosuch")).toBe(refusal("dir", "No such file or directory"));
    expect(set(store, "dir", "data")).toBe("OK");
    expect(store.text("dir")).toBe("/home/data");
    const protectedAllowed = { protectedAllowed: true };
    store.configSet(
      [
        ["dir", "/tmp"],
        ["port", "x"],
      ],
      protectedAllowed,
    );
    expect(entered).toEqual(["data", "/tmp", "/home/data"]);
    expect(store.text("dir")).toBe("/home/data");
  });
});

describe("values", () => {
  test("are typed", () => {
    const store = new ConfigStore();
    expect(store.boolean("appendonly")).toBe(false);
    expect(store.text("maxmemory-policy")).toBe("noeviction");
    expect(store.value<BufferLimits>("client-output-buffer-limit").pubsub.softSeconds).toBe(60);
    expect(() => store.boolean("port")).toThrow("'port' is not yes or no");
    expect(() => store.number("nosuch")).toThrow("there is no directive 'nosuch'");
  });

  test("the server can assign what it changed itself, within the rules", () => {
    const store = new ConfigStore();
    store.assign("replicaof", { host: "10.0.0.1", port: 6379 });
    expect(store.configGet(["slaveof"])).toEqual([["slaveof", "10.0.0.1 6379"]]);
    expect(() => store.assign("replicaof", { host: "a", port: -1 })).toThrow("Invalid master port");
  });
});

describe("the table", () => {
  test("takes rows of modules and other eviction policies", () => {
    const mine = directive({
      name: "mine.on",
      kind: boolean,
      default: false,
      summary: "Mine.",
    });
    const rows = directivesWith([maxmemoryPolicy(["noeviction", "coin-toss"]), mine]);
    const store = new ConfigStore(rows);
    expect(set(store, "maxmemory-policy", "coin-toss")).toBe("OK");
    expect(set(store, "maxmemory-policy", "allkeys-lru")).toMatch("noeviction, coin-toss");
    store.load("mine.on yes");
    expect(store.boolean("mine.on")).toBe(true);
  });

  test("knows no policy that evicts until it is handed one", () => {
    expect(set(new ConfigStore(), "maxmemory-policy", "allkeys-lru")).toBe(
      refusal("maxmemory-policy", "argument(s) must be one of the following: noeviction"),
    );
    expect(() => maxmemoryPolicy(["allkeys-lru"])).toThrow("'noeviction' is not among");
  });

  test("refuses two rows of one name and rows that contradict themselves", () => {
    expect(() => new ConfigStore([...directives, directives[0]])).toThrow("declared twice");
    const row = { name: "X", kind: boolean, default: false, summary: "Mine." } as const;
    expect(() => directive(row)).toThrow("names are lower case");
  });

  test("each default is allowed, and is read back from what is printed", () => {
    for (const { name, kind, default: value } of directives as readonly AnyDirective[]) {
      expect(checkValue(kind, value), name).toEqual(value);
      const words = kind.words(value);
      const input = decodeWords(kind, words);
      const read = kind.merge(value, input, { inFile: false, seen: false });
      expect(read, name).toEqual(value);
    }
  });
});

describe("effect", () => {
  test("what is accepted without effect is said, when it was set to something else", () => {
    const store = new ConfigStore(directives, { implemented: new Set(["port", "io-threads"]) });
    store.load("port 7\nio-threads 4\ntimeout 5\ntcp-keepalive 300");
    expect(store.effectOf("port")).toBe("implemented");
    expect(store.effectOf("tcp-keepalive")).toBe("accepted");
    expect(store.ineffective()).toEqual([
      "'timeout' is accepted but has no effect here. It is not implemented yet.",
      "'io-threads' is accepted but has no effect here. Commands and sockets share one thread.",
    ]);
    expect(store.ineffective(["PORT", "Timeout", "tcp-keepalive"])).toEqual([
      "'timeout' is accepted but has no effect here. It is not implemented yet.",
    ]);
    expect(store.ineffective([])).toEqual([]);
  });
});

describe("onLoaded", () => {
  test("refuses what cannot be had, with the last line that asks for it, after what is wrong", () => {
    const store = new ConfigStore();
    store.onLoaded((config) =>
      ["tls-port", "port"]
        .filter((name) => config.number(name) !== 0)
        .map((name) => ({ name, reason: `no ${name}` })),
    );
    expect(() => store.load("tls-port 1\nnope\ntls-port 2\n")).toThrow(
      "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "Reading the configuration file, at line 2\n" +
        ">>> 'nope'\n" +
        "Bad directive or wrong number of arguments\n" +
        "Reading the configuration file, at line 3\n" +
        ">>> 'tls-port 2'\n" +
        "no tls-port\n" +
        "no port",
    );
    store.load("port 0\ntls-port 0");
    expect(store.number("tls-port")).toBe(0);
  });
});
