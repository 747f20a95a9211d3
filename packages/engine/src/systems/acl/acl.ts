/** ACL: users and what they may do. Their rules are those of @kv/acl. */

import {
  type AclRequest,
  applyRule,
  breaksWords,
  joinSelectors,
  NAME_BYTES_MAX,
  newUser,
  ruleProblems,
  type Selector,
  type User,
} from "@kv/acl";
import {
  ACL_CATEGORIES,
  arg,
  CommandError,
  fail,
  helpCommand,
  quoted,
  subcommandError,
} from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import type { Ports } from "../../module/ports.ts";
import { accessPort } from "./access.ts";
import { aclLog } from "./acl-log-command.ts";

const badName = new CommandError("ERR Usernames can't contain spaces or null characters");
const tooLongName = new CommandError(`ERR ${ruleProblems.longName}`);
const notRemovable = new CommandError("ERR The 'default' user cannot be removed");
const noFile = new CommandError(
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users " +
    "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis " +
    "configuration file set) in order to store users in the Redis configuration.",
);
const notSaved = new CommandError(
  "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
);
const badBits = new CommandError(
  "ERR ACL GENPASS argument must be the number of bits for the output password, a positive " +
    "number up to 4096",
);
/** All rules of a user, as ACL LIST shows them, are no longer: each request is held against them. */
const RULES_BYTES_MAX = 2 ** 20;
const tooManyRules = new CommandError(
  `ERR The rules of a user cannot be longer than ${RULES_BYTES_MAX} bytes in all`,
);
const GENPASS_BITS = 256;
const GENPASS_BITS_MAX = 4096;

const open = { group: "server", since: "6.0.0", flags: ["noscript", "loading", "stale"] } as const;
const admin = { ...open, flags: ["admin", ...open.flags] } as const;

const whoami = engineCommand({
  ...open,
  name: "whoami",
  summary: "Tells the user of this connection.",
  complexity: "O(1)",
  arity: 2,
  run({ client, reply }) {
    reply.bulkLatin1(client.user.name);
  },
});

const cat = engineCommand({
  ...open,
  name: "cat",
  summary: "Lists the categories, or the commands of one.",
  complexity: "O(N) with N commands.",
  arity: -2,
  args: [arg.optional(arg.string("category"))],
  run(call) {
    const { engine, reply } = call;
    if (call.argc > 3) throw subcommandError(call);
    let names: readonly string[] = ACL_CATEGORIES;
    if (call.argc > 2) {
      const word = call.word(2);
      const category = ACL_CATEGORIES.find((each) => each === word.toLowerCase());
      if (category === undefined) fail(`ERR Unknown category '${quoted(word)}'`);
      names = engine.commands.listed
        .filter(({ command }) => command.categories.includes(category))
        .map(({ fullName }) => fullName);
    }
    reply.array(names.length);
    for (const name of names) reply.bulkLatin1(name);
  },
});

const users = engineCommand({
  ...admin,
  name: "users",
  summary: "Lists the names of all users.",
  complexity: "O(N) with N users.",
  arity: 2,
  run({ engine, reply }) {
    const all = engine.users.inOrder();
    reply.array(all.length);
    for (const { name } of all) reply.bulkLatin1(name);
  },
});

const list = engineCommand({
  ...admin,
  name: "list",
  summary: "Lists all users with their rules.",
  complexity: "O(N) with N users.",
  arity: 2,
  run({ engine, reply }) {
    const all = engine.users.inOrder();
    reply.array(all.length);
    for (const user of all) reply.bulkLatin1(user.line());
  },
});

const getuser = engineCommand({
  ...admin,
  name: "getuser",
  summary: "Shows the rules of a user.",
  complexity: "O(N) with N rules.",
  arity: 3,
  args: [arg.string("username")],
  history: [
    ["6.2.0", "Shows channel patterns."],
    ["7.0.0", "Shows selectors; keys and channels are shown as rules."],
  ],
  run(call) {
    const { engine, reply } = call;
    const user = engine.users.byName.get(call.word(2));
    if (user === undefined) return reply.null();
    const flags = user.flags();
    reply.map(6);
    reply.bulkLatin1("flags");
    reply.set(flags.length);
    for (const flag of flags) reply.bulkLatin1(flag);
    reply.bulkLatin1("passwords");
    reply.array(user.passwords.size);
    for (const digest of user.passwords) reply.bulkLatin1(digest);
    replySelector(call, user.root);
    reply.bulkLatin1("selectors");
    reply.array(user.selectors.length);
    for (const selector of user.selectors) {
      reply.map(3);
      replySelector(call, selector);
    }
  },
});

function replySelector({ reply }: EngineCall, { commands, keys, channels }: Selector): void {
  for (const [name, rules] of Object.entries({ commands, keys, channels })) {
    reply.bulkLatin1(name);
    reply.bulkLatin1(rules.words().join(" "));
  }
}

const setuser = engineCommand({
  ...admin,
  name: "setuser",
  summary: "Makes a user, or changes the rules of one.",
  complexity: "O(N) with N rules.",
  arity: -3,
  args: [arg.string("username"), arg.optional(arg.many(arg.string("rule")))],
  history: [
    ["6.2.0", "Added channel patterns."],
    ["7.0.0", "Added selectors and permissions by key."],
  ],
  run(call) {
    const { engine, reply } = call;
    if (call.length(2) > NAME_BYTES_MAX) throw tooLongName;
    const name = call.word(2);
    if (breaksWords(name)) throw badName;
    const { rules, unmatched } = joinSelectors(ruleWords(call));
    if (unmatched !== undefined)
      fail(`ERR Unmatched parenthesis in acl selector starting at '${quoted(unmatched)}'.`);
    // Tried on another user first, so that all rules hold or none.
    const access = engine.of(accessPort);
    const draft = newUser(name, access);
    const user = engine.users.byName.get(name);
    if (user !== undefined) draft.become(user);
    for (const rule of rules) {
      const problem = applyRule(draft, rule, access);
      if (problem !== undefined)
        fail(`ERR Error in ACL SETUSER modifier '${quoted(rule)}': ${problem}`);
    }
    if (draft.line().length > RULES_BYTES_MAX) throw tooManyRules;
    access.put(draft);
    reply.ok();
  },
});

/** The words of the rules. They are kept, as objects: so a request may not bring any number. */
function ruleWords(call: EngineCall): string[] {
  const words: string[] = [];
  let bytes = 0;
  for (let index = 3; index < call.argc; index++) {
    bytes += call.length(index) + 1;
    if (bytes > RULES_BYTES_MAX) throw tooManyRules;
    words.push(call.text(index));
  }
  return words;
}

const deluser = engineCommand({
  ...admin,
  name: "deluser",
  summary: "Removes users, and closes the connections of who acts as one of them.",
  complexity: "O(N) with N users named, and the number of connections.",
  arity: -3,
  args: [arg.many(arg.string("username"))],
  run(call) {
    const names: string[] = [];
    for (let index = 2; index < call.argc; index++) names.push(call.word(index));
    if (names.includes("default")) throw notRemovable;
    call.reply.integer(call.engine.of(accessPort).remove(names));
  },
});

const genpass = engineCommand({
  ...open,
  name: "genpass",
  summary: "Makes a password from strong randomness.",
  complexity: "O(1)",
  arity: -2,
  args: [arg.optional(arg.integer("bits"))],
  run(call) {
    const { engine, reply } = call;
    if (call.argc > 3) throw subcommandError(call);
    const bits = call.argc > 2 ? call.integer(2) : GENPASS_BITS;
    if (bits <= 0 || bits > GENPASS_BITS_MAX) throw badBits;
    const digits = Math.ceil(bits / 4);
    reply.bulkLatin1(engine.host.randomHex(Math.ceil(digits / 2)).slice(0, digits));
  },
});

const dryrun = engineCommand({
  ...admin,
  name: "dryrun",
  since: "7.0.0",
  summary: "Tells whether a user may run a command, without running it.",
  complexity: "O(1)",
  arity: -4,
  args: [arg.string("username"), arg.string("command"), arg.optional(arg.many(arg.string("arg")))],
  run(call) {
    const { engine, reply } = call;
    const user = userNamed(engine, call.word(2));
    const row = commandAt(call, 3);
    if (!row.accepts(call.argc - 3))
      fail(`ERR wrong number of arguments for '${row.fullName}' command`);
    const request: AclRequest = {
      argc: call.argc - 3,
      bytes: call.bytes,
      length: (index) => call.length(index + 3),
      is: (index, word) => call.is(index + 3, word),
      text: (index) => call.text(index + 3),
      start: (index) => call.start(index + 3),
      end: (index) => call.end(index + 3),
    };
    const reason = engine.of(accessPort).explain(user, row, request);
    if (reason === null) reply.ok();
    else reply.bulkLatin1(reason);
  },
});

function userNamed({ users }: Ports, name: string): User {
  return users.byName.get(name) ?? fail(`ERR User '${quoted(name)}' not found`);
}

/** The command whose name begins at an argument, or fails as Redis does. */
function commandAt(call: EngineCall, index: number) {
  const name = call.word(index);
  let row = call.engine.commands.byName.get(name.toLowerCase());
  if (row?.subcommands != null && index + 1 < call.argc)
    row = row.subcommands.get(call.word(index + 1).toLowerCase());
  return row ?? fail(`ERR Command '${quoted(name)}' not found`);
}

const load = engineCommand({
  ...admin,
  name: "load",
  summary: "Reads the users from the ACL file: all that it says, or nothing.",
  complexity: "O(N) with N rules.",
  arity: 2,
  run({ engine, reply }) {
    if (engine.config.text("aclfile") === "") throw noFile;
    const problems = engine.of(accessPort).sources.loadFile();
    if (problems !== undefined) fail(`ERR ${problems}`);
    reply.ok();
  },
});

const save = engineCommand({
  ...admin,
  name: "save",
  summary: "Writes the users into the ACL file.",
  complexity: "O(N) with N rules.",
  arity: 2,
  run({ engine, reply }) {
    if (engine.config.text("aclfile") === "") throw noFile;
    const problem = engine.of(accessPort).sources.saveFile();
    if (problem !== undefined) {
      engine.host.log("warning", `Writing the ACL file failed: ${problem}`);
      throw notSaved;
    }
    reply.ok();
  },
});

const log = engineCommand({
  ...admin,
  name: "log",
  summary: "Shows who was refused lately, or forgets it.",
  complexity: "O(N) with N entries shown.",
  arity: -2,
  args: [arg.optional(arg.oneOf("operation", arg.integer("count"), arg.token("reset", "RESET")))],
  history: [["7.2.0", "Entries have a number and the times of their first and last refusal."]],
  run: aclLog,
});

const subcommands = [
  cat,
  deluser,
  dryrun,
  genpass,
  getuser,
  list,
  load,
  log,
  save,
  setuser,
  users,
  whoami,
];

export const acl = engineCommand({
  name: "acl",
  group: "server",
  since: "6.0.0",
  summary: "Groups the commands for users and what they may do.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("acl", { group: "server", since: "6.0.0" })],
});
