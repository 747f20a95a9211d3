import { ACL_CATEGORIES, arg, CommandTable, command, dataCommands } from "@kv/commands";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AclRequest,
  applyRule,
  type Denial,
  KeyAccess,
  KnownCommands,
  newUser,
  type RuleContext,
  type User,
} from "./index.ts";

/** Commands with channels, of which those on data have none. */
const channelCommands = [false, true].map((arePatterns) =>
  command({
    name: arePatterns ? "psubscribe" : "publish",
    group: "pubsub",
    since: "2.0.0",
    summary: "Stands for a command with channels.",
    complexity: "O(1)",
    arity: 2,
    flags: ["pubsub"],
    channels: { first: 1, last: 1, arePatterns },
    args: [arg.string("channel")],
    run: () => {},
  }),
);
const table = new CommandTable([...dataCommands, ...channelCommands]);
const context: RuleContext = {
  known: new KnownCommands(table),
  digestOf: (password) => password.length.toString(16).padStart(64, "0"),
  wordsOf: (text) => text.split(" ").filter((word) => word !== ""),
  allowsAllChannels: false,
};

function userOf(rules: readonly string[], within = context): User {
  const user = newUser("alice", within);
  for (const rule of rules) expect(applyRule(user, rule, within), rule).toBe(undefined);
  return user;
}

/** Words behind one another in a buffer, a character each byte. */
function requestOf(words: readonly string[]): AclRequest {
  const bytes = Uint8Array.from(words.join(""), (character) => character.charCodeAt(0));
  const start = (index: number) => words.slice(0, index).join("").length;
  return {
    argc: words.length,
    length: (index) => words[index]?.length ?? 0,
    is: (index, word) => words[index]?.toUpperCase() === word,
    text: (index) => words[index] ?? "",
    bytes,
    start,
    end: (index) => start(index + 1),
  };
}

/** `config get x` is judged as `config|get`. */
function denialOf(user: User, line: string): Denial | null {
  const words = line.split(" ");
  const container = table.byName.get(words[0] ?? "");
  const row = container?.subcommands?.get(words[1] ?? "") ?? container;
  if (row === undefined) throw new Error(`no command: ${line}`);
  return user.denial(row, requestOf(words));
}

describe("a user may do nothing until a rule says so", () => {
  const command: Denial = { reason: "command", argument: 0 };
  const key = (argument: number): Denial => ({ reason: "key", argument });
  const channel: Denial = { reason: "channel", argument: 1 };

  test.each<[string, string, Denial | null]>([
    ["", "get a", command],
    ["+get", "get a", key(1)],
    ["+get ~a", "get a", null],
    ["+get ~a", "get b", key(1)],
    ["+@all -get ~*", "get a", command],
    ["+@read ~*", "get a", null],
    ["+@read ~*", "set a 1", command],
    ["+@all -@write ~*", "del a", command],
    ["+object|encoding ~*", "object encoding a", null],
    ["+object|encoding ~*", "object freq a", command],
    ["+object -object|freq ~*", "object freq a", command],
    ["+flushall|async", "flushall async", null],
    ["+flushall|async", "flushall ASYNC", null],
    ["+flushall|async", "flushall sync", command],
    ["+flushall|async", "flushall", command],
    ["+flushall|async -flushall", "flushall async", command],
    ["+flushall|async -@write", "flushall async", command],
    ["+mset ~a*", "mset a1 1 a2 2", null],
    ["+mset ~a*", "mset a1 1 b 2 c 3", key(3)],
    ["+@all %R~a %W~b", "copy a b", null],
    ["+@all %R~a %W~b", "copy b a", key(1)],
    ["+@all %R~a %W~a", "getdel a", null],
    ["+@all %W~a", "getdel a", key(1)],
    ["+@all %W~a", "exists a", null],
    ["+@all &news*", "publish news:1", null],
    ["+@all &news*", "publish olds", channel],
    ["+@all &news*", "psubscribe news*", null],
    ["+@all &news*", "psubscribe news:*", channel],
    ["+@all allchannels", "psubscribe *", null],
    ["+@all allchannels resetchannels", "publish x", channel],
  ])("%j: %s", (rules, line, expected) => {
    expect(denialOf(userOf(rules.split(" ")), line)).toEqual(expected);
  });

  test("one selector alone has to allow all of a request", () => {
    const user = userOf(["+get", "~a", "(+set ~b)", "(+@read ~c +copy)"]);
    expect(denialOf(user, "get a")).toBe(null);
    expect(denialOf(user, "set b 1")).toBe(null);
    expect(denialOf(user, "set a 1")).toEqual(key(1));
    expect(denialOf(user, "copy c a")).toEqual(key(2));
    expect(denialOf(user, "incr b")).toEqual(command);
  });

  test("of several denials the one that came furthest is told", () => {
    const user = userOf(["(+mset ~a)", "(+mset ~a ~b)"]);
    expect(denialOf(user, "mset a 1 b 2 c 3")).toEqual(key(5));
  });

  test("what names no keys asks for all of them", () => {
    const sort = table.byName.get("sort");
    if (sort === undefined) throw new Error("SORT is a command");
    const mayReadAll = (...rules: string[]) =>
      userOf(rules).mayUseAnyKey(sort, requestOf(["sort", "a"]), KeyAccess.READ);
    expect(mayReadAll("+sort", "~a")).toBe(false);
    expect(mayReadAll("+sort", "allkeys")).toBe(true);
    expect(mayReadAll("+sort", "~a", "(+get allkeys)")).toBe(false);
    expect(mayReadAll("(+sort %RW~*)")).toBe(true);
  });
});

test("of its rules a user shows those that still say something", () => {
  const shown = (...rules: string[]) => userOf(rules).root.commands.words().join(" ");
  expect(shown("+get", "-@all", "+set")).toBe("-@all +set");
  expect(shown("+object|freq", "+get", "-object")).toBe("-@all +get -object");
  expect(shown("+get", "-@read", "+GET", "+@READ")).toBe("-@all +get +@read");
  expect(shown("-flushall", "+FLUSHALL|ASYNC", "+flushall|async")).toBe(
    "-@all -flushall +flushall|async",
  );
});

test("a user that has become another one keeps its name, and nothing in common", () => {
  const user = userOf(["on", "~old", ">pw"]);
  const model = userOf(["+get", "~a", "(+set ~b)"]);
  user.become(model);
  expect(user.rules()).toEqual(model.rules());
  applyRule(model, "+@all", context);
  applyRule(model, "allkeys", context);
  applyRule(model, "(allkeys)", context);
  expect(user.line()).toBe(
    "user alice off sanitize-payload ~a resetchannels -@all +get (~b resetchannels -@all +set)",
  );
});

describe("rules() of a user", () => {
  const some = <Value>(values: readonly Value[]) => fc.constantFrom(...values);
  const sign = some(["+", "-"]);
  /** No blanks, which part rules, and no zero byte, which ends them. */
  const pattern = fc.string({ unit: some([..."ab*?[]^-\\%~&|+(\xe9"]), maxLength: 4 });
  /** Few of them often, so that rules about the same one meet. */
  const name = fc.oneof(
    some(["get", "flushall", "object", "object|freq"]),
    some(table.all.map(({ fullName }) => fullName)),
  );
  const firstWord = fc.oneof(some(["a", "ASYNC"]), pattern);
  const commandRule = fc.oneof(
    fc.tuple(sign, name).map((words) => words.join("")),
    fc.tuple(sign, some(ACL_CATEGORIES)).map(([first, category]) => `${first}@${category}`),
    fc.tuple(some(["get", "SET", "flushall"]), firstWord).map((words) => `+${words.join("|")}`),
    some(["+@all", "-@all", "allcommands", "nocommands"]),
  );
  const keyRule = fc.oneof(
    fc
      .tuple(some(["~", "%R~", "%w~", "%RW~"]), pattern)
      .map((parts) => parts.join(""))
      // As in Redis it is shown as `~*`, which lets no pattern follow, though itself it does.
      .filter((rule) => !/^%.*~\*$/.test(rule)),
    some(["allkeys", "resetkeys", "%R"]),
  );
  const channelRule = fc.oneof(
    pattern.map((text) => `&${text}`),
    some(["allchannels", "resetchannels"]),
  );
  const selectorRule = fc.oneof(commandRule, keyRule, channelRule);
  const userRule = fc.oneof(
    some(["on", "off", "nopass", "resetpass", "reset", "clearselectors"]),
    some(["sanitize-payload", "skip-sanitize-payload", `#${"0f".repeat(32)}`]),
    fc.tuple(some([">", "<"]), pattern).map((parts) => parts.join("")),
  );
  const rule = fc.oneof(
    { weight: 6, arbitrary: selectorRule },
    { weight: 2, arbitrary: userRule },
    { weight: 1, arbitrary: fc.array(selectorRule).map((rules) => `(${rules.join(" ")})`) },
  );
  const lines = table.all.flatMap(({ fullName }) => {
    const name = fullName.replace("|", " ");
    return [`${name} a b`, `${name} ab aa`, `${name} async`, name];
  });

  test("rebuild an equal user, whatever rules made it", () => {
    let refusedCount = 0;
    let appliedCount = 0;
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), fc.boolean(), (given, allowsAllChannels) => {
        const within = { ...context, allowsAllChannels };
        const user = newUser("alice", within);
        for (const each of given) {
          const before = user.line();
          if (applyRule(user, each, within) === undefined) appliedCount++;
          else {
            refusedCount++;
            expect(user.line(), `${each} is refused, and changes nothing`).toBe(before);
          }
        }
        const again = userOf(user.rules(), within);
        expect(again.rules()).toEqual(user.rules());
        expect([...again.passwords]).toEqual([...user.passwords]);
        for (const line of lines) expect(denialOf(again, line), line).toEqual(denialOf(user, line));
      }),
      { numRuns: 150 },
    );
    expect(appliedCount).toBeGreaterThan(refusedCount);
  });
});
