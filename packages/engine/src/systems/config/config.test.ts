import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { EngineState } from "../../kernel/situation.ts";
import { observePort } from "../observe/observe.ts";

const fileOf = (kv: Harness, text: string) => {
  (kv.host.facts as { configFile: string }).configFile = "/etc/kv.conf";
  kv.host.texts.set("/etc/kv.conf", text);
};
const written = (kv: Harness) => kv.host.texts.get("/etc/kv.conf") ?? "";

describe("CONFIG", () => {
  test("SET takes effect at once, and GET tells it", () => {
    const kv = harness();
    expect(kv.send("CONFIG", "SET", "slowlog-log-slower-than", 0, "hz", 50)).toBe("OK");
    expect(kv.send("CONFIG", "GET", "hz", "slowlog-log-*")).toEqual([
      "hz",
      "50",
      "slowlog-log-slower-than",
      "0",
    ]);
    expect(kv.engine.hz).toBe(50);
    expect(kv.engine.of(observePort).slowLog.thresholdUs).toBe(0);
  });

  test("SET changes all or nothing", () => {
    const kv = harness();
    expect(kv.send("CONFIG", "SET", "hz", 50, "maxmemory-samples", 0)).toEqual(
      kv.error(
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - " +
          "argument must be between 1 and 2147483647 inclusive",
      ),
    );
    expect(kv.send("CONFIG", "GET", "hz")).toEqual(["hz", "10"]);
  });

  test.each([EngineState.LOADING, EngineState.ASYNC_LOADING])(
    "SET waits with some for the end of a load (%i)",
    (state) => {
      const kv = harness();
      kv.engine.situation.setUnusual(state, true);
      const isLoading = kv.error("LOADING Redis is loading the dataset in memory");
      expect(kv.send("CONFIG", "SET", "appendonly", "no")).toEqual(isLoading);
      expect(kv.send("CONFIG", "SET", "hz", 20)).toBe("OK");
      kv.engine.situation.setUnusual(state, false);
      expect(kv.send("CONFIG", "SET", "appendonly", "no")).toBe("OK");
    },
  );

  test("SET says in the log what could not be put into force", () => {
    const kv = harness();
    kv.engine.config.onApply("port", () => "Unable to listen");
    kv.send("CONFIG", "SET", "hz", 50, "port", 7);
    expect(kv.host.logLines.at(-1)).toEqual({
      level: "warning",
      message:
        "Failed applying new configuration. Possibly related to new port setting. Restoring previous settings.",
    });
  });

  test("answers with a map in RESP3", () => {
    expect(harness({ resp: 3 }).send("CONFIG", "GET", "hz")).toEqual(new Map([["hz", "10"]]));
  });

  test.each([
    { allowed: "no", error: true },
    { allowed: "local", error: false },
    { allowed: "yes", error: false },
  ])("protected directives, enable-protected-configs $allowed", ({ allowed, error }) => {
    const kv = harness({ config: { "enable-protected-configs": allowed } as never });
    const reply = kv.send("CONFIG", "SET", "dbfilename", "other.rdb");
    if (!error) expect(reply).toBe("OK");
    else
      expect(reply).toEqual(
        kv.error(
          "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
        ),
      );
  });

  test("RESETSTAT forgets counters, not facts", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("GET", "k");
    kv.send("GET", "missing");
    kv.send("NOPE");
    expect(kv.send("CONFIG", "RESETSTAT")).toBe("OK");
    const info = kv.send("INFO", "all") as string;
    expect(info).toContain("keyspace_hits:0\r\n");
    expect(info).toContain("keyspace_misses:0\r\n");
    expect(info).toContain("total_error_replies:0\r\n");
    expect(info).not.toContain("cmdstat_set");
    expect(info).not.toContain("errorstat_");
    expect(info).toContain("db0:keys=1");
  });

  describe("REWRITE", () => {
    test("is refused without a file", () => {
      const kv = harness();
      expect(kv.send("CONFIG", "REWRITE")).toEqual(
        kv.error("ERR The server is running without a config file"),
      );
    });

    test("keeps comments and order, and writes what changed", () => {
      const kv = harness();
      fileOf(kv, "# mine\nport 6379\nhz 10\n# end\n");
      kv.send("CONFIG", "SET", "hz", 42, "maxmemory-samples", 9);
      expect(kv.send("CONFIG", "REWRITE")).toBe("OK");
      expect(written(kv)).toMatch(/^# mine\nport 6379\nhz 42\n# end\n/);
      expect(written(kv)).toContain("\nmaxmemory-samples 9\n");
    });

    test("writes the default user as it is now", () => {
      const kv = harness();
      fileOf(kv, "user default on >old ~* &* +@all\nhz 10\n");
      kv.send("ACL", "SETUSER", "default", ">new");
      kv.send("AUTH", "new");
      expect(kv.send("CONFIG", "REWRITE")).toBe("OK");
      const digest = kv.host.sha256Hex(new TextEncoder().encode("new"));
      expect(written(kv)).toContain(
        `user default on sanitize-payload #${digest} ~* &* +@all\nhz 10\n`,
      );
      fileOf(kv, "");
      kv.send("ACL", "SETUSER", "default", "nopass");
      expect(kv.send("CONFIG", "REWRITE")).toBe("OK");
      expect(written(kv)).toContain("\nuser default on nopass sanitize-payload ~* &* +@all\n");
    });

    test("writes a file that has gone anew", () => {
      const kv = harness();
      fileOf(kv, "");
      kv.host.texts.clear();
      kv.send("CONFIG", "SET", "hz", 42);
      expect(kv.send("CONFIG", "REWRITE")).toBe("OK");
      expect(written(kv)).toContain("hz 42\n");
    });

    test("tells what the host had against it", () => {
      const kv = harness();
      fileOf(kv, "");
      kv.host.writeText = () => {
        throw new Error("No space left on device");
      };
      expect(kv.send("CONFIG", "REWRITE")).toEqual(
        kv.error("ERR Rewriting config file: No space left on device"),
      );
    });

    test("with DEBUG CONFIG-REWRITE-FORCE-ALL writes every directive", () => {
      const kv = harness();
      fileOf(kv, "hz 10\n");
      expect(kv.send("DEBUG", "CONFIG-REWRITE-FORCE-ALL")).toBe("OK");
      expect(written(kv)).toMatch(/^hz 10\n/);
      expect(written(kv)).toContain("\nmaxmemory-samples 5\n");
      expect(written(kv).match(/^hz /gm)?.length).toBe(1);
    });
  });
});
