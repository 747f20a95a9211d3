/**
 * Redaction: the words of a request that MONITOR and the slow log may not show. Passwords become
 * "(redacted)": those of AUTH and HELLO AUTH, users and their rules, and the values of sensitive
 * directives. A request may have millions of words and one of half a gigabyte, so only the words of
 * these few commands are ever made into text.
 */
import type { EngineCall } from "./engine-call.ts";

export const REDACTED = "(redacted)";

/** Longer than the name of any directive. */
const NAME_BYTES_MAX = 1024;
const nothing: ReadonlySet<number> = new Set();

/** The numbers of the words to hide. */
export function secretWords(call: EngineCall): ReadonlySet<number> {
  switch (call.entry.fullName) {
    case "auth":
      return wordsFrom(call, 1);
    case "hello":
      return loginWords(call);
    case "config|set":
      return sensitiveValues(call);
    case "acl|setuser":
    case "acl|deluser":
    case "acl|getuser":
      // Not even the names of users are everybody's business.
      return wordsFrom(call, 2);
    default:
      return nothing;
  }
}

function wordsFrom(call: EngineCall, first: number): Set<number> {
  const secrets = new Set<number>();
  for (let index = first; index < call.argc; index++) secrets.add(index);
  return secrets;
}

/** User and password of HELLO ... AUTH. */
function loginWords(call: EngineCall): ReadonlySet<number> {
  for (let index = 1; index < call.argc; index++)
    if (call.is(index, "AUTH")) return new Set([index + 1, index + 2]);
  return nothing;
}

function sensitiveValues(call: EngineCall): Set<number> {
  const secrets = new Set<number>();
  for (let index = 2; index + 1 < call.argc; index += 2) {
    // No directive has such a name, and what follows it is shown as it is.
    if (call.length(index) > NAME_BYTES_MAX) continue;
    const directive = call.engine.config.directive(call.text(index));
    if (directive?.sensitive === true) secrets.add(index + 1);
  }
  return secrets;
}
