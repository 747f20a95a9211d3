import { CommandTable, dataCommands } from "@kv/commands";
import { describe, expect, test } from "vitest";
import {
  applyRule,
  KnownCommands,
  parseAclFile,
  printAclFile,
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

const parsed = (text: string) => parseAclFile("users.acl", text, context);

const unchanged =
  "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

describe("an ACL file", () => {
  test.each(["", "\n\n", " \t\r\n"])("%j says nothing of the default user", (text) => {
    expect(parsed(text)).toEqual({ defaultUser: null });
  });

  test("is read as it was written", () => {
    const users = new Users(known);
    for (const rule of ["resetkeys", "~a", "-@write", "(+set ~b)", ">pw"])
      expect(applyRule(users.defaultUser, rule, context)).toBe(undefined);
    const text = printAclFile(users.byName.values());
    const found = parsed(text);
    if (!("defaultUser" in found) || found.defaultUser === null) throw new Error("it is good");
    expect(printAclFile([found.defaultUser])).toBe(text);
  });

  test.each([
    ["default on", "users.acl:1 should start with user keyword followed by the username. "],
    ["user", "users.acl:1 should start with user keyword followed by the username. "],
    ["\nuser default on\nuser default off", "WARNING: Duplicate user 'default' found on line 3. "],
    ["user default (+get ~a", "users.acl:1: Unmatched parenthesis in selector definition. "],
    [
      "user default +nope +none",
      `users.acl:1: Error in applying operation '+nope': ${ruleProblems.unknown}. ` +
        `users.acl:1: Error in applying operation '+none': ${ruleProblems.unknown}. `,
    ],
    ["user default xyz %~a", `users.acl:1: ${ruleProblems.syntax}. `],
    ["user default ~* ~a", `users.acl:1: ${ruleProblems.allKeys}. `],
    [
      "user default on\nuser bob on",
      "users.acl:2: users other than 'default' are not supported by this server yet. ",
    ],
  ])("%j is refused as a whole", (text, problems) => {
    expect(parsed(text)).toEqual({ problems: problems + unchanged });
  });
});

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
    users.setDefaultPassword("secret", digest("secret"));
    expect(users.opensFreely).toBe(false);
    expect(users.authenticate("default", digest("secret"))).toBe(defaultUser);
    expect(users.authenticate("default", digest("wrong"))).toBe(null);
    expect(users.authenticate("bob", digest("secret"))).toBe(null);
    applyRule(defaultUser, "off", context);
    expect(users.authenticate("default", digest("secret"))).toBe(null);
    users.reset();
    expect(users.authenticate("default", digest("any"))).toBe(defaultUser);
  });
});
