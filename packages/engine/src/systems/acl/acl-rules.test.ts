import {
  type AclRequest,
  applyRule,
  joinSelectors,
  KnownCommands,
  newUser,
  type RuleContext,
  ruleProblems,
  type User,
} from "@kv/acl";
import { CommandTable } from "@kv/commands";
import { splitArgs } from "@kv/config";
import { Chance } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { commandList } from "../../module/command-list.ts";
import { ownSystems } from "../index.ts";

const table = new CommandTable(commandList(ownSystems));
const context: RuleContext = {
  known: new KnownCommands(table),
  digestOf: (password) => password.length.toString(16).padStart(64, "0"),
  wordsOf: splitArgs,
  allowsAllChannels: false,
};

function userOf(rules: readonly string[], name = "default"): User {
  const user = newUser(name, context);
  for (const rule of rules) expect(applyRule(user, rule, context), rule).toBe(undefined);
  return user;
}

/** The rules of a user that these rules make, without the flags. */
const shown = (...rules: string[]) =>
  userOf(rules).line().replace("user default off sanitize-payload ", "");

function requestOf(...words: string[]): AclRequest {
  const bytes = Uint8Array.from(words.join(""), (character) => character.charCodeAt(0));
  const starts = words.map((_, index) => words.slice(0, index).join("").length);
  return {
    argc: words.length,
    length: (index) => words[index]?.length ?? 0,
    is: (index, word) => words[index]?.toUpperCase() === word,
    text: (index) => words[index] ?? "",
    bytes,
    start: (index) => starts[index] ?? 0,
    end: (index) => (starts[index] ?? 0) + (words[index]?.length ?? 0),
  };
}

describe("rules of commands", () => {
  test.each([
    [[], "-@all"],
    [["+@all"], "+@all"],
    [["+get", "+set"], "-@all +get +set"],
    [["+get", "-get"], "-@all -get"],
    [["-get", "+get", "+@all"], "+@all"],
    [["+@all", "-@hash", "+hget", "-@HASH"], "+@all +hget -@hash"],
    [["+config|get", "+config|set", "-config"], "-@all -config"],
    [["+config", "-config|set"], "-@all +config -config|set"],
    [["+select|0", "+select|1", "-select", "+SELECT|2"], "-@all -select +select|2"],
  ])("%j are kept as %s", (rules, expected) => {
    expect(shown(...rules)).toBe(`resetchannels ${expected}`);
  });

  test("a first argument allows what is not allowed as such", () => {
    const user = userOf(["+select|1", "allkeys"]);
    const select = table.byName.get("select");
    if (select === undefined) throw new Error("SELECT is a command");
    expect(user.denial(select, requestOf("select", "1"))).toBe(null);
    expect(user.denial(select, requestOf("SELECT", "2"))).toMatchObject({ reason: "command" });
    expect(user.denial(select, requestOf("select"))).toMatchObject({ reason: "command" });
    expect(applyRule(user, "-select", context)).toBe(undefined);
    expect(user.denial(select, requestOf("select", "1"))).toMatchObject({ reason: "command" });
  });
});

test.each([
  ["+nope", ruleProblems.unknown],
  ["-select|1", ruleProblems.unknown],
  ["+config|get|x", ruleProblems.firstWordOfSubcommand],
  ["+config|", ruleProblems.syntax],
  ["+select|a b", ruleProblems.syntax],
  ["%~x", ruleProblems.syntax],
  ["~a\0b", ruleProblems.syntax],
  ["(on)", ruleProblems.syntax],
  ["!abc", ruleProblems.badDigest],
  ["<abc", ruleProblems.noPassword],
])("%j is refused, and changes nothing", (rule, problem) => {
  const user = userOf(["on", "+get", "~x"]);
  const before = user.line();
  expect(applyRule(user, rule, context)).toBe(problem);
  expect(user.line()).toBe(before);
});

test("blanks within parentheses belong to one rule", () => {
  expect(joinSelectors(["on", "(+get", "~x", "&y)", "()", "off"])).toEqual({
    rules: ["on", "(+get ~x &y)", "()", "off"],
  });
  expect(joinSelectors(["on", "(+get", "~x"])).toEqual({ rules: ["on"], unmatched: "(+get" });
});

describe("a user that is shown and read again", () => {
  const pieces = [
    ...["+@all", "-@all", "+@read", "-@write", "+@hash", "-@slow", "+get", "-get", "+set"],
    ...["+config", "-config", "+config|get", "-config|set", "+select|1", "-select", "+acl|list"],
    ...["~a*", "%R~b", "%W~b", "%RW~c", "%R", "allkeys", "resetkeys", "&x", "&y*", "allchannels"],
    ...["resetchannels", "(+get ~q)", "(-@all +@string %R~z resetchannels &w)", "()", "on", "off"],
    ...["clearselectors", "nopass", "resetpass", ">pw", ">other", "skip-sanitize-payload", "reset"],
  ];

  test.each([1, 2, 3, 4, 5])("is the same user (seed %i)", (seed) => {
    const random = new Chance(seed);
    for (let round = 0; round < 60; round++) {
      const user = newUser("default", context);
      const given = Array.from({ length: 1 + random.below(12) }, () => random.of(pieces));
      for (const rule of given) applyRule(user, rule, context);
      const again = userOf(joinSelectors(user.line().split(" ").slice(2)).rules);
      expect(again.line(), given.join(" ")).toBe(user.line());
      for (const row of table.all) {
        const request = requestOf(...row.fullName.split("|"), ..."abqz".split(""));
        expect(again.denial(row, request), given.join(" ")).toEqual(user.denial(row, request));
      }
    }
  });
});
