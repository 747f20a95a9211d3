import { CommandTable, dataCommands } from "@kv/commands";
import { describe, expect, test } from "vitest";
import {
  applyRule,
  KnownCommands,
  newUser,
  RULES_MAX,
  type RuleContext,
  ruleProblems,
  Users,
} from "./index.ts";

const known = new KnownCommands(new CommandTable(dataCommands));
const context: RuleContext = {
  known,
  digestOf: (password) => password.length.toString(16).padStart(64, "0"),
  wordsOf: (text) => text.split(" "),
  allowsAllChannels: false,
};

describe("users", () => {
  const digest = (password: string) => context.digestOf(password);

  test("at first the default user may do everything, unasked", () => {
    const users = new Users(known);
    expect(users.opensFreely).toBe(true);
    expect(users.defaultUser.isUnrestricted).toBe(true);
    expect(users.defaultUser.line()).toBe("user default on nopass sanitize-payload ~* &* +@all");
  });

  test("log in by name and password, when they are on", () => {
    const users = new Users(known);
    const { defaultUser } = users;
    users.setDefaultPassword(digest("secret"));
    expect(users.opensFreely).toBe(false);
    expect(users.authenticate("default", digest("secret"))).toBe(defaultUser);
    expect(users.authenticate("default", digest("wrong"))).toBe(null);
    expect(users.authenticate("bob", digest("secret"))).toBe(null);
    applyRule(defaultUser, "off", context);
    expect(users.authenticate("default", digest("secret"))).toBe(null);
    users.reset();
    expect(users.authenticate("default", digest("any"))).toBe(defaultUser);
  });

  const userOf = (name: string, ...rules: string[]) => {
    const user = newUser(name, context);
    for (const rule of rules) expect(applyRule(user, rule, context)).toBe(undefined);
    return user;
  };

  test("who is put again stays the same object, and who is removed is counted no more", () => {
    const users = new Users(known);
    const emptyBytes = users.keptBytes;
    const alice = users.put(userOf("alice", "~a"));
    const smallBytes = users.keptBytes;
    expect(users.put(userOf("alice", "on", ">pw", "~a", "~b", "(~c)"))).toBe(alice);
    expect(alice.enabled).toBe(true);
    expect(users.authenticate("alice", digest("pw"))).toBe(alice);
    expect(users.keptBytes).toBeGreaterThan(smallBytes);
    expect(users.remove("alice")).toBe(alice);
    expect(users.remove("alice")).toBe(undefined);
    expect(users.remove("default")).toBe(undefined);
    expect(users.keptBytes).toBe(emptyBytes);
  });

  test("that take the place of all others are others, even by the same name", () => {
    const users = new Users(known);
    const { defaultUser } = users;
    const old = users.put(userOf("alice", "on"));
    users.put(userOf("bob", "on"));
    users.replaceAll([userOf("alice", "on", "~x"), userOf("default", "off")]);
    expect(users.inOrder().map(({ name }) => name)).toEqual(["alice", "default"]);
    expect(users.byName.get("alice")).not.toBe(old);
    expect(users.defaultUser).toBe(defaultUser);
    expect(defaultUser.enabled).toBe(false);
    users.replaceAll([]);
    expect(defaultUser.line()).toBe("user default on nopass sanitize-payload ~* &* +@all");
  });

  test.each(["__proto__", "constructor", "toString", "\xff", ""])("may be called %j", (name) => {
    const users = new Users(known);
    expect(users.authenticate(name, digest("x"))).toBe(null);
    const user = users.put(userOf(name, "on", "nopass"));
    expect(users.authenticate(name, digest("x"))).toBe(user);
    expect(users.remove(name)).toBe(user);
  });
});

describe("a user has a bounded number of rules", () => {
  test.each([
    ["patterns of keys", (at: number) => `~${at}`],
    ["patterns of channels", (at: number) => `&${at}`],
    ["first arguments", (at: number) => `+flushall|${at}`],
    ["passwords", (at: number) => `#${at.toString(16).padStart(64, "0")}`],
    ["selectors", (at: number) => `(~${at} ~x)`],
  ])("%s", (_, ruleAt) => {
    const user = newUser("alice", context);
    let problem: string | undefined;
    let count = 0;
    for (; problem === undefined && count <= RULES_MAX; count++)
      problem = applyRule(user, ruleAt(count), context);
    expect(problem).toBe(ruleProblems.tooMany);
    expect(user.size).toBeLessThanOrEqual(RULES_MAX);
    expect(user.size).toBeGreaterThan(RULES_MAX - 16);
    // What takes rules away is possible still.
    for (const rule of ["resetkeys", "resetchannels", "resetpass", "clearselectors", "-@all"])
      expect(applyRule(user, rule, context)).toBe(undefined);
    expect(user.size).toBe(0);
  });

  test("one selector of too many is refused whole", () => {
    const user = newUser("alice", context);
    const rules = Array.from({ length: RULES_MAX }, (_, at) => `~${at}`);
    expect(applyRule(user, `(${rules.join(" ")})`, context)).toBe(ruleProblems.tooMany);
    expect(user.size).toBe(0);
  });
});
