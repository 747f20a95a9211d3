import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { accessPort } from "../acl/access.ts";
import { pubsubPort } from "../pubsub/subscriptions.ts";
import { trackingPort } from "../tracking/tracking.ts";

const wrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

describe("AUTH", () => {
  test("opens a server with a password", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    expect(kv.send("GET", "k")).toBe(kv.error("NOAUTH Authentication required."));
    expect(kv.send("AUTH", "guess")).toBe(kv.error(wrongPassword));
    expect(kv.send("GET", "k")).toBe(kv.error("NOAUTH Authentication required."));
    expect(kv.send("AUTH", "secret")).toBe("OK");
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.engine.of(accessPort).denied.auth).toBe(1);
  });

  test("takes the default user by name, and no other", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    expect(kv.send("AUTH", "nobody", "secret")).toBe(kv.error(wrongPassword));
    expect(kv.send("AUTH", "default", "")).toBe(kv.error(wrongPassword));
    expect(kv.send("AUTH", "default", "secret")).toBe("OK");
    expect(kv.send("PING")).toBe("PONG");
  });

  test("a failure after success leaves the client as it was", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.send("AUTH", "secret");
    expect(kv.send("AUTH", "guess")).toBe(kv.error(wrongPassword));
    expect(kv.send("PING")).toBe("PONG");
  });

  test("a failure is in the ACL log", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.send("AUTH", "eve", "guess");
    expect(kv.engine.of(accessPort).log.entries).toMatchObject([
      { reason: "auth", object: "AUTH", username: "eve", count: 1 },
    ]);
  });

  test("refuses a password where none is asked for", () => {
    const kv = harness();
    expect(kv.send("AUTH", "x")).toBe(
      kv.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
      ),
    );
    expect(kv.send("AUTH", "default", "anything")).toBe("OK");
  });

  test("a password set later asks new clients only; one taken away lets all in", () => {
    const kv = harness();
    kv.engine.config.configSet([["requirepass", "secret"]]);
    expect(kv.send("PING")).toBe("PONG");
    const late = kv.client();
    expect(late.send("PING")).toBe(kv.error("NOAUTH Authentication required."));
    kv.engine.config.configSet([["requirepass", ""]]);
    expect(late.send("PING")).toBe("PONG");
  });
});

describe("HELLO", () => {
  test("answers with a map about the server", () => {
    const kv = harness();
    const id = kv.send("CLIENT", "ID");
    expect(kv.send("HELLO", 3)).toEqual(
      new Map<string, unknown>([
        ["server", "redis"],
        ["version", kv.engine.identity.redisVersion],
        ["proto", 3],
        ["id", id],
        ["mode", "standalone"],
        ["role", "master"],
        ["modules", []],
      ]),
    );
    expect(kv.send("HELLO", 2)).toEqual(
      ["server", "redis", "version", kv.engine.identity.redisVersion, "proto", 2, "id", id].concat([
        "mode",
        "standalone",
        "role",
        "master",
        "modules",
        [] as never,
      ]),
    );
  });

  test("without a login it tells nothing, not even with a name", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    expect(kv.send("HELLO", 3, "SETNAME", "me")).toBe(
      kv.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
      ),
    );
    expect(kv.send("HELLO", 3, "SETNAME", "me", "AUTH", "default", "guess")).toBe(
      kv.error(wrongPassword),
    );
    expect(kv.self.client).toMatchObject({ protocol: 2, name: "" });
    kv.send("HELLO", 3, "SETNAME", "me", "AUTH", "default", "secret");
    expect(kv.self.client).toMatchObject({ protocol: 3, name: "me" });
    expect(kv.send("CLIENT", "GETNAME")).toBe("me");
  });

  test("a subscriber who switches to RESP3 may do anything", () => {
    const kv = harness();
    kv.send("HELLO", 3);
    kv.send("SUBSCRIBE", "a");
    expect(kv.send("GET", "k")).toBe(null);
    kv.send("HELLO", 2);
    expect(kv.send("GET", "k")).toMatchObject({ reply: expect.stringContaining("Can't execute") });
  });
});

describe("RESET", () => {
  test("is the command whose reply CLIENT REPLY SKIP skips, and ends CLIENT REPLY OFF", () => {
    const kv = harness();
    kv.self.sendBytes("CLIENT REPLY SKIP\r\nRESET\r\nPING one\r\n");
    expect(kv.self.takeRaw()).toBe("$3\r\none\r\n");
    kv.self.sendBytes("CLIENT REPLY OFF\r\nPING\r\nRESET\r\nPING two\r\n");
    expect(kv.self.takeRaw()).toBe("+RESET\r\n$3\r\ntwo\r\n");
  });

  test("makes the client as it was when it came", () => {
    const kv = harness({ resp: 3, config: { requirepass: "secret" } });
    kv.send("HELLO", 3, "AUTH", "default", "secret", "SETNAME", "me");
    kv.send("CLIENT", "SETINFO", "LIB-NAME", "lib");
    kv.send("SELECT", 3);
    kv.send("CLIENT", "NO-EVICT", "ON");
    kv.send("CLIENT", "NO-TOUCH", "ON");
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("SUBSCRIBE", "a");
    kv.send("WATCH", "k");
    kv.send("MULTI");
    expect(kv.send("RESET")).toBe("RESET");
    expect(kv.send("PING")).toBe(kv.error("NOAUTH Authentication required."));
    kv.send("AUTH", "secret");
    expect(kv.send("CLIENT", "INFO")).toMatch(
      / name= .* flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 .* redir=-1 resp=2 lib-name=lib /,
    );
    expect(kv.engine.of(pubsubPort).channels.names.nameCount).toBe(0);
    expect(kv.engine.of(trackingPort).isOn).toBe(false);
  });

  test("is answered even after CLIENT REPLY OFF", () => {
    const kv = harness();
    kv.send("CLIENT", "REPLY", "OFF");
    expect(kv.send("RESET")).toBe("RESET");
    expect(kv.send("PING")).toBe("PONG");
  });
});

describe("QUIT", () => {
  test("is answered, and nothing behind it is", () => {
    const kv = harness();
    kv.self.sendBytes("PING\r\nQUIT\r\nPING\r\nSET k v\r\n");
    expect(kv.self.takeRaw()).toBe("+PONG\r\n+OK\r\n");
    expect(kv.self.closed).toBe(true);
    expect(kv.client().send("EXISTS", "k")).toBe(0);
  });

  test("works before a login and inside MULTI", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    expect(kv.send("QUIT")).toBe("OK");
    const other = kv.client();
    other.send("AUTH", "secret");
    other.send("MULTI");
    expect(other.send("QUIT", "now")).toBe("OK");
    expect(other.closed).toBe(true);
  });
});

test("names and passwords of any length are refused, and the log keeps a kilobyte of the name", () => {
  const kv = harness({ config: { requirepass: "secret" } });
  expect(kv.send("AUTH", "u".repeat(9000), "p".repeat(9000))).toBe(kv.error(wrongPassword));
  expect(kv.engine.of(accessPort).log.entries[0]?.username).toBe("u".repeat(1024));
  expect(kv.send("HELLO", 3, "x".repeat(9000))).toBe(
    kv.error(`ERR Syntax error in HELLO option '${"x".repeat(1024)}'`),
  );
});
