/**
 * The grammar of a command's arguments, as COMMAND DOCS reports it. Arity follows from it: a
 * declaration whose number disagrees is refused when the module loads.
 */
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

export interface Argument {
  name: string;
  type: ArgumentType;
  /** The literal word before the value, or the word itself for a pure token. */
  token?: string;
  optional?: boolean;
  multiple?: boolean;
  /** The token is repeated before each of several values. */
  multipleToken?: boolean;
  /** Which of the command's key specs finds this key. */
  keySpecIndex?: number;
  since?: string;
  deprecatedSince?: string;
  /** Name to show instead of `name` (COMMAND DOCS' display_text). */
  displayText?: string;
  args?: readonly Argument[];
}

type Extra = Partial<Omit<Argument, "name" | "type">>;

const leaf =
  (type: ArgumentType) =>
  (name: string, extra: Extra = {}): Argument => ({ name, type, ...extra });

/** Builders for arguments; `extra` adds token, since, multiple and the like. */
export const arg = {
  string: leaf("string"),
  integer: leaf("integer"),
  double: leaf("double"),
  pattern: leaf("pattern"),
  unixTime: leaf("unix-time"),
  key: (name: string, extra: Extra = {}): Argument => ({
    name,
    type: "key",
    keySpecIndex: 0,
    ...extra,
  }),
  token: (name: string, token: string, extra: Extra = {}): Argument => ({
    name,
    type: "pure-token",
    token,
    ...extra,
  }),
  oneOf: (name: string, ...args: Argument[]): Argument => ({ name, type: "oneof", args }),
  block: (name: string, ...args: Argument[]): Argument => ({ name, type: "block", args }),
  optional: (argument: Argument): Argument => ({ ...argument, optional: true }),
  many: (argument: Argument, extra: Extra = {}): Argument => ({
    ...argument,
    multiple: true,
    ...extra,
  }),
};

/** Fewest words an argument takes, and whether it may take more. */
function span(argument: Argument): { least: number; open: boolean } {
  let least = 0;
  let open = argument.optional === true || argument.multiple === true;
  if (argument.type === "oneof") {
    const spans = (argument.args ?? []).map(span);
    least = Math.min(...spans.map((each) => each.least));
    if (spans.some((each) => each.open || each.least !== least)) open = true;
    if (argument.token !== undefined) least++;
  } else if (argument.type === "block") {
    for (const each of (argument.args ?? []).map(span)) {
      least += each.least;
      if (each.open) open = true;
    }
    if (argument.token !== undefined) least++;
  } else if (argument.type === "pure-token") {
    least = 1;
  } else {
    least = argument.token === undefined ? 1 : 2;
  }
  return { least: argument.optional === true ? 0 : least, open };
}

/**
 * Arity of a command with these arguments: the number of words including the name (and the
 * container's name for a subcommand), negative when that is only the least.
 */
export function arityOf(args: readonly Argument[], nameWords: number): number {
  let least = nameWords;
  let open = false;
  for (const each of args.map(span)) {
    least += each.least;
    if (each.open) open = true;
  }
  return open ? -least : least;
}
