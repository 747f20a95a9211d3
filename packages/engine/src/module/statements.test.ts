import { ConfigFileError, ConfigStore } from "@kv/config";
import { createEngine } from "@kv/engine";
import { FakeHost, TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { checkStatements } from "../configuration.ts";
import { AclStartError } from "../systems/acl/user-sources.ts";

/** A client of an engine that was started with this file. */
function startedWith(text: string, host = new FakeHost(1)): TestClient {
  const config = new ConfigStore();
  checkStatements(config);
  config.load(text);
  return new TestClient(createEngine({ host, config }), 50000);
}

describe("rename-command", () => {
  test("gives a command another name, or none", () => {
    const client = startedWith('rename-command GET FETCH\nrename-command FLUSHALL ""');
    expect(client.send("SET", "k", "v")).toBe("OK");
    expect(client.send("fetch", "k")).toBe("v");
    expect(String(client.send("GET", "k"))).toMatch("unknown command 'GET'");
    expect(String(client.send("FLUSHALL"))).toMatch("unknown command 'FLUSHALL'");
  });

  test.each(["EVAL", "LLEN", "BGREWRITEAOF", "SLAVEOF", "CLUSTER", "SAVE", "FUNCTION"])(
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

  test("makes any number of users", () => {
    const client = startedWith(
      "user alice on >a ~a:* +get\nuser bob on nopass ~* +@all -get\nuser default off\n",
    );
    expect(String(client.send("PING"))).toMatch("NOAUTH");
    expect(client.send("AUTH", "alice", "a")).toBe("OK");
    expect(client.send("GET", "a:1")).toBe(null);
    expect(String(client.send("GET", "b"))).toMatch("NOPERM No permissions to access a key");
    expect(client.send("HELLO", 2, "AUTH", "bob", "any")).toBeInstanceOf(Array);
    expect(String(client.send("GET", "b"))).toMatch(
      "NOPERM User bob has no permissions to run the 'get' command",
    );
  });

  test("takes the line that Redis writes", () => {
    const client = startedWith("user default on nopass sanitize-payload ~* &* +@all");
    expect(client.send("PING")).toBe("PONG");
  });

  test("who is not said to be on is off", () => {
    const client = startedWith("user default >secret ~* &* +@all");
    expect(String(client.send("AUTH", "secret"))).toMatch("WRONGPASS");
  });

  test("a line starts from nothing: what it does not give is not there", () => {
    const noCommands = startedWith("user default on >pw");
    expect(noCommands.send("AUTH", "pw")).toBe("OK");
    expect(String(noCommands.send("PING"))).toMatch(
      "NOPERM User default has no permissions to run the 'ping' command",
    );
    const noKeys = startedWith("user default on >pw +@all");
    expect(noKeys.send("AUTH", "pw")).toBe("OK");
    expect(noKeys.send("PING")).toBe("PONG");
    expect(String(noKeys.send("GET", "k"))).toMatch("NOPERM No permissions to access a key");
    expect(String(noKeys.send("PUBLISH", "c", "m"))).toMatch(
      "NOPERM No permissions to access a channel",
    );
    const noChannels = startedWith("user default on nopass ~* +@all");
    expect(noChannels.send("SET", "k", "v")).toBe("OK");
    expect(String(noChannels.send("SUBSCRIBE", "c"))).toMatch(
      "NOPERM No permissions to access a channel",
    );
  });

  test("acl-pubsub-default gives the channels that a line says nothing of", () => {
    const client = startedWith("user default on nopass ~* +@all\nacl-pubsub-default allchannels\n");
    expect(client.send("PUBLISH", "c", "m")).toBe(0);
  });

  test.each([
    "reset on >pw ~* &* +@all",
    "on >pw ~* &* +@all +get",
    "on >pw allkeys allchannels allcommands skip-sanitize-payload",
    "on >pw %RW~* &* +@all",
    "on >pw ~** &* +@all",
    "on >pw -@all (~* &* +@all)",
  ])("%s allows everything", (rules) => {
    const client = startedWith(`user default ${rules}`);
    expect(client.send("AUTH", "pw")).toBe("OK");
    expect(client.send("SET", "k", "v")).toBe("OK");
    expect(client.send("PUBLISH", "c", "m")).toBe(0);
    expect(client.send("CONFIG", "GET", "nope")).toEqual([]);
  });

  test.each([
    [
      "user alice on +@all\nuser alice off",
      "Error in user declaration 'alice': Duplicate user found",
    ],
    ['user "a b" on +@all', "Spaces not allowed in ACL usernames"],
    ["user default on +nope", "Error in user declaration 'default': Unknown command or category"],
    ["user default on foo", "Error in user declaration 'default': Syntax error"],
    ["user default on <pw", "The password you are trying to remove from the user does not exist"],
    ["user default on (+get ~x", "Unmatched parenthesis in acl selector starting at '(+get'."],
    ["user default on\nuser default off", "Duplicate user found"],
  ])("%j stops the start", (text, reason) => {
    expect(() => startedWith(text)).toThrow(ConfigFileError);
    expect(() => startedWith(text)).toThrow(reason);
  });

  test("passwords are taken back as they were given, also by their digests", () => {
    const digest = new FakeHost(1).sha256Hex(new TextEncoder().encode("a"));
    for (const rules of [">a >b <a", `#${digest} >b <a`, `>a >b !${digest}`]) {
      const client = startedWith(`user default on +@all ~* ${rules}`);
      expect(String(client.send("AUTH", "a"))).toMatch("WRONGPASS");
      expect(client.send("AUTH", "b")).toBe("OK");
    }
    expect(() => startedWith(`user default on #${digest} <b`)).toThrow(AclStartError);
  });

  test("a line that a later one makes wrong stops the start, too", () => {
    const text = "user default on nopass &news\nacl-pubsub-default allchannels";
    expect(() => startedWith(text)).toThrow(AclStartError);
  });

  test("users that are off are said to be, for it may be a mistake", () => {
    const host = new FakeHost(1);
    startedWith("user default nopass +@all", host);
    expect(host.logLines).toContainEqual({
      level: "notice",
      message:
        "The user 'default' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.",
    });
  });
});
