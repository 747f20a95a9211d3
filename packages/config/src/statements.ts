/**
 * Statements: lines of a configuration file that set no directive. They may be repeated, CONFIG
 * GET does not know them, and who they concern lives elsewhere in the server:
 *
 *     user NAME RULE...        rename-command NAME NEW        sentinel WORD...
 *
 * The owner takes the lines as they come with onLine(), or reads them later with lines(); and
 * says what CONFIG REWRITE should leave of them with onRewrite(). Without an owner they stay.
 */
import { confLines } from "./conf-file.ts";
import type { RewriteOption } from "./rewrite.ts";

/** Lines that are no directives: each stands for itself. */
export type StatementName = "user" | "rename-command" | "sentinel";

/** `args` are the words after the name. Undefined, or the reason why the line is wrong. */
export type LineHook = (args: readonly string[]) => string | undefined;

const badDirective = "Bad directive or wrong number of arguments";

/** Words that files of old versions may hold; they have lost their meaning. */
const obsolete: ReadonlySet<string> = new Set([
  "list-max-ziplist-entries",
  "list-max-ziplist-value",
  "lua-replicate-commands",
]);

/** Known first words that are no directives; their lines are kept by CONFIG REWRITE. */
const keptNames: ReadonlySet<string> = new Set([
  "user",
  "rename-command",
  "sentinel",
  "include",
  "loadmodule",
]);

/** True: lines of a file may begin so, but no option of an embedder or of CONFIG SET. */
export function isLineOfFiles(name: string): boolean {
  return keptNames.has(name.toLowerCase());
}

/** The statements of one server's configuration: see the head of this file. */
export class Statements {
  readonly #lines = new Map<string, (readonly string[])[]>();
  readonly #hooks = new Map<string, LineHook>();
  readonly #rewriters = new Map<string, () => readonly string[]>();
  readonly #users = new Set<string>();

  /** The arguments of each line of that name, in order. */
  lines(name: StatementName): readonly (readonly string[])[] {
    return this.#lines.get(name) ?? [];
  }

  /** Has `hook` check each line while it is read, so that errors name the line. */
  onLine(name: StatementName, hook: LineHook): void {
    this.#hooks.set(name, hook);
  }

  /** `lines` gives what should follow the name, one line each, when the file is rewritten. */
  onRewrite(name: StatementName, lines: () => readonly string[]): void {
    this.#rewriters.set(name, lines);
  }

  /** A new load begins: users of an earlier one may be declared again. */
  clearSeen(): void {
    this.#users.clear();
  }

  /** The reason why the line is wrong, or undefined. */
  take(words: readonly string[], isSentinel: boolean): string | undefined {
    const name = words[0].toLowerCase();
    const args = words.slice(1);
    if (obsolete.has(name) && args.length === 1) return undefined;
    if (name === "rename-command" && args.length === 2) return this.#keep(name, args);
    if (name === "user" && args.length >= 1) return this.#takeUser(args);
    if (name === "loadmodule" && args.length >= 1) {
      return "loadmodule: this server cannot load native modules";
    }
    if (name === "sentinel") {
      if (args.length === 0) return undefined; // The option --sentinel.
      return isSentinel ? this.#keep(name, args) : "sentinel directive while not in sentinel mode";
    }
    if (name.includes(".")) {
      return args.length === 1
        ? "Module configuration without a module of that name"
        : "Module config specified without value";
    }
    return badDirective;
  }

  #takeUser(args: readonly string[]): string | undefined {
    if (this.#users.has(args[0])) {
      return (
        `Error in user declaration '${args[0]}': ` +
        "Duplicate user found. A user can only be defined once in config files"
      );
    }
    this.#users.add(args[0]);
    return this.#keep("user", args);
  }

  #keep(name: StatementName, args: readonly string[]): string | undefined {
    const reason = this.#hooks.get(name)?.(args);
    if (reason !== undefined) return reason;
    const lines = this.#lines.get(name);
    if (lines === undefined) this.#lines.set(name, [args]);
    else lines.push(args);
    return undefined;
  }

  /** The rewriting key of a line; lines of `sentinel` differ by their second word. */
  keyOf(words: readonly string[]): string | undefined {
    const name = words[0].toLowerCase();
    if (!keptNames.has(name)) return undefined;
    return name === "sentinel" && words.length > 1 ? `sentinel ${words[1].toLowerCase()}` : name;
  }

  /** What the owners want the file to say; what they no longer want is named without lines. */
  rewriteOptions(original: string): RewriteOption[] {
    const options = new Map<string, { text: string; force: boolean }[]>();
    for (const [name, lines] of this.#rewriters) {
      for (const { words } of confLines(original)) {
        if (words?.[0].toLowerCase() !== name) continue;
        options.set(this.keyOf(words) as string, []);
      }
      for (const line of lines()) {
        const key = this.keyOf([name, ...line.split(" ")]) as string;
        const known = options.get(key);
        const entry = { text: `${name} ${line}`, force: true };
        if (known === undefined) options.set(key, [entry]);
        else known.push(entry);
      }
    }
    return [...options].map(([key, lines]) => ({ key, lines }));
  }
}
