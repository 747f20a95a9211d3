/** Texts of scripts as one line of a reply. */

const isLineBreak = (letter: number) => letter === 13 || letter === 10;

/** Up to its first zero byte, where a text of C ends. */
export function untilZero(text: string): string {
  const end = text.indexOf("\0");
  return end === -1 ? text : text.slice(0, end);
}

/** Without the line breaks at both ends, and with spaces for those between. */
export function asOneLine(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isLineBreak(text.charCodeAt(from))) from++;
  while (to > from && isLineBreak(text.charCodeAt(to - 1))) to--;
  return withoutBreaks(text.slice(from, to));
}

/** With spaces for all line breaks. */
export function withoutBreaks(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
