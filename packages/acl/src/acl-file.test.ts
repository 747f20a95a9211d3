import { CommandTable, dataCommands } from "@kv/commands";
import { describe, expect, test } from "vitest";
import {
  applyRule,
  KnownCommands,
  newUser,
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
  test.each(["", "\n\n", " \t\r\n"])("%j has no users", (text) => {
    expect(parsed(text)).toEqual({ users: [] });
  });

  test("is read as it was written", () => {
    const users = new Users(known);
    const alice = newUser("alice", context);
    for (const rule of ["on", "~a", "+@read", "-get", "(+set ~b)", ">pw"])
      expect(applyRule(alice, rule, context)).toBe(undefined);
    users.put(alice);
    users.put(newUser("Zoe", context));
    const text = printAclFile(users.inOrder());
    expect(text.split("\n").map((line) => line.split(" ")[1])).toEqual(
      ["Zoe", "alice", "default", undefined], // In the order of bytes.
    );
    const found = parsed(text);
    if (!("users" in found)) throw new Error("it is good");
    expect(printAclFile(found.users)).toBe(text);
  });

  test.each([
    ["default on", "users.acl:1 should start with user keyword followed by the username. "],
    ["user", "users.acl:1 should start with user keyword followed by the username. "],
    ["\nuser default on\nuser default off", "WARNING: Duplicate user 'default' found on line 3. "],
    ["user default (+get ~a", "users.acl:1: Unmatched parenthesis in selector definition."],
    [
      "user default +nope +none",
      `users.acl:1: Error in applying operation '+nope': ${ruleProblems.unknown}. ` +
        `users.acl:1: Error in applying operation '+none': ${ruleProblems.unknown}. `,
    ],
    ["user default xyz %~a", `users.acl:1: ${ruleProblems.syntax}. `],
    ["user default ~* ~a", `users.acl:1: ${ruleProblems.allKeys}. `],
    ["user bob\ton", "'users.acl:1: username 'bob\ton' contains invalid characters. "],
    ["user bob on\n\nuser bob off", "WARNING: Duplicate user 'bob' found on line 3. "],
  ])("%j is refused as a whole", (text, problems) => {
    expect(parsed(text)).toEqual({ problems: problems + unchanged });
  });
});
