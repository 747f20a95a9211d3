import { ConfigStore } from "@kv/config";
import { FakeHost, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { unsupportedDirectives } from "../configuration.ts";
import { createEngine } from "../engine.ts";
import { UnsupportedDirectiveError } from "./directives.ts";

describe("directives that ask for what is not there", () => {
  test.each([
    ["cluster-enabled yes", "cluster-enabled", "cluster mode"],
    ["min-replicas-to-write 1", "min-replicas-to-write", "replication"],
    ["replicaof 127.0.0.1 1", "replicaof", "replication"],
  ])("%s stops the start", (line, name, what) => {
    const config = new ConfigStore();
    config.load(line);
    const reason = `'${name}' is refused: this server does not have ${what} yet`;
    expect(unsupportedDirectives(config)).toEqual([{ name, reason }]);
    const start = () => createEngine({ host: new FakeHost(1), config });
    expect(start).toThrow(UnsupportedDirectiveError);
    expect(start).toThrow(reason);
  });

  test("all are told", () => {
    const config = new ConfigStore();
    config.load("cluster-enabled yes\nmin-replicas-to-write 1");
    const names = unsupportedDirectives(config).map(({ name }) => name);
    expect(names).toEqual(["cluster-enabled", "min-replicas-to-write"]);
  });

  test("a number of replicas that is asked for with no bound of their lag asks for nothing", () => {
    const config = new ConfigStore();
    config.load("min-replicas-to-write 1\nmin-replicas-max-lag 0");
    expect(unsupportedDirectives(config)).toEqual([]);
  });

  test("CONFIG SET refuses them, too, and only them", () => {
    const kv = harness({ config: { "min-replicas-max-lag": 0 } });
    expect(kv.send("CONFIG", "SET", "min-replicas-to-write", 1)).toBe("OK");
    expect(kv.send("CONFIG", "SET", "min-replicas-max-lag", 10)).toBe(
      kv.error(
        "ERR CONFIG SET failed (possibly related to argument 'min-replicas-max-lag') - 'min-replicas-to-write' is refused: this server does not have replication yet",
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
