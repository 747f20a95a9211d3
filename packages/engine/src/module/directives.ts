/**
 * Directives: carries the configuration to the systems that act upon it, at the start and with
 * every CONFIG SET. Hot paths read plain fields, never the configuration.
 */
import type { ConfigStore } from "@kv/config";
import type { Ports } from "./ports.ts";
import type { DirectiveRow, System } from "./system.ts";

/** A directive asks for something that this server does not have, or cannot be taken. */
export class UnsupportedDirectiveError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "UnsupportedDirectiveError";
}

const rowsOf = (systems: readonly System[]): DirectiveRow[] =>
  systems.flatMap(({ directives }) => directives ?? []);

/** The names of all directives that these systems act upon, each once, sorted. */
export function directiveNames(systems: readonly System[]): string[] {
  return [...new Set(rowsOf(systems).flatMap(({ names }) => names))].sort();
}

/** All that the configuration asks for and these systems do not have, as reasons to refuse it. */
export function missingParts(
  config: ConfigStore,
  systems: readonly System[],
): { name: string; reason: string }[] {
  const found: { name: string; reason: string }[] = [];
  for (const row of rowsOf(systems)) {
    const reason = refusalOf(row, config);
    if (reason !== undefined) found.push({ name: row.names[0] as string, reason });
  }
  return found;
}

function refusalOf({ names, missing }: DirectiveRow, config: ConfigStore): string | undefined {
  if (missing === undefined || !missing.isAsked(config)) return undefined;
  return `'${names[0]}' is refused: this server does not have ${missing.what} yet`;
}

/** Throws where a system's own directive is not in the configuration. */
function requireDeclared(config: ConfigStore, systems: readonly System[]): void {
  for (const { name: system, declares = [] } of systems)
    for (const { name } of declares)
      if (!config.has(name))
        throw new Error(
          `the configuration does not have '${name}' of the module '${system}': its ConfigStore is to be made with directivesFor(modules)`,
        );
}

/** Applies every row once, and again whenever one of its directives changes. */
export function applyDirectives(
  config: ConfigStore,
  ports: Ports,
  systems: readonly System[],
): void {
  requireDeclared(config, systems);
  const asked = missingParts(config, systems).map(({ reason }) => reason);
  if (asked.length > 0) throw new UnsupportedDirectiveError(asked.join("\n"));
  for (const row of rowsOf(systems)) {
    const { names, apply, missing } = row;
    if (missing !== undefined) config.onApply([...names], () => refusalOf(row, config));
    if (apply === undefined) continue;
    const reason = apply(config, ports);
    if (reason !== undefined) throw new UnsupportedDirectiveError(reason);
    config.onApply([...names], () => apply(config, ports));
  }
}
