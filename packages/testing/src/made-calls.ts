/**
 * Calls that are made up from a command's declaration: whatever is in the table is called, with
 * arguments of its grammar, by everybody who holds all commands to a law.
 */
import type { Argument, CommandRow } from "@kv/commands";
import type { Chance } from "./chance.ts";

/** What the words of a call are taken from. */
export interface WordSource {
  readonly keys: readonly string[];
  /** What stands for an argument of this kind, if the usual words will not do. */
  wordFor?(argument: Argument): string | undefined;
}

const texts = ["a", "f", "g", "12", "2.5", "", "\xff\0\r\n", "y".repeat(600), "z".repeat(3000)];

/** The words of a call of the command. */
export function madeCall(row: CommandRow, chance: Chance, source: WordSource): string[] {
  const words = row.fullName.split("|");
  new CallMaker(chance, source).appendAll(row.command.args, words);
  return words;
}

class CallMaker {
  private readonly chance: Chance;
  private readonly source: WordSource;

  constructor(chance: Chance, source: WordSource) {
    this.chance = chance;
    this.source = source;
  }

  appendAll(args: readonly Argument[], words: string[]): void {
    for (const [index, argument] of args.entries())
      this.append(argument, words, args[index - 1]?.name === "numkeys");
  }

  private append(argument: Argument, words: string[], isCounted: boolean): void {
    const { chance } = this;
    if (argument.optional === true && chance.percent(50)) return;
    const count = argument.multiple === true && !isCounted ? 1 + chance.below(4) : 1;
    for (let done = 0; done < count; done++) {
      const showsToken = done === 0 || argument.multipleToken === true;
      if (argument.token !== undefined && showsToken) words.push(argument.token);
      this.once(argument, words);
    }
  }

  private once(argument: Argument, words: string[]): void {
    if (argument.type === "oneof") this.append(this.chance.of(argument.args ?? []), words, false);
    else if (argument.type === "block") this.appendAll(argument.args ?? [], words);
    else if (argument.type !== "pure-token") words.push(this.word(argument));
  }

  private word(argument: Argument): string {
    const { chance, source } = this;
    const given = source.wordFor?.(argument);
    if (given !== undefined) return given;
    switch (argument.type) {
      case "key":
        return chance.of(source.keys);
      case "pattern":
        return chance.of(["*", "t*", "[a-n]*", ""]);
      case "double":
        return chance.of(["1.5", "0", "-2", "1e3"]);
      case "unix-time":
        return chance.of(["32503680000", "32503680000000"]);
      case "integer":
        return argument.name === "numkeys" ? "1" : chance.of(["1", "2", "3", "100", "2000"]);
      default:
        return chance.of(texts);
    }
  }
}
