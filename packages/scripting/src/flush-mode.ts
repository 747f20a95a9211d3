/** How SCRIPT FLUSH and FUNCTION FLUSH are to free what they empty: ASYNC, SYNC, or as the directive says. */
import type { CommandError } from "@kv/commands";
import type { EngineCall } from "@kv/engine";

/**
 * Whether nobody is to wait for it. Here nobody ever does: the runtime collects it all. It is counted all the
 * same (`lazyfreed_objects`), as Redis counts it. Throws `refusal` where the option is none.
 */
export function flushesLazily(call: EngineCall, refusal: CommandError): boolean {
  if (call.argc === 2) return call.settings.lazyUserFlush;
  if (call.is(2, "ASYNC")) return true;
  if (!call.is(2, "SYNC")) throw refusal;
  return false;
}
