import { ConfigStore } from "@kv/config";
import { FakeHost, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { unsupportedDirectives } from "../configuration.ts";
import { createEngine } from "../engine.ts";
import { UnsupportedDirectiveError } from "./directives.ts";
import type { System } from "./system.ts";

describe("directives that ask for what is not there", () => {
  test.each([["cluster-enabled yes", "cluster-enabled", "cluster mode"]])(
    "%s stops the start",
    (line, name, what) => {
      const config = new ConfigStore();
      config.load(line);
      const reason = `'${name}' is refused: this server does not have ${what} yet`;
      expect(unsupportedDirectives(config)).toEqual([{ name, reason }]);
      const start = () => createEngine({ host: new FakeHost(1), config });
      expect(start).toThrow(UnsupportedDirectiveError);
      expect(start).toThrow(reason);
    },
  );

  /** A system that has no backups yet, but is asked for them by two numbers. */
  const backups: System = {
    name: "backups",
    directives: [
      {
        names: ["min-replicas-to-write", "min-replicas-max-lag"],
        missing: {
          what: "backups",
          isAsked: (config) =>
            config.number("min-replicas-to-write") > 0 && config.number("min-replicas-max-lag") > 0,
        },
      },
    ],
  };

  test("all are told", () => {
    const config = new ConfigStore();
    config.load("cluster-enabled yes\nmin-replicas-to-write 1");
    const names = unsupportedDirectives(config, [backups]).map(({ name }) => name);
    expect(names).toEqual(["cluster-enabled", "min-replicas-to-write"]);
  });

  test("CONFIG SET refuses them, too, and only them", () => {
    const kv = harness({ modules: [backups], config: { "min-replicas-max-lag": 0 } });
    expect(kv.send("CONFIG", "SET", "min-replicas-to-write", 1)).toBe("OK");
    expect(kv.send("CONFIG", "SET", "min-replicas-max-lag", 10)).toBe(
      kv.error(
        "ERR CONFIG SET failed (possibly related to argument 'min-replicas-max-lag') - 'min-replicas-to-write' is refused: this server does not have backups yet",
      ),
    );
    expect(kv.send("CONFIG", "GET", "min-replicas-max-lag")).toEqual(["min-replicas-max-lag", "0"]);
    expect(kv.send("CONFIG", "SET", "min-replicas-to-write", 0)).toBe("OK");
    expect(kv.send("CONFIG", "SET", "min-replicas-max-lag", 10)).toBe("OK");
    expect(String(kv.send("CONFIG", "SET", "aclfile", "users.acl"))).toMatch(
      "can't set immutable config",
    );
  });
});
