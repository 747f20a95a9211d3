/**
 * Redaction: the words of a request as MONITOR and the slow log may show them. Passwords become
 * "(redacted)": those of AUTH and HELLO AUTH, users and their rules, and the values of sensitive
 * directives.
 */
import type { EngineCall } from "./engine-call.ts";

const REDACTED = "(redacted)";

export function redactedWords(call: EngineCall): string[] {
  const words: string[] = [];
  for (let index = 0; index < call.argc; index++) words.push(call.text(index));
  const name = call.entry.fullName;
  if (name === "auth") return words.map((word, index) => (index === 0 ? word : REDACTED));
  if (name === "hello") {
    const at = words.findIndex((word) => word.toLowerCase() === "auth");
    if (at > 0)
      for (const index of [at + 1, at + 2]) if (index < words.length) words[index] = REDACTED;
  } else if (name === "config|set") {
    for (let index = 2; index + 1 < words.length; index += 2) {
      const directive = call.engine.config.directive(words[index] as string);
      if (directive?.sensitive === true) words[index + 1] = REDACTED;
    }
  } else if (name === "acl|setuser" || name === "acl|deluser" || name === "acl|getuser") {
    // Not even the names of users are everybody's business.
    return words.map((word, index) => (index < 2 ? word : REDACTED));
  }
  return words;
}
