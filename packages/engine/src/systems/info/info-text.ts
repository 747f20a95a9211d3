/**
 * INFO: sections of rows. To add a field, add a row to its section's file; a module brings rows of
 * its own, which join the section of the same name (taking the place of rows of the same name) or
 * form a new one behind the server's.
 */
import type { Engine } from "../../engine.ts";
import type { InfoSection } from "../../module/system.ts";
import {
  commandstatsSection,
  errorstatsSection,
  latencystatsSection,
} from "../commands/info-commands.ts";
import { memorySection } from "../memory/info-memory.ts";
import { persistenceSection } from "../saving/info-persistence.ts";
import { clientsSection } from "./clients.ts";
import { keyspaceSection } from "./keyspace.ts";
import { clusterSection, replicationSection } from "./replication.ts";
import { cpuSection, serverSection } from "./server.ts";
import { debugSection, statsSection } from "./stats.ts";

/** Loaded modules: none can be loaded, so the section is its heading. */
const modulesSection: InfoSection = {
  name: "module_list",
  title: "Modules",
  isDefault: true,
  fields: [],
};

/** The server's own sections, in the order in which Redis prints them. */
const ownSections: readonly InfoSection[] = [
  serverSection,
  clientsSection,
  memorySection,
  persistenceSection,
  statsSection,
  replicationSection,
  cpuSection,
  modulesSection,
  commandstatsSection,
  errorstatsSection,
  latencystatsSection,
  clusterSection,
  keyspaceSection,
  debugSection,
];

/**
 * The text of INFO with these section names, in any case: none is `default`; `all` is everything
 * that is the server's own, `everything` also what only modules have; neither has sections that
 * want to be named. Unknown names add nothing.
 */
export function infoText(engine: Engine, names: Iterable<string>): string {
  const fromModules = engine.modules.flatMap(({ info }) => info ?? []);
  const { wanted, isNamed } = wantedOf(names, [...ownSections, ...fromModules]);
  const everything = wanted.has("everything");
  const all = everything || wanted.has("all");
  const defaults = !isNamed || wanted.has("default");
  const known = new Set(ownSections.map(({ name }) => name));
  const further: InfoSection[] = [];
  for (const section of fromModules) {
    if (known.has(section.name)) continue;
    known.add(section.name);
    further.push(section);
  }
  const isWanted = ({ name, isDefault, isOnlyByName }: InfoSection, isOwn: boolean) => {
    if (wanted.has(name)) return true;
    if (isOnlyByName === true) return false;
    return (
      (name === "module_list" && wanted.has("modules")) ||
      (defaults && isDefault) ||
      (isOwn ? all : everything || wanted.has("modules"))
    );
  };
  const parts = [...ownSections, ...fromModules];
  return [
    ...ownSections.filter((section) => isWanted(section, true)),
    ...further.filter((section) => isWanted(section, false)),
  ]
    .map(({ name, title }) =>
      sectionText(
        engine,
        title,
        parts.filter((part) => part.name === name),
      ),
    )
    .join("\r\n");
}

/** Those of the names that mean something, and whether there was any at all. */
function wantedOf(names: Iterable<string>, sections: readonly InfoSection[]) {
  const meaningful = new Set(["everything", "all", "default", "modules"]);
  for (const { name } of sections) meaningful.add(name);
  const wanted = new Set<string>();
  let isNamed = false;
  for (const name of names) {
    isNamed = true;
    const word = name.toLowerCase();
    if (meaningful.has(word)) wanted.add(word);
  }
  return { wanted, isNamed };
}

/** A section made of all parts that bear its name; the later part wins. */
function sectionText(engine: Engine, title: string, parts: readonly InfoSection[]): string {
  const rows = new Map<string, string | number>();
  for (const { fields, rows: further } of parts) {
    for (const { name, value } of fields) {
      const shown = value(engine);
      if (shown === undefined) rows.delete(name);
      else rows.set(name, shown);
    }
    for (const [name, value] of further?.(engine) ?? []) rows.set(name, value);
  }
  let text = `# ${title}\r\n`;
  for (const [name, value] of rows) text += `${name}:${value}\r\n`;
  return text;
}
