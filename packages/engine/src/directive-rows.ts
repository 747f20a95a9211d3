/**
 * The table of directives as this engine has it: where what a directive may say is some part's to
 * know, that part is asked. Whoever makes a ConfigStore for an engine gives it these rows.
 */
import { type AnyDirective, directivesWith, maxmemoryPolicy } from "@kv/config";
import { evictionPolicies } from "@kv/eviction";
import { declaredBy } from "./module/directives.ts";
import type { System } from "./module/system.ts";

/** Every directive of redis.conf; `maxmemory-policy` takes the names of @kv/eviction's policies. */
export const directiveRows: readonly AnyDirective[] = directivesWith([
  maxmemoryPolicy(Object.keys(evictionPolicies)),
]);

/** The same with the directives that these modules bring, which Redis does not have. */
export function directivesFor(modules: readonly System[]): readonly AnyDirective[] {
  return [...directiveRows, ...declaredBy(modules)];
}
