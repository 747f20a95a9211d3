/**
 * Configuration: what an engine with its own systems and these modules makes of a configuration,
 * for whoever reads one before there is an engine.
 */
import type { ConfigStore } from "@kv/config";
import { directiveNames, missingParts } from "./module/directives.ts";
import { checkStatements as check } from "./module/statements.ts";
import type { System } from "./module/system.ts";
import { ownSystems } from "./systems/index.ts";

/** The names of the directives that such an engine acts upon, sorted; others have no effect in it. */
export function engineDirectives(modules: readonly System[] = []): string[] {
  return directiveNames([...ownSystems, ...modules]);
}

/** All that the configuration asks for and such an engine does not have, as reasons to refuse it. */
export function unsupportedDirectives(
  config: ConfigStore,
  modules: readonly System[] = [],
): { name: string; reason: string }[] {
  return missingParts(config, [...ownSystems, ...modules]);
}

/**
 * Has each line that sets no directive (`rename-command`, `user`) checked while the configuration is
 * read, so that an error names its line. Before ConfigStore.load(). `systems`: the engine's own, where
 * it is to have others than all of them.
 */
export function checkStatements(
  config: ConfigStore,
  modules: readonly System[] = [],
  systems: readonly System[] = ownSystems,
): void {
  check(config, [...systems, ...modules]);
}
