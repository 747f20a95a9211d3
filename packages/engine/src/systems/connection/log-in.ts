/** Logging in and out: what AUTH, HELLO and RESET have in common. */
import { CommandError } from "@kv/commands";
import type { EngineCall } from "../../module/engine-call.ts";
import { accountsPort } from "../../module/ports.ts";

const wrongPassword = new CommandError(
  "WRONGPASS invalid username-password pair or user is disabled.",
);

/** Logs the client in as the user, or throws WRONGPASS. The password stands at an argument. */
export function logIn(call: EngineCall, userName: string, passwordArgument: number): void {
  const { client, engine } = call;
  const password = call.argument(passwordArgument);
  if (!engine.of(accountsPort).logIn(client, userName, password, call.word(0))) throw wrongPassword;
}

/** Longest name that a client may take: CLIENT LIST shows those of all clients at once. */
const NAME_BYTES_MAX = 4096;

const badName = new CommandError(
  "ERR Client names cannot contain spaces, newlines or special characters.",
);

/** The client name at an argument. Throws when it would break the lines of CLIENT LIST. */
export function clientNameAt(call: EngineCall, index: number): string {
  if (!isPlainWord(call, index)) throw badName;
  if (!isShort(call, index)) throw tooLong("Client names");
  return call.text(index);
}

/** What `what` names is longer than CLIENT LIST could show. */
export function tooLong(what: string): CommandError {
  return new CommandError(`ERR ${what} cannot be longer than ${NAME_BYTES_MAX} bytes.`);
}

/** True when a client may be called so. */
export function isShort(call: EngineCall, index: number): boolean {
  return call.length(index) <= NAME_BYTES_MAX;
}

/** True when the argument has nothing but printable ASCII without spaces. */
export function isPlainWord(call: EngineCall, index: number): boolean {
  for (let at = call.start(index); at < call.end(index); at++) {
    const byte = call.bytes[at] as number;
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return true;
}
