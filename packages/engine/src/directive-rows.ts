/**
 * The table of directives as this engine has it: where what a directive may say is some part's to
 * know, that part is asked. Whoever makes a ConfigStore for an engine gives it these rows.
 */
import { type AnyDirective, directivesWith, maxmemoryPolicy } from "@kv/config";
import { evictionPolicies } from "@kv/eviction";

/** Every directive of redis.conf; `maxmemory-policy` takes the names of @kv/eviction's policies. */
export const directiveRows: readonly AnyDirective[] = directivesWith([
  maxmemoryPolicy(Object.keys(evictionPolicies)),
]);
