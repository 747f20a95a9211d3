/**
 * The grammar of a command's arguments, as COMMAND DOCS reports it. Arity follows from it: a
 * declaration whose number disagrees is refused when the module loads.
 */

/** What an argument is made of, in the words of COMMAND DOCS. */
export type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

/**
 * An argument, or a choice or block of them, as COMMAND DOCS reports it. Made by the builders of
 * `arg`.
 */
export interface Argument {
  /** What it stands for, in lower case: `key`, `increment`. */
  name: string;
  /** What it is made of; `oneof` and `block` have `args`. */
  type: ArgumentType;
  /** The literal word before the value, or the word itself for a pure token. */
  token?: string;
  /** It may be left out. */
  optional?: boolean;
  /** It may be repeated. */
  multiple?: boolean;
  /** The token is repeated before each of several values. */
  multipleToken?: boolean;
  /** Which of the command's key specs finds this key. */
  keySpecIndex?: number;
  /** The first release that takes it, where that is later than the command's. */
  since?: string;
  /** The release from which on it should not be used. */
  deprecatedSince?: string;
  /** Name to show instead of `name` (COMMAND DOCS' display_text). */
  displayText?: string;
  /** The choices of a `oneof`, the parts of a `block`. */
  args?: readonly Argument[];
}

/** What else may be said of an argument where it is built. */
export type ArgumentExtra = Partial<Omit<Argument, "name" | "type">>;

const leaf =
  (type: ArgumentType) =>
  (name: string, extra: ArgumentExtra = {}): Argument => ({ name, type, ...extra });

/** Builders for arguments; `extra` adds token, since, multiple and the like. */
export const arg = {
  /** Any bytes. */
  string: leaf("string"),
  /** A whole number. */
  integer: leaf("integer"),
  /** A floating point number. */
  double: leaf("double"),
  /** A glob. */
  pattern: leaf("pattern"),
  /** A moment, in seconds or milliseconds since 1970. */
  unixTime: leaf("unix-time"),
  /** A key; the first of the key specs finds it unless `extra` names another one. */
  key: (name: string, extra: ArgumentExtra = {}): Argument => ({
    name,
    type: "key",
    keySpecIndex: 0,
    ...extra,
  }),
  /** A literal word, given in upper case. */
  token: (name: string, token: string, extra: ArgumentExtra = {}): Argument => ({
    name,
    type: "pure-token",
    token,
    ...extra,
  }),
  /** One of several arguments. */
  oneOf: (name: string, ...args: Argument[]): Argument => ({ name, type: "oneof", args }),
  /** Several arguments that belong together. */
  block: (name: string, ...args: Argument[]): Argument => ({ name, type: "block", args }),
  /** The same argument, which may be left out. */
  optional: (argument: Argument): Argument => ({ ...argument, optional: true }),
  /** The same argument, which may be repeated. */
  many: (argument: Argument, extra: ArgumentExtra = {}): Argument => ({
    ...argument,
    multiple: true,
    ...extra,
  }),
};

/** Fewest words an argument takes. */
function leastWords({ type, token, optional, args = [] }: Argument): number {
  if (optional === true) return 0;
  if (type === "pure-token") return 1;
  let words = 1;
  if (type === "block") {
    words = 0;
    for (const each of args) words += leastWords(each);
  } else if (type === "oneof") {
    words = Math.min(...args.map(leastWords));
  }
  return token === undefined ? words : words + 1;
}

/** Whether it may take more. */
function isOpen({ type, optional, multiple, args = [] }: Argument): boolean {
  if (optional === true || multiple === true || args.some(isOpen)) return true;
  if (type !== "oneof") return false;
  const [first, ...others] = args.map(leastWords);
  return others.some((words) => words !== first);
}

/**
 * Arity of a command with these arguments: the number of words including the name (and the
 * container's name for a subcommand), negative when that is only the least.
 */
export function arityOf(args: readonly Argument[], nameWords: number): number {
  let least = nameWords;
  let open = false;
  for (const each of args) {
    least += leastWords(each);
    open ||= isOpen(each);
  }
  return open ? -least : least;
}
