/**
 * Rules: the language in which users are described, one word a rule, each applied to what the rules
 * before it have made.
 *
 *     on off                       may log in, or not
 *     >password <password #digest !digest nopass resetpass
 *     +get -get +config|get +@read -@write allcommands nocommands
 *     ~pattern %R~pattern %W~pattern allkeys resetkeys
 *     &pattern allchannels resetchannels
 *     (rules of commands, keys and channels)     another selector;   clearselectors
 *     sanitize-payload skip-sanitize-payload
 *     reset                        all as at the beginning
 */
import type { KnownCommands } from "./known-commands.ts";
import { KeyAccess } from "./patterns.ts";
import { Selector } from "./selector.ts";
import { SELECTOR_SIZE, User } from "./user.ts";

/** What rules need to know of the server. */
export interface RuleContext {
  /** The commands and categories that rules can name. */
  readonly known: KnownCommands;
  /** SHA-256 of a password, one character a byte, as lower-case hex. */
  digestOf(password: string): string;
  /** A text's words as a configuration file parts them; undefined when its quotes do not pair. */
  wordsOf(text: string): readonly string[] | undefined;
  /** `acl-pubsub-default`: a new user, and a new selector, may use all channels. */
  readonly allowsAllChannels: boolean;
  /** Told of rules that will not always be understood, in Redis's words. */
  warn?(text: string): void;
}

/** No user has a longer name: CLIENT LIST shows that of each client. */
export const NAME_BYTES_MAX = 1000;

/** A user has no more rules, patterns and passwords: each request is held against all of them. */
export const RULES_MAX = 65_536;

/** Why a rule cannot be applied, in Redis's words. */
export const ruleProblems = {
  /** No command, subcommand or category has this name. */
  unknown: "Unknown command or category name in ACL",
  /** No rule looks like this. */
  syntax: "Syntax error",
  /** A key pattern although all keys are allowed. */
  allKeys:
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
  /** A channel pattern although all channels are allowed. */
  allChannels:
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels",
  /** `<password` or `!digest` of none that the user has. */
  noPassword: "The password you are trying to remove from the user does not exist",
  /** `#digest` or `!digest` that is no SHA-256. */
  badDigest:
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
  /** `+config|get|x`. */
  firstWordOfSubcommand: "Allowing first-arg of a subcommand is not supported",
  /** Longer than NAME_BYTES_MAX. Redis knows no such bound. */
  longName: `Usernames cannot be longer than ${NAME_BYTES_MAX} bytes`,
  /** More than RULES_MAX. Redis knows no such bound. */
  tooMany: `A user cannot have more than ${RULES_MAX} rules`,
} as const;

/** A user as it is before any rule, and after `reset`. */
export function newUser(name: string, context: RuleContext): User {
  const user = new User(name, context.known);
  if (context.allowsAllChannels) user.root.channels.allowAll();
  return user;
}

/**
 * The rules that words make: what stands in parentheses is one, whatever blanks it holds. When a
 * parenthesis is not closed, `unmatched` is the word that opens it.
 */
export function joinSelectors(words: readonly string[]): { rules: string[]; unmatched?: string } {
  const rules: string[] = [];
  let open: string[] = [];
  for (const word of words) {
    if (open.length === 0 && !word.startsWith("(")) {
      rules.push(word);
      continue;
    }
    open.push(word);
    if (!word.endsWith(")")) continue;
    rules.push(open.join(" "));
    open = [];
  }
  const [unmatched] = open;
  return unmatched === undefined ? { rules } : { rules, unmatched };
}

/**
 * Applies one rule, one character a byte: what ACL SETUSER does with each of its words. Undefined,
 * or one of `ruleProblems`: then nothing has changed.
 */
export function applyRule(user: User, rule: string, context: RuleContext): string | undefined {
  const action = userRules.get(rule.toLowerCase());
  if (action !== undefined) {
    action(user, context);
    return undefined;
  }
  if (addsOne(rule) && user.size >= RULES_MAX) return ruleProblems.tooMany;
  const rest = rule.slice(1);
  switch (rule.charAt(0)) {
    case "":
      return undefined;
    case ">":
    case "<":
      return changePassword(user, rule.startsWith(">"), context.digestOf(rest));
    case "#":
    case "!":
      if (!/^[0-9a-f]{64}$/.test(rest)) return ruleProblems.badDigest;
      return changePassword(user, rule.startsWith("#"), rest);
    default:
      if (rule.startsWith("(") && rule.endsWith(")")) return addSelector(user, rule, context);
      return applySelectorRule(user.root, rule, context);
  }
}

/** Whether the user may have one more rule than before. What begins anew does not count. */
function addsOne(rule: string): boolean {
  return "+-~%&>#(".includes(rule.charAt(0)) && !selectorRules.has(rule.toLowerCase());
}

const userRules = new Map<string, (user: User, context: RuleContext) => void>([
  [
    "on",
    (user) => {
      user.enabled = true;
    },
  ],
  [
    "off",
    (user) => {
      user.enabled = false;
    },
  ],
  [
    "nopass",
    (user) => {
      user.anyPassword = true;
      user.passwords.clear();
    },
  ],
  [
    "resetpass",
    (user) => {
      user.anyPassword = false;
      user.passwords.clear();
    },
  ],
  [
    "sanitize-payload",
    (user) => {
      user.sanitizesPayload = true;
    },
  ],
  [
    "skip-sanitize-payload",
    (user) => {
      user.sanitizesPayload = false;
    },
  ],
  [
    "clearselectors",
    (user) => {
      user.clearSelectors();
    },
  ],
  ["reset", (user, context) => user.become(newUser(user.name, context))],
]);

function changePassword(user: User, adds: boolean, digest: string): string | undefined {
  if (adds) {
    user.passwords.add(digest);
    user.anyPassword = false;
    return undefined;
  }
  return user.passwords.delete(digest) ? undefined : ruleProblems.noPassword;
}

function addSelector(user: User, rule: string, context: RuleContext): string | undefined {
  // Whose quotes do not pair, Redis takes for one without rules: nothing is allowed by it.
  const words = context.wordsOf(rule.slice(1, -1)) ?? [];
  const selector = new Selector(context.known);
  if (context.allowsAllChannels) selector.channels.allowAll();
  const sizeMax = RULES_MAX - user.size - SELECTOR_SIZE;
  for (const word of words) {
    if (selector.count >= sizeMax) return ruleProblems.tooMany;
    const problem = applySelectorRule(selector, word, context);
    if (problem !== undefined) return problem;
  }
  user.addSelector(selector);
  return undefined;
}

const selectorRules = new Map<string, (selector: Selector) => void>([
  ["allkeys", ({ keys }) => keys.allowAll()],
  ["~*", ({ keys }) => keys.allowAll()],
  ["resetkeys", ({ keys }) => keys.reset()],
  ["allchannels", ({ channels }) => channels.allowAll()],
  ["&*", ({ channels }) => channels.allowAll()],
  ["resetchannels", ({ channels }) => channels.reset()],
  ["allcommands", ({ commands }) => commands.begin("+@all")],
  ["+@all", ({ commands }) => commands.begin("+@all")],
  ["nocommands", ({ commands }) => commands.begin("-@all")],
  ["-@all", ({ commands }) => commands.begin("-@all")],
]);

function applySelectorRule(
  selector: Selector,
  rule: string,
  context: RuleContext,
): string | undefined {
  const action = selectorRules.get(rule.toLowerCase());
  if (action !== undefined) {
    action(selector);
    return undefined;
  }
  switch (rule.charAt(0)) {
    case "":
      return undefined;
    case "~":
    case "%":
      return addKeyPattern(selector, rule);
    case "&":
      return addChannelPattern(selector, rule.slice(1));
    case "+":
    case "-":
      return changeCommands(selector, rule, context);
    default:
      return ruleProblems.syntax;
  }
}

/**
 * Names and patterns are shown among words that blanks part, and a zero byte ends them in Redis:
 * true for a text that can be neither.
 */
export const breaksWords = (text: string) => /[\0\t\n\v\f\r ]/.test(text);

function addKeyPattern({ keys }: Selector, rule: string): string | undefined {
  if (keys.allowsAll) return ruleProblems.allKeys;
  const match = /^(?:%(R|W|RW|WR))?~/i.exec(rule);
  // What Redis makes of "%R" without a tilde is a pattern, too: the one of the empty key.
  const withoutTilde = /^%(R|W|RW|WR)$/i.exec(rule);
  const found = match ?? withoutTilde;
  if (found === null) return ruleProblems.syntax;
  const text = rule.slice(found[0].length);
  if (breaksWords(text)) return ruleProblems.syntax;
  const letters = found[1]?.toUpperCase() ?? "RW";
  const reads = letters.includes("R") ? KeyAccess.READ : 0;
  const writes = letters.includes("W") ? KeyAccess.WRITE : 0;
  keys.add(text, reads | writes);
  return undefined;
}

function addChannelPattern({ channels }: Selector, pattern: string): string | undefined {
  if (channels.allowsAll) return ruleProblems.allChannels;
  if (breaksWords(pattern)) return ruleProblems.syntax;
  channels.add(pattern);
  return undefined;
}

function changeCommands(
  { commands }: Selector,
  rule: string,
  context: RuleContext,
): string | undefined {
  const { known } = context;
  const allow = rule.startsWith("+");
  const name = rule.slice(1);
  if (name.startsWith("@")) {
    const rows = known.inCategory(name.slice(1));
    if (rows === undefined) return ruleProblems.unknown;
    commands.changeCategory(name.slice(1), rows, allow);
    return undefined;
  }
  const bar = name.lastIndexOf("|");
  if (!allow || bar === -1) {
    const row = known.find(name);
    if (row === undefined) return ruleProblems.unknown;
    commands.change(row, allow);
    return undefined;
  }
  const row = known.find(name.slice(0, bar));
  const word = name.slice(bar + 1);
  if (row === undefined) return ruleProblems.unknown;
  if (row.container !== null) return ruleProblems.firstWordOfSubcommand;
  if (word === "") return ruleProblems.syntax;
  if (row.subcommands === null) {
    if (breaksWords(word)) return ruleProblems.syntax;
    context.warn?.(
      `Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get disabled in the future (offender: +${name})`,
    );
    commands.allowFirstWord(row, word);
    return undefined;
  }
  const subcommand = known.find(name);
  if (subcommand === undefined) return ruleProblems.unknown;
  commands.change(subcommand, true);
  return undefined;
}
