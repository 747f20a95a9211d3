/**
 * Directives: carries the configuration to the systems that act upon it, at the start and with
 * every CONFIG SET. Hot paths read plain fields, never the configuration.
 */
import type { AnyDirective, ConfigStore } from "@kv/config";
import type { Ports } from "./ports.ts";
import type { DirectiveRow, System } from "./system.ts";

/** A directive asks for something that this server does not have, or cannot be taken. */
export class UnsupportedDirectiveError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "UnsupportedDirectiveError";
}

const rowsOf = (systems: readonly System[]): DirectiveRow[] =>
  systems.flatMap(({ directives }) => directives ?? []);

const nameOf = (named: string | AnyDirective): string =>
  typeof named === "string" ? named : named.name;

const namesOf = ({ names }: DirectiveRow): string[] => names.map(nameOf);

/** The directives that Redis does not have and these systems bring. */
export function declaredBy(systems: readonly System[]): AnyDirective[] {
  return rowsOf(systems)
    .flatMap(({ names }) => names)
    .filter((named) => typeof named !== "string");
}

/** The names of all directives that these systems act upon, each once, sorted. */
export function directiveNames(systems: readonly System[]): string[] {
  return [...new Set(rowsOf(systems).flatMap(namesOf))].sort();
}

/** All that the configuration asks for and these systems do not have, as reasons to refuse it. */
export function missingParts(
  config: ConfigStore,
  systems: readonly System[],
): { name: string; reason: string }[] {
  const found: { name: string; reason: string }[] = [];
  for (const row of rowsOf(systems)) {
    const reason = refusalOf(row, config);
    if (reason !== undefined) found.push({ name: namesOf(row)[0] as string, reason });
  }
  return found;
}

function refusalOf(row: DirectiveRow, config: ConfigStore): string | undefined {
  const { missing } = row;
  if (missing === undefined || !missing.isAsked(config)) return undefined;
  return `'${namesOf(row)[0]}' is refused: this server does not have ${missing.what} yet`;
}

/** Throws where a system's own directive is not in the configuration. */
function requireDeclared(config: ConfigStore, systems: readonly System[]): void {
  for (const system of systems)
    for (const { name } of declaredBy([system]))
      if (!config.has(name))
        throw new Error(
          `the configuration does not have '${name}' of the module '${system.name}': its ConfigStore is to be made with directivesFor(modules)`,
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
    const { apply, missing } = row;
    const names = namesOf(row);
    if (missing !== undefined) config.onApply(names, () => refusalOf(row, config));
    if (apply === undefined) continue;
    const reason = apply(config, ports);
    if (reason !== undefined) throw new UnsupportedDirectiveError(reason);
    config.onApply(names, () => apply(config, ports));
  }
}
