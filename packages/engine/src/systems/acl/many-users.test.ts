import { ConfigStore } from "@kv/config";
import { FakeHost, type Harness, harness, TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { createEngine } from "../../engine.ts";
import { execAccessPort } from "../../module/ports.ts";
import { accessPort } from "./access.ts";

const noAuth = "NOAUTH Authentication required.";
const wrong = "WRONGPASS invalid username-password pair or user is disabled.";
const keyDenied = "NOPERM No permissions to access a key";
const denied = (user: string, name: string) =>
  `NOPERM User ${user} has no permissions to run the '${name}' command`;

const setUser = (kv: Harness, name: string, ...rules: string[]) =>
  expect(kv.send("ACL", "SETUSER", name, ...rules)).toBe("OK");

/** A client that acts as a user whom any password lets in. */
function actingAs(kv: Harness, name: string): TestClient {
  const client = kv.client();
  expect(client.send("AUTH", name, "any")).toBe("OK");
  return client;
}

describe("SETUSER", () => {
  test("makes a user that is off and may do nothing", () => {
    const kv = harness();
    setUser(kv, "alice");
    expect(kv.send("ACL", "LIST")).toEqual([
      "user alice off sanitize-payload resetchannels -@all",
      "user default on nopass sanitize-payload ~* &* +@all",
    ]);
    expect(kv.client().send("AUTH", "alice", "")).toBe(kv.error(wrong));
    setUser(kv, "alice", "on", ">secret");
    const alice = kv.client();
    expect(alice.send("AUTH", "alice", "wrong")).toBe(kv.error(wrong));
    expect(alice.send("AUTH", "alice", "secret")).toBe("OK");
    expect(alice.send("PING")).toBe(kv.error(denied("alice", "ping")));
    setUser(kv, "alice", "+acl|whoami");
    expect(alice.send("ACL", "WHOAMI")).toBe("alice");
    expect(alice.send("ACL", "LIST")).toBe(kv.error(denied("alice", "acl|list")));
  });

  test("with a rule that is none makes nobody", () => {
    const kv = harness();
    expect(String(kv.send("ACL", "SETUSER", "alice", "on", "nope"))).toMatch(/Syntax error$/);
    expect(kv.send("ACL", "USERS")).toEqual(["default"]);
  });

  test("binds who acts as the user at once, and nobody else", () => {
    const kv = harness();
    for (const name of ["alice", "bob"]) setUser(kv, name, "on", "nopass", "~*", "&*", "+@all");
    const alice = actingAs(kv, "alice");
    const bob = actingAs(kv, "bob");
    expect(alice.client?.unusual).toBe(0);
    setUser(kv, "alice", "resetkeys", "~a");
    expect(alice.send("GET", "b")).toBe(kv.error(keyDenied));
    expect(bob.send("GET", "b")).toBe(null);
    expect(bob.client?.unusual).toBe(0);
    setUser(kv, "alice", "off", "allkeys");
    // Who is in already stays.
    expect(alice.send("GET", "b")).toBe(null);
    expect(alice.client?.unusual).toBe(0);
    expect(kv.client().send("AUTH", "alice", "any")).toBe(kv.error(wrong));
  });

  test.each([
    ["a b", "Usernames can't contain spaces or null characters"],
    ["a\tb", "Usernames can't contain spaces or null characters"],
    ["a\0b", "Usernames can't contain spaces or null characters"],
    ["a".repeat(1001), "Usernames cannot be longer than 1000 bytes"],
  ])("refuses the name %j", (name, reason) => {
    const kv = harness();
    expect(kv.send("ACL", "SETUSER", name, "on")).toBe(kv.error(`ERR ${reason}`));
    expect(kv.send("ACL", "USERS")).toEqual(["default"]);
  });

  test("takes names that mean something to a runtime", () => {
    const kv = harness();
    const names = ["__proto__", "constructor", "hasOwnProperty", "toString", ""];
    for (const name of names) expect(kv.send("ACL", "GETUSER", name)).toBe(null);
    for (const name of names) {
      expect(kv.client().send("AUTH", name, "x")).toBe(kv.error(wrong));
      setUser(kv, name, "on", "nopass", "+acl");
      expect(actingAs(kv, name).send("ACL", "WHOAMI")).toBe(name);
    }
    expect(kv.send("ACL", "DELUSER", ...names)).toBe(names.length);
    expect(kv.send("ACL", "USERS")).toEqual(["default"]);
  });

  test("a name that goes on where another one ends is another one", () => {
    const kv = harness();
    const name = "a".repeat(1000);
    setUser(kv, name, "on", "nopass", "+@all");
    expect(kv.client().send("AUTH", `${name}${"b".repeat(1000)}`, "x")).toBe(kv.error(wrong));
    expect(kv.send("ACL", "DELUSER", `${name}${"b".repeat(1000)}`)).toBe(0);
  });

  test("a first argument is allowed with a warning", () => {
    const kv = harness();
    setUser(kv, "alice", "+select|0");
    expect(kv.log).toContain(
      "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get disabled in the future (offender: +select|0)",
    );
    const logged = kv.log.length;
    setUser(kv, "alice", "+config|get");
    expect(kv.log).toHaveLength(logged);
  });

  test("users take a bounded room, which is counted", () => {
    const kv = harness();
    const { users } = kv.engine;
    const usedBytes = kv.engine.memory.usedBytes;
    const rules = Array.from({ length: 20_000 }, (_, at) => `~${at}`);
    setUser(kv, "u0", ...rules);
    expect(kv.engine.memory.usedBytes - usedBytes).toBeGreaterThan(20_000 * 100);
    // Any number of the same cost no more time than these.
    users.keptBytes += 251 * 2 ** 20;
    expect(kv.send("ACL", "SETUSER", "u1", ...rules)).toBe(
      kv.error("ERR The rules of all users take too much memory"),
    );
    expect(kv.send("ACL", "USERS")).toEqual(["default", "u0"]);
    setUser(kv, "u0", "resetkeys");
  });
});

describe("DELUSER", () => {
  test("closes the connections of the user, and no other", () => {
    const kv = harness();
    for (const name of ["alice", "bob"]) setUser(kv, name, "on", "nopass", "~*", "&*", "+@all");
    const alices = [actingAs(kv, "alice"), actingAs(kv, "alice")];
    alices[1]?.send("SUBSCRIBE", "c");
    const bob = actingAs(kv, "bob");
    expect(kv.send("ACL", "DELUSER", "nobody", "alice", "alice")).toBe(1);
    expect(alices.map(({ closed }) => closed)).toEqual([true, true]);
    expect(bob.closed).toBe(false);
    expect(kv.send("PUBLISH", "c", "m")).toBe(0);
    expect(kv.client().send("AUTH", "alice", "any")).toBe(kv.error(wrong));
    setUser(kv, "alice", "on", "nopass");
    expect(kv.send("ACL", "GETUSER", "alice")).toContainEqual(["on", "nopass", "sanitize-payload"]);
  });

  test("of oneself is answered, and is the last thing that is", () => {
    const kv = harness();
    setUser(kv, "alice", "on", "nopass", "~*", "+@all");
    const alice = actingAs(kv, "alice");
    alice.sendBytes("ACL DELUSER alice\r\nSET k v\r\n");
    expect(alice.receive()).toBe(1);
    expect(alice.receive()).toBe(undefined);
    expect(alice.client?.closeReason).toBe("the user was removed");
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("within a transaction leaves the rest of it to somebody who has not logged in", () => {
    const kv = harness();
    setUser(kv, "default", "-set");
    setUser(kv, "alice", "on", "nopass", "~*", "+@all");
    const alice = actingAs(kv, "alice");
    alice.sendBytes("MULTI\r\nACL DELUSER alice\r\nSET k v\r\nEXEC\r\n");
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("removes nobody when default is among them", () => {
    const kv = harness();
    setUser(kv, "alice");
    const reply = kv.send("ACL", "DELUSER", "alice", "default");
    expect(reply).toBe(kv.error("ERR The 'default' user cannot be removed"));
    expect(kv.send("ACL", "USERS")).toEqual(["alice", "default"]);
  });
});

describe("clients of several users", () => {
  test("log in with HELLO, as another one, and come back by RESET", () => {
    const kv = harness();
    setUser(kv, "alice", "on", ">a", "+@all");
    setUser(kv, "bob", "on", ">b", "+@all");
    const client = kv.client();
    expect(client.send("HELLO", 3, "AUTH", "alice", "a")).toBeInstanceOf(Map);
    expect(client.send("ACL", "WHOAMI")).toBe("alice");
    expect(client.send("HELLO", 3, "AUTH", "bob", "a")).toBe(kv.error(wrong));
    expect(client.send("ACL", "WHOAMI")).toBe("alice");
    expect(client.send("AUTH", "bob", "b")).toBe("OK");
    expect(client.send("ACL", "WHOAMI")).toBe("bob");
    expect(client.send("RESET")).toBe("RESET");
    expect(client.send("ACL", "WHOAMI")).toBe("default");
  });

  test("are listed by their users, and closed by them", () => {
    const kv = harness();
    setUser(kv, "alice", "on", "nopass", "+@all");
    const alice = actingAs(kv, "alice");
    expect(kv.send("CLIENT", "LIST", "ID", alice.client?.id ?? 0)).toMatch(/ user=alice /);
    expect(kv.send("CLIENT", "KILL", "USER", "alice")).toBe(1);
    expect(alice.closed).toBe(true);
    expect(kv.send("CLIENT", "KILL", "USER", "carol")).toBe(kv.error("ERR No such user 'carol'"));
  });

  test("a stranger may log in as any user where default asks for a password", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.send("AUTH", "secret");
    setUser(kv, "alice", "on", ">a", "+ping");
    const stranger = kv.client();
    expect(stranger.send("PING")).toBe(kv.error(noAuth));
    expect(stranger.send("AUTH", "alice", "a")).toBe("OK");
    expect(stranger.send("PING")).toBe("PONG");
    // The password of default is not hers, and requirepass is that of default.
    kv.send("CONFIG", "SET", "requirepass", "other");
    expect(kv.client().send("AUTH", "alice", "other")).toBe(kv.error(wrong));
    expect(kv.client().send("AUTH", "other")).toBe("OK");
  });

  test("who loses channels is closed if it listens to one of them", () => {
    const kv = harness();
    setUser(kv, "alice", "on", "nopass", "+@all", "&a*", "(+@all &b)");
    const [a, b, idle] = [actingAs(kv, "alice"), actingAs(kv, "alice"), actingAs(kv, "alice")];
    a.send("SUBSCRIBE", "a1");
    b.send("SUBSCRIBE", "b");
    setUser(kv, "alice", "&c", "-get");
    expect([a.closed, b.closed]).toEqual([false, false]);
    setUser(kv, "alice", "clearselectors");
    expect([a.closed, b.closed, idle.closed]).toEqual([false, true, false]);
    setUser(kv, "alice", "allchannels");
    setUser(kv, "alice", "resetchannels");
    expect([a.closed, idle.closed]).toEqual([true, false]);
  });
});

describe("the log", () => {
  test("tells who, what, where and since when", () => {
    const kv = harness({ resp: 3 });
    setUser(kv, "alice", "on", "nopass", "+@all", "-get", "~a", "resetchannels");
    const alice = actingAs(kv, "alice");
    alice.send("CLIENT", "SETNAME", "hers");
    alice.send("GET", "a");
    alice.send("SET", "b", 1);
    kv.clock.advance(2000);
    alice.send("MULTI");
    alice.send("SET", "b", 1);
    alice.send("EXEC");
    alice.send("PUBLISH", "c", "m");
    alice.send("AUTH", "alice2", "x");
    alice.send("SET", "b", 1);
    const entries = kv.send("ACL", "LOG") as Map<string, unknown>[];
    const fields = ["count", "reason", "context", "object", "username", "age-seconds", "entry-id"];
    expect(entries.map((entry) => fields.map((field) => entry.get(field)))).toEqual([
      [2, "key", "toplevel", "b", "alice", 0, 1],
      [1, "auth", "toplevel", "AUTH", "alice2", 0, 4],
      [1, "channel", "toplevel", "c", "alice", 0, 3],
      [1, "key", "multi", "b", "alice", 0, 2],
      [1, "command", "toplevel", "get", "alice", 2, 0],
    ]);
    const [newest] = entries;
    expect(newest?.get("client-info")).toMatch(/ name=hers .* cmd=set user=alice /);
    expect(
      Number(newest?.get("timestamp-last-updated")) - Number(newest?.get("timestamp-created")),
    ).toBe(2000);
    expect(kv.send("INFO", "stats")).toMatch(
      /acl_access_denied_auth:1\r\nacl_access_denied_cmd:1\r\nacl_access_denied_key:3\r\nacl_access_denied_channel:1\r\n/,
    );
    kv.send("CONFIG", "RESETSTAT");
    expect(kv.send("INFO", "stats")).toMatch(/acl_access_denied_key:3\r\n/);
  });

  test("is as long as acllog-max-len says", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "acllog-max-len", 2);
    for (const name of ["a", "b", "c"]) kv.client().send("AUTH", name, "x");
    expect(kv.send("ACL", "LOG")).toHaveLength(2);
    expect(kv.send("ACL", "LOG", 1)).toHaveLength(1);
    expect(kv.send("ACL", "LOG", -1)).toEqual([]);
    expect(kv.send("ACL", "LOG", "x")).toBe(
      kv.error("ERR value is not an integer or out of range"),
    );
    kv.send("CONFIG", "SET", "acllog-max-len", 0);
    expect(kv.send("ACL", "LOG")).toHaveLength(2);
    kv.client().send("AUTH", "d", "x");
    expect(kv.send("ACL", "LOG")).toEqual([]);
  });

  test("names a script where one is refused", () => {
    const kv = harness();
    setUser(kv, "default", "-get");
    const access = kv.engine.of(execAccessPort);
    const { call } = kv.engine;
    kv.send("GET", "k"); // What the call still points at.
    expect(access.refusalInside(call as never, "script")?.reply).toBe(
      "ERR ACL failure in script: User default has no permissions to run the 'get' command",
    );
    expect(kv.engine.of(accessPort).log.newest(1)[0]).toMatchObject({
      context: "lua",
      object: "get",
    });
  });
});

describe("users of a file", () => {
  function startedWith(text: string) {
    const host = new FakeHost(1);
    host.texts.set("users.acl", text);
    const config = new ConfigStore(undefined, { options: { aclfile: "users.acl" } });
    const engine = createEngine({ host, config });
    return { host, engine, client: new TestClient(engine, 50000) };
  }
  const open = "user default on nopass ~* &* +@all\n";

  test("LOAD closes who acts as one, and lets in whom the file names", () => {
    const { host, engine, client } = startedWith(`${open}user alice on >a +@all\nuser bob on >b\n`);
    const alice = new TestClient(engine, 50001);
    expect(alice.send("AUTH", "alice", "a")).toBe("OK");
    host.texts.set("users.acl", `${open}user alice on >a +@all\nuser carol on >c +ping\n`);
    expect(client.send("ACL", "LOAD")).toBe("OK");
    expect(alice.closed).toBe(true);
    expect(client.send("ACL", "USERS")).toEqual(["alice", "carol", "default"]);
    const carol = new TestClient(engine, 50002);
    expect(carol.send("AUTH", "carol", "c")).toBe("OK");
    expect(carol.send("PING")).toBe("PONG");
    // With one wrong line nothing changes, and nobody is closed.
    host.texts.set("users.acl", `${open}user carol on +nope\n`);
    expect(String(client.send("ACL", "LOAD"))).toMatch("no change to the previously active");
    expect(carol.send("PING")).toBe("PONG");
  });

  test("LOAD by one of them is answered before it is closed", () => {
    const { engine } = startedWith(`${open}user alice on nopass +@all\n`);
    const alice = new TestClient(engine, 50001);
    alice.send("AUTH", "alice", "x");
    alice.sendBytes("ACL LOAD\r\nPING\r\n");
    expect(alice.receive()).toBe("OK");
    expect(alice.receive()).toBe(undefined);
  });

  test("SAVE and LOAD of a thousand users change nothing", () => {
    const { client } = startedWith(open);
    for (let index = 0; index < 1000; index++)
      client.send(
        "ACL",
        "SETUSER",
        `u${index}`,
        "on",
        `>${index}`,
        `~${index}:*`,
        "+@read",
        "-get",
      );
    const listed = client.send("ACL", "LIST");
    expect(client.send("ACL", "SAVE")).toBe("OK");
    expect(client.send("ACL", "LOAD")).toBe("OK");
    expect(client.send("ACL", "LIST")).toEqual(listed);
  });
});

test("CONFIG REWRITE writes all users, and a server starts from that with the same ones", () => {
  const host = new FakeHost(1);
  host.facts.configFile = "kv.conf";
  host.texts.set("kv.conf", "port 6379\nuser alice on >old\n# end\n");
  const config = new ConfigStore();
  config.load(host.texts.get("kv.conf") ?? "");
  const client = new TestClient(createEngine({ host, config }), 50000);
  const awkward = ["on", '~"quoted"', "~'x\\", "&\xff#", "(~a +get)", "+select|#", ">pw"];
  expect(client.send("ACL", "SETUSER", "b\"'#", ...awkward)).toBe("OK");
  expect(client.send("ACL", "SETUSER", "alice", "reset", "-@all", "+get")).toBe("OK");
  const listed = client.send("ACL", "LIST");
  expect(client.send("CONFIG", "REWRITE")).toBe("OK");
  const again = new ConfigStore();
  again.load(host.texts.get("kv.conf") ?? "");
  expect(new TestClient(createEngine({ host, config: again }), 50000).send("ACL", "LIST")).toEqual(
    listed,
  );
});
