/**
 * Command rules: which commands may be run.
 *
 * Two forms of the same: a bit for each command, which is what requests are judged by, and the
 * rules in the order in which they were given, which is what is shown and saved. Rules mean
 * different things in another order, and a category may hold other commands in the next version, so
 * the bits alone would not do.
 *
 * Of the rules, only what still says something is kept: `+@all` and `-@all` begin anew, and a rule
 * about a command ends earlier ones about it and its subcommands.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";
import type { KnownCommands } from "./known-commands.ts";
import { type AclRequest, shortWord } from "./request.ts";

/** What command rules begin with: every command, those to come included, or none. */
export type Ground = "+@all" | "-@all";

/**
 * Which commands a selector allows, by command, subcommand and first argument. Allows none at
 * first.
 */
export class CommandRules {
  /** Every command, those to come included. */
  allowsAll = false;
  private ground: Ground = "-@all";
  /** What was said of each name, in the order in which it was: true for `+`. */
  private readonly rules = new Map<string, boolean>();
  private readonly bits: Uint32Array;
  /** For commands that are not allowed as such: first arguments with which they are. */
  private readonly firstWords = new Map<number, Set<string>>();
  /** First arguments that rules name, by command: all of them end when it is ruled upon itself. */
  private readonly ruledWords = new Map<number, Set<string>>();

  constructor(known: KnownCommands) {
    this.bits = new Uint32Array((known.count + 31) >>> 5);
  }

  /**
   * Becomes what `other` is: same bits, same rules in the same order. Both must know the same
   * commands.
   */
  copyFrom(other: CommandRules): void {
    this.allowsAll = other.allowsAll;
    this.ground = other.ground;
    this.rules.clear();
    for (const [name, allow] of other.rules) this.rules.set(name, allow);
    this.bits.set(other.bits);
    this.firstWords.clear();
    for (const [id, words] of other.firstWords) this.firstWords.set(id, new Set(words));
    this.ruledWords.clear();
    for (const [id, words] of other.ruledWords) this.ruledWords.set(id, new Set(words));
  }

  /** How many rules it keeps, besides the first one. */
  get count(): number {
    return this.rules.size;
  }

  /** `+@all` or `-@all`: what earlier rules said no longer counts. */
  begin(ground: Ground): void {
    this.allowsAll = ground === "+@all";
    this.ground = ground;
    this.rules.clear();
    this.bits.fill(this.allowsAll ? 0xffffffff : 0);
    this.firstWords.clear();
    this.ruledWords.clear();
  }

  /** `+config`, `-config|set`: a command with its subcommands, or one subcommand. */
  change(row: CommandRow, allow: boolean): void {
    for (const word of this.ruledWords.get(row.id) ?? [])
      this.rules.delete(`${row.fullName}|${word}`);
    this.ruledWords.delete(row.id);
    for (const { fullName } of row.subcommands?.values() ?? []) this.rules.delete(fullName);
    this.set(row, allow);
    this.note(row.fullName, allow);
  }

  /**
   * `+@read`, `-@read`: all commands of a category; of a container that is in it, all subcommands.
   */
  changeCategory(name: string, rows: readonly CommandRow[], allow: boolean): void {
    for (const row of rows) this.set(row, allow);
    this.note(`@${name.toLowerCase()}`, allow);
  }

  /**
   * `+select|0`: a command that has no subcommands, when its first argument is this word, in any
   * case.
   */
  allowFirstWord(row: CommandRow, word: string): void {
    const lower = word.toLowerCase();
    addWord(this.firstWords, row.id, lower);
    addWord(this.ruledWords, row.id, lower);
    this.note(`${row.fullName}|${lower}`, true);
  }

  private set(row: CommandRow, allow: boolean): void {
    const bit = 1 << (row.id & 31);
    if (allow) this.bits[row.id >>> 5] |= bit;
    else {
      this.bits[row.id >>> 5] &= ~bit;
      this.allowsAll = false;
    }
    this.firstWords.delete(row.id);
    for (const subcommand of row.subcommands?.values() ?? []) this.set(subcommand, allow);
  }

  private note(name: string, allow: boolean): void {
    this.rules.delete(name); // Its place is at the end now.
    this.rules.set(name, allow);
  }

  /**
   * Whether the request may run as this command. What a client may do before it has logged in
   * (AUTH, HELLO, QUIT, RESET), every user may.
   */
  allows(row: CommandRow, request: AclRequest): boolean {
    if (this.allowsAll || (row.bits & FLAG_BITS.no_auth) !== 0) return true;
    if (((this.bits[row.id >>> 5] ?? 0) & (1 << (row.id & 31))) !== 0) return true;
    const words = this.firstWords.get(row.id);
    const at = row.container === null ? 1 : 2;
    if (words === undefined || request.argc <= at) return false;
    return words.has(shortWord(request, at).toLowerCase());
  }

  /**
   * The rules in their order, `+@all` or `-@all` first: applied one after the other they build
   * these again.
   */
  words(): string[] {
    const words: string[] = [this.ground];
    for (const [name, allow] of this.rules) words.push(`${allow ? "+" : "-"}${name}`);
    return words;
  }
}

function addWord(words: Map<number, Set<string>>, id: number, word: string): void {
  const known = words.get(id);
  if (known === undefined) words.set(id, new Set([word]));
  else known.add(word);
}
