/**
 * Hashes: HMSET key field value ... If fields of it expire, each field is told by itself, as Redis 7.4
 * does, and behind it HPEXPIREAT key ms FIELDS 1 field.
 */
import { earliestFieldExpiry, expiryMs, showField, Type } from "@kv/core";
import { commandWord } from "../command-output.ts";
import type { CommandForm } from "./form.ts";

const HMSET = commandWord("HMSET");

export const hashCommands: CommandForm = {
  type: Type.HASH,
  begin({ arena, key, hash }, entry) {
    key.hasFieldExpiries = earliestFieldExpiry(arena, entry) !== -1;
    key.tell(HMSET, 2, hash.attach(entry).length);
  },
  piece({ arena, items }, field) {
    showField(arena, field, items.text, items.value);
    items.expiryMs = expiryMs(arena, field);
    items.pair();
  },
};
