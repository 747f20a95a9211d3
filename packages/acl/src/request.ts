/** A request, as far as access to it is decided by its words. */
import { type CommandRow, type FoundKeys, keysOf, type RequestWords } from "@kv/commands";
import { latin1 } from "@kv/resp";

/**
 * The words of a request and the bytes they lie in: argument `index` is bytes[start(index),
 * end(index)), and argument 0 the command's name. @kv/commands' Call is one.
 */
export interface AclRequest extends RequestWords {
  /** The buffer that all arguments lie in; good while the request is being judged. */
  readonly bytes: Uint8Array;
  /** Where argument `index` begins in `bytes`. */
  start(index: number): number;
  /** Where it ends: the offset behind its last byte. */
  end(index: number): number;
}

/** No option, count or first word that a rule names is longer. */
const WORD_BYTES_MAX = 1024;

/** A word that may be an option, as text. A longer one is none: a value may be half a gigabyte. */
export function shortWord(request: AclRequest, index: number): string {
  const start = request.start(index);
  const end = request.end(index);
  return end - start > WORD_BYTES_MAX ? "" : latin1(request.bytes, start, end);
}

/**
 * The keys of a request. None where its words do not say: such a request is a syntax error, and the
 * command itself says so.
 */
export function keysIn({ command }: CommandRow, request: AclRequest): readonly FoundKeys[] {
  if (command.keys.length === 0 && command.getKeys === undefined) return [];
  const words: RequestWords = {
    argc: request.argc,
    length: (index) => request.length(index),
    is: (index, word) => request.is(index, word),
    text: (index) => shortWord(request, index),
  };
  const found =
    command.getKeys === undefined ? keysOf(command.keys, words) : command.getKeys(words);
  return (found ?? []).filter(({ flags }) => !flags.includes("not_key"));
}
