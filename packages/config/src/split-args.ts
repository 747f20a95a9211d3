/**
 * The quoting of redis.conf, of the command line and of inline requests: words apart by blanks.
 *
 *     name  "two words\n\x00"  'it''s not this'  plain"with quotes inside"
 *
 * Double quotes know the escapes \n \r \t \b \a \xHH; any other escaped character stands for
 * itself. Single quotes know only \'. A closing quote must be followed by a blank or the end.
 *
 * Text here is a byte string: one character per byte, 0 to 255. Read files as latin1.
 */

const escapes = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["a", "\x07"],
]);

const namesOfEscapes = new Map([...escapes].map(([name, char]) => [char, name]));

function isBlank(char: string): boolean {
  return char === " " || (char >= "\t" && char <= "\r");
}

/** What ends a word outside quotes: fewer characters than what may stand between words. */
function endsWord(char: string): boolean {
  return char === " " || char === "\n" || char === "\r" || char === "\t" || char === "\0";
}

const hexByte = /^[0-9a-fA-F]{2}$/;

/** The words of `line`, or undefined when a quote is not closed or is followed by a letter. */
export function splitArgs(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line[at])) at++;
    if (at >= line.length || line[at] === "\0") return words;

    let word = "";
    let quote = "";
    while (at < line.length || quote !== "") {
      if (at >= line.length) return undefined; // The line ended inside quotes.
      const char = line[at];
      if (quote === "") {
        if (endsWord(char)) break;
        if (char === '"' || char === "'") quote = char;
        else word += char;
        at++;
        continue;
      }
      if (char === "\\" && quote === '"' && at + 1 < line.length) {
        const hex = line.slice(at + 2, at + 4);
        if (line[at + 1] === "x" && hexByte.test(hex)) {
          word += String.fromCharCode(Number.parseInt(hex, 16));
          at += 4;
        } else {
          word += escapes.get(line[at + 1]) ?? line[at + 1];
          at += 2;
        }
      } else if (char === "\\" && quote === "'" && line[at + 1] === "'") {
        word += "'";
        at += 2;
      } else if (char === quote) {
        at++;
        if (at < line.length && !isBlank(line[at]) && line[at] !== "\0") return undefined;
        quote = "";
        break; // A closing quote ends the word.
      } else {
        word += char;
        at++;
      }
    }
    words.push(word);
  }
}

/** `text` in double quotes, so that `splitArgs` reads it back whatever bytes it holds. */
export function quoteArg(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const letter = namesOfEscapes.get(char);
    if (char === "\\" || char === '"') quoted += `\\${char}`;
    else if (letter !== undefined) quoted += `\\${letter}`;
    else if (char >= " " && char <= "~") quoted += char;
    else quoted += `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }
  return `${quoted}"`;
}
