import { ConfigStore } from "@kv/config";
import { FakeHost, type Harness, harness, TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { createEngine } from "../../engine.ts";
import { Admission, isLoopback } from "../../kernel/admission.ts";
import { accessPort } from "./access.ts";
import { AclStartError } from "./user-sources.ts";

const noAuth = "NOAUTH Authentication required.";
const setUser = (kv: { send: Harness["send"] }, ...rules: string[]) =>
  expect(kv.send("ACL", "SETUSER", "default", ...rules)).toBe("OK");
const denied = (name: string) =>
  `NOPERM User default has no permissions to run the '${name}' command`;
const keyDenied = "NOPERM No permissions to access a key";
const channelDenied = "NOPERM No permissions to access a channel";

describe("clients follow their users", () => {
  test("rules that are taken away bind who is connected already", () => {
    const kv = harness();
    const other = kv.client();
    expect(other.send("GET", "k")).toBe(null);
    setUser(kv, "-get");
    expect(other.send("GET", "k")).toBe(kv.error(denied("get")));
    expect(kv.client().send("GET", "k")).toBe(kv.error(denied("get")));
    setUser(kv, "+@all");
    expect(other.send("GET", "k")).toBe(null);
    // Nothing is in the way of its requests any more.
    expect(other.client?.unusual).toBe(0);
  });

  test("who came as a stranger is none once no password is asked for, and has no limits", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    const late = kv.client();
    expect(late.send("PING")).toBe(kv.error(noAuth));
    kv.send("AUTH", "secret");
    expect(kv.send("CONFIG", "SET", "requirepass", "")).toBe("OK");
    // A stranger may send ten words and 16 kB, no more.
    expect(late.send("SET", "k", "x".repeat(20_000))).toBe("OK");
    expect(late.send("MGET", ..."abcdefghijklmnop")).toHaveLength(16);
    expect(late.client?.unusual).toBe(0);
    expect(late.closed).toBe(false);
  });

  test("who has not logged in has to when there is a password again, who has need not", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    const stranger = kv.client();
    kv.send("AUTH", "secret");
    kv.send("CONFIG", "SET", "requirepass", "");
    expect(stranger.send("PING")).toBe("PONG");
    kv.send("CONFIG", "SET", "requirepass", "other");
    expect(stranger.send("PING")).toBe(kv.error(noAuth));
    expect(kv.send("PING")).toBe("PONG");
  });

  test("a user that is turned off asks strangers for what nobody can give", () => {
    const kv = harness();
    setUser(kv, "off");
    const stranger = kv.client();
    expect(stranger.send("PING")).toBe(kv.error(noAuth));
    expect(stranger.send("AUTH", "default", "x")).toMatchObject({
      reply: expect.stringMatching(/^WRONGPASS/),
    });
    expect(kv.send("PING")).toBe("PONG");
    setUser(kv, "on");
    expect(stranger.send("PING")).toBe("PONG");
  });

  test("whoever logs in or resets is bound by the rules of then", () => {
    const kv = harness();
    setUser(kv, ">pw", "-get");
    const other = kv.client();
    expect(other.send("AUTH", "pw")).toBe("OK");
    expect(other.send("GET", "k")).toBe(kv.error(denied("get")));
    expect(other.send("RESET")).toBe("RESET");
    expect(other.send("GET", "k")).toBe(kv.error(noAuth));
  });

  test("who listens to what it may no longer hear is cut off, the others are not", () => {
    const kv = harness();
    const subscribers = ["news", "other"].map((channel) => {
      const client = kv.client();
      client.send("SUBSCRIBE", channel);
      return client;
    });
    const byPattern = kv.client();
    byPattern.send("PSUBSCRIBE", "ne*");
    const ofShard = kv.client();
    ofShard.send("SSUBSCRIBE", "other");
    setUser(kv, "resetchannels", "&n*", "&ne*");
    expect([...subscribers, byPattern, ofShard].map(({ closed }) => closed)).toEqual([
      ...[false, true, false, true],
    ]);
    setUser(kv, "resetchannels", "&n*");
    // A wider pattern does not stand for the one that is listened to.
    expect(byPattern.closed).toBe(true);
    expect(kv.self.closed).toBe(false);
  });
});

describe("refusals", () => {
  test("are told, counted by kind, and logged with what was refused", () => {
    const kv = harness();
    setUser(kv, "-set", "resetkeys", "~a*", "resetchannels", "&c");
    kv.send("SET", "a", 1);
    expect(kv.send("MGET", "a", "a2", "b")).toBe(kv.error(keyDenied));
    expect(kv.send("PUBLISH", "d", "m")).toBe(kv.error(channelDenied));
    expect(kv.send("INFO", "stats")).toMatch(
      /acl_access_denied_cmd:1\r\nacl_access_denied_key:1\r\nacl_access_denied_channel:1\r\n/,
    );
    const entries = kv.engine
      .of(accessPort)
      .log.entries.map(({ reason, object }) => [reason, object]);
    expect(entries).toEqual([
      ["channel", "d"],
      ["key", "b"],
      ["command", "set"],
    ]);
  });

  test("log no more of a key than its beginning", () => {
    const kv = harness();
    setUser(kv, "resetkeys");
    expect(kv.send("GET", "k".repeat(100_000))).toBe(kv.error(keyDenied));
    expect(kv.engine.of(accessPort).log.entries[0]?.object.length).toBeLessThan(5000);
  });

  test("that a transaction breaks count for EXEC, unless a command has run behind that", () => {
    const kv = harness();
    const failures = () =>
      /cmdstat_exec:.*failed_calls=(\d+)/.exec(String(kv.send("INFO", "all")))?.[1];
    for (const [lines, expected] of [
      [["DEL k", "PING"], "0"],
      [["PING", "DEL k"], "1"],
      [["PING"], "1"],
    ] as const) {
      setUser(kv.client(), "+del");
      kv.send("MULTI");
      for (const line of lines) expect(kv.send(...line.split(" "))).toBe("QUEUED");
      setUser(kv.client(), "-del");
      expect(kv.send("EXEC")).toHaveLength(lines.length);
      expect(failures()).toBe(expected);
    }
  });

  test("come before a command is queued, and again when it is its turn", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SET", "k", 1);
    kv.send("GET", "k");
    kv.send("PUBLISH", "c", "m");
    setUser(kv.client(), "-set", "resetchannels", "resetkeys", "~x");
    const changed =
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to ";
    expect(kv.send("EXEC")).toEqual([
      kv.error(`${changed}execute the command or subcommand`),
      kv.error(`${changed}touch the specified keys`),
      kv.error(`${changed}access one of the channels used as arguments`),
    ]);
    expect(kv.engine.of(accessPort).log.entries.map(({ context }) => context)).toEqual(
      Array(3).fill("multi"),
    );
    expect(kv.client().send("EXISTS", "x")).toBe(0);
    expect(kv.send("INFO", "commandstats")).toMatch(/cmdstat_exec:.*,failed_calls=1\r/);
    kv.send("MULTI");
    expect(kv.send("SET", "x", 1)).toBe(kv.error(denied("set")));
    expect(kv.send("EXEC")).toBe(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
  });

  test("whoever may do nothing may still log in and be greeted", () => {
    const kv = harness({ config: { requirepass: "pw" } });
    kv.send("AUTH", "pw");
    setUser(kv, "nocommands");
    expect(kv.send("HELLO", 3)).toBeInstanceOf(Map);
    expect(kv.send("AUTH", "pw")).toBe("OK");
    expect(kv.send("MULTI")).toBe(kv.error(denied("multi")));
    expect(kv.send("QUIT")).toBe("OK");
  });

  test("a value of many bytes is no option to look for keys by", () => {
    const kv = harness();
    setUser(kv, "resetkeys", "%W~k");
    expect(kv.send("SET", "k", "x".repeat(1_000_000), "EX", 10)).toBe("OK");
    expect(kv.send("SET", "k", "x", "GET")).toBe(kv.error(keyDenied));
  });

  test("SORT makes no keys of patterns for who may not read them all", () => {
    const kv = harness();
    setUser(kv, "resetkeys", "~k");
    const option = (name: string) =>
      kv.error(`ERR ${name} option of SORT denied due to insufficient ACL permissions.`);
    expect(kv.send("SORT", "k", "BY", "w*")).toBe(option("BY"));
    expect(kv.send("SORT", "k", "BY", "nosort")).toEqual([]);
    expect(kv.send("SORT_RO", "k", "GET", "w*")).toBe(option("GET"));
    setUser(kv, "%R~*");
    expect(kv.send("SORT", "k", "BY", "w*", "GET", "#")).toEqual([]);
  });

  test("a renamed command is meant by its own name", () => {
    const host = new FakeHost(1);
    const config = new ConfigStore();
    config.load("rename-command GET FETCH\nuser default on nopass ~* &* +@all -get");
    const client = new TestClient(createEngine({ host, config }), 50000);
    expect(String(client.send("FETCH", "k"))).toMatch(denied("get"));
  });
});

/** An engine whose ACL file says this; undefined: there is no such file. */
function startedWith(text: string | undefined, config: Record<string, string> = {}) {
  const host = new FakeHost(1);
  if (text !== undefined) host.texts.set("users.acl", text);
  const store = new ConfigStore(undefined, { options: { aclfile: "users.acl", ...config } });
  const engine = createEngine({ host, config: store });
  return { host, engine, client: new TestClient(engine, 50000) };
}

describe("aclfile", () => {
  test("says who may do what, whatever requirepass says", () => {
    const { client } = startedWith("user default on >pw ~a* +@read\n", { requirepass: "other" });
    expect(String(client.send("GET", "a"))).toMatch(noAuth);
    expect(String(client.send("AUTH", "other"))).toMatch("WRONGPASS");
    expect(client.send("AUTH", "pw")).toBe("OK");
    expect(client.send("GET", "a")).toBe(null);
    expect(String(client.send("GET", "b"))).toMatch(keyDenied);
    expect(String(client.send("SET", "a", 1))).toMatch(denied("set"));
  });

  test("that turns the default user off lets nobody in", () => {
    const { client } = startedWith("user default off\n");
    expect(String(client.send("SET", "a", "b"))).toMatch(noAuth);
    expect(String(client.send("AUTH", "default", ""))).toMatch("WRONGPASS");
  });

  test("that says nothing leaves the default user as it is without any", () => {
    expect(startedWith("\n\n", { requirepass: "x" }).client.send("PING")).toBe("PONG");
  });

  test.each([
    [undefined, "Error loading ACLs, opening file 'users.acl': No such file or directory"],
    ["user default on +nope\n", "users.acl:1: Error in applying operation '+nope': Unknown"],
    ["user alice on\nuser alice off\n", "WARNING: Duplicate user 'alice' found on line 2. "],
    ["user alice on +@all ~* (+get", "users.acl:1: Unmatched parenthesis in selector definition."],
  ])("%j stops the start", (text, reason) => {
    expect(() => startedWith(text)).toThrow(AclStartError);
    expect(() => startedWith(text)).toThrow("Aborting Redis startup because of ACL errors: ");
    expect(() => startedWith(text)).toThrow(reason);
  });

  test("beside user lines stops the start", () => {
    const config = new ConfigStore();
    config.load("aclfile users.acl\nuser default on nopass ~* &* +@all\n");
    const host = new FakeHost(1);
    host.texts.set("users.acl", "user default on nopass ~* &* +@all\n");
    expect(() => createEngine({ host, config })).toThrow(AclStartError);
    expect(() => createEngine({ host, config })).toThrow("but not both.");
  });

  test("LOAD takes it anew, for who is connected as well", () => {
    const { host, client } = startedWith("user default on nopass ~* &* +@all\n");
    host.texts.set("users.acl", "user default on nopass ~* &* +@all -get\n");
    expect(client.send("GET", "k")).toBe(null);
    expect(client.send("ACL", "LOAD")).toBe("OK");
    expect(String(client.send("GET", "k"))).toMatch(denied("get"));
  });

  test("LOAD tells all that is wrong, and changes nothing then", () => {
    const { host, client } = startedWith("user default on nopass ~* &* +@all\n");
    host.texts.set(
      "users.acl",
      "# none\nuser\nuser default off +nope +nada\nuser default foo bar\nuser default (~x\n" +
        "  user default on\n",
    );
    expect(String(client.send("ACL", "LOAD"))).toBe(
      "CommandError: ERR users.acl:1 should start with user keyword followed by the username. " +
        "users.acl:2 should start with user keyword followed by the username. " +
        "users.acl:3: Error in applying operation '+nope': Unknown command or category name in ACL. " +
        "users.acl:3: Error in applying operation '+nada': Unknown command or category name in ACL. " +
        "WARNING: Duplicate user 'default' found on line 4. " +
        "WARNING: Duplicate user 'default' found on line 5. " +
        "WARNING: Duplicate user 'default' found on line 6. " +
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    );
    expect(client.send("GET", "k")).toBe(null);
  });

  test("SAVE writes what LOAD reads", () => {
    const { host, client } = startedWith("user default on nopass ~* &* +@all\n");
    const rules = ["-@admin", "+acl", "+config|get", "resetkeys", "%R~a*", "(~b", "+get)", ">pw"];
    expect(client.send("ACL", "SETUSER", "default", ...rules)).toBe("OK");
    const listed = client.send("ACL", "LIST") as string[];
    expect(client.send("ACL", "SAVE")).toBe("OK");
    expect(host.texts.get("users.acl")).toBe(`${listed[0]}\n`);
    expect(client.send("ACL", "SETUSER", "default", "reset", "+acl")).toBe("OK");
    expect(client.send("ACL", "LOAD")).toBe("OK");
    expect(client.send("ACL", "LIST")).toEqual(listed);
  });

  test("SAVE that fails says so, and the log says why", () => {
    const { host, client } = startedWith("user default on nopass ~* &* +@all\n");
    host.writeText = () => {
      throw new Error("No space left on device");
    };
    expect(String(client.send("ACL", "SAVE"))).toMatch(
      "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
    );
    expect(host.logLines).toContainEqual({
      level: "warning",
      message: "Writing the ACL file failed: No space left on device",
    });
  });

  test("keeps users out of the configuration file", () => {
    const { host, client } = startedWith("user default on nopass ~* &* +@all\n");
    host.facts.configFile = "kv.conf";
    host.texts.set("kv.conf", "user default on >old\nport 6379\n");
    expect(client.send("CONFIG", "REWRITE")).toBe("OK");
    expect(host.texts.get("kv.conf")).not.toMatch(/^user/m);
  });
});

test("protected mode asks for a password, not only for a user that is off", () => {
  const kv = harness();
  setUser(kv, "off");
  const address = "10.1.2.3:4000";
  const far = { isLocal: isLoopback(address), address };
  expect(new Admission(kv.engine).refusalOf(far)).toMatch(/^DENIED /);
});
