import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { accessPort } from "./access.ts";

const sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"

describe("ACL", () => {
  test("shows the default user, with its password as a digest", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    kv.send("AUTH", "secret");
    expect(kv.send("ACL", "LIST")).toEqual([
      `user default on sanitize-payload #${sha256} ~* &* +@all`,
    ]);
    expect(kv.send("ACL", "GETUSER", "default")).toEqual([
      "flags",
      ["on", "sanitize-payload"],
      "passwords",
      [sha256],
      "commands",
      "+@all",
      "keys",
      "~*",
      "channels",
      "&*",
      "selectors",
      [],
    ]);
    expect(kv.send("ACL", "USERS")).toEqual(["default"]);
    expect(kv.send("ACL", "WHOAMI")).toBe("default");
  });

  test("SETUSER changes who the default user lets in", () => {
    const kv = harness();
    expect(kv.send("ACL", "SETUSER", "default", ">secret")).toBe("OK");
    const other = kv.client();
    expect(other.send("PING")).toEqual(kv.error("NOAUTH Authentication required."));
    expect(other.send("AUTH", "secret")).toBe("OK");
    expect(kv.send("ACL", "SETUSER", "default", "nopass")).toBe("OK");
    expect(kv.client().send("PING")).toBe("PONG");
  });

  test("SETUSER applies all rules or none", () => {
    const kv = harness();
    const reply = kv.send("ACL", "SETUSER", "default", "off", "-get", "-nope");
    expect(reply).toEqual(
      kv.error(
        "ERR Error in ACL SETUSER modifier '-nope': Unknown command or category name in ACL",
      ),
    );
    expect(kv.send("ACL", "LIST")).toEqual(["user default on nopass sanitize-payload ~* &* +@all"]);
  });

  test("the rules of a user are bounded, in one request and over many", () => {
    const kv = harness();
    const tooMany = kv.error("ERR The rules of a user cannot be longer than 1048576 bytes in all");
    kv.send("ACL", "SETUSER", "default", "resetkeys", "~a");
    const head = "*1100003\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$7\r\ndefault\r\n";
    kv.self.sendBytes(head + "$0\r\n\r\n".repeat(1_100_000));
    expect(kv.self.receive()).toBe(tooMany);
    expect(kv.send("ACL", "SETUSER", "default", `~${"k".repeat(2 ** 20)}`)).toBe(tooMany);
    const large = (letter: string) => `~${letter.repeat(600_000)}`;
    expect(kv.send("ACL", "SETUSER", "default", large("b"))).toBe("OK");
    expect(kv.send("ACL", "SETUSER", "default", large("c"))).toBe(tooMany);
    expect(kv.send("ACL", "SETUSER", "default", large("b"))).toBe("OK");
    expect(kv.send("GET", "c".repeat(600_000))).toBe(
      kv.error("NOPERM No permissions to access a key"),
    );
    expect(kv.send("GET", "a")).toBe(null);
  });

  test("CAT lists the commands of a category, subcommands too", () => {
    const names = harness().send("ACL", "CAT", "Transaction") as string[];
    expect(names.toSorted()).toEqual(["discard", "exec", "multi", "unwatch", "watch"]);
    expect(harness().send("ACL", "CAT", "admin")).toContain("config|set");
  });

  test.each([
    [undefined, 64],
    [1, 1],
    [4, 1],
    [5, 2],
    [4096, 1024],
  ])("GENPASS of %s bits has %d digits", (bits, digits) => {
    const words = bits === undefined ? [] : [bits];
    expect(harness().send("ACL", "GENPASS", ...words)).toMatch(new RegExp(`^[0-9a-f]{${digits}}$`));
  });

  test("LOG shows refusals", () => {
    const kv = harness({ resp: 3 });
    const { engine } = kv;
    const refusal = {
      reason: "auth",
      context: "toplevel",
      object: "AUTH",
      username: "bob",
      clientInfo: "id=1",
    } as const;
    engine.of(accessPort).log.add(refusal, engine.situation.nowMs, 128);
    kv.clock.advance(1500);
    const [entry] = kv.send("ACL", "LOG") as Map<string, unknown>[];
    expect([...(entry ?? [])]).toEqual([
      ["count", 1],
      ["reason", "auth"],
      ["context", "toplevel"],
      ["object", "AUTH"],
      ["username", "bob"],
      ["age-seconds", 1.5],
      ["client-info", "id=1"],
      ["entry-id", 0],
      ["timestamp-created", 1_700_000_000_000],
      ["timestamp-last-updated", 1_700_000_000_000],
    ]);
    expect(kv.send("ACL", "LOG", 0)).toEqual([]);
    expect(kv.send("ACL", "LOG", "RESET")).toBe("OK");
    expect(kv.send("ACL", "LOG")).toEqual([]);
  });
});
