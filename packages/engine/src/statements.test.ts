import { ConfigFileError, ConfigStore } from "@kv/config";
import { createEngine } from "@kv/engine";
import { FakeHost, TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { checkStatements } from "./statements.ts";

/** A client of an engine that was started with this file. */
function startedWith(text: string): TestClient {
  const config = new ConfigStore();
  checkStatements(config);
  config.load(text);
  return new TestClient(createEngine({ host: new FakeHost(1), config }), 50000);
}

describe("rename-command", () => {
  test("gives a command another name, or none", () => {
    const client = startedWith('rename-command GET FETCH\nrename-command FLUSHALL ""');
    expect(client.send("SET", "k", "v")).toBe("OK");
    expect(client.send("fetch", "k")).toBe("v");
    expect(String(client.send("GET", "k"))).toMatch("unknown command 'GET'");
    expect(String(client.send("FLUSHALL"))).toMatch("unknown command 'FLUSHALL'");
  });

  test.each(["EVAL", "SPOP", "BGREWRITEAOF", "SLAVEOF", "CLUSTER", "SAVE", "FUNCTION", "MIGRATE"])(
    "takes %s as Redis does, whether it is there or not",
    (name) => {
      const hidden = startedWith(`rename-command ${name} ""`);
      expect(String(hidden.send(name, "x"))).toMatch(`unknown command '${name}', with args`);
      const renamed = startedWith(`rename-command ${name} secret\nrequirepass pw`);
      expect(String(renamed.send(name, "x"))).toMatch(`unknown command '${name}', with args`);
      expect(String(renamed.send("SECRET"))).toMatch(/NOAUTH|wrong number of arguments/);
      renamed.send("AUTH", "pw");
      expect(String(renamed.send("SECRET", "a", "b", "c", "d", "e"))).toMatch(
        /unknown command 'SECRET', with args|unknown subcommand 'a'|wrong number of arguments/,
      );
    },
  );

  test.each([
    ["rename-command GET SPOP", "Target command name already exists"],
    ["rename-command NOSUCH X", "No such command in rename-command"],
    ["rename-command GET SET", "Target command name already exists"],
  ])("%s stops the start", (line, reason) => {
    expect(() => startedWith(line)).toThrow(ConfigFileError);
    expect(() => startedWith(line)).toThrow(reason);
  });
});

describe("user", () => {
  test("sets the default user's password", () => {
    const client = startedWith("user default on >secret ~* &* +@all");
    expect(String(client.send("PING"))).toMatch("NOAUTH");
    expect(client.send("AUTH", "secret")).toBe("OK");
    expect(client.send("PING")).toBe("PONG");
  });

  test("what it says replaces requirepass", () => {
    const text = "user default on >secret ~* &* +@all\nrequirepass other\n";
    const client = startedWith(text);
    expect(String(client.send("AUTH", "other"))).toMatch("WRONGPASS");
    expect(client.send("AUTH", "secret")).toBe("OK");
    const open = startedWith("requirepass other\nuser default on nopass ~* &* +@all\n");
    expect(open.send("PING")).toBe("PONG");
  });

  test("takes the line that Redis writes", () => {
    const client = startedWith("user default on nopass sanitize-payload ~* &* +@all");
    expect(client.send("PING")).toBe("PONG");
  });

  test("who is not said to be on is off", () => {
    const client = startedWith("user default >secret ~* &* +@all");
    expect(String(client.send("AUTH", "secret"))).toMatch("WRONGPASS");
  });

  test.each(["user alice on nopass +@all", "user default on nopass +get"])(
    "%s is refused: it cannot be held to",
    (line) => {
      expect(() => startedWith(line)).toThrow("not supported by this server yet");
    },
  );
});
