/**
 * INFO: sections of rows. Each system brings the rows that it knows the values of; those of one
 * section stand together, a later row taking the place of an earlier one of the same name.
 */
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";

/** The server's own sections, in the order in which Redis prints them; others follow. */
const order = [
  "server",
  "clients",
  "memory",
  "persistence",
  "stats",
  "replication",
  "cpu",
  "module_list",
  "commandstats",
  "errorstats",
  "latencystats",
  "cluster",
  "keyspace",
  "debug",
  "sentinel",
];

/**
 * The text of INFO, made of these parts, with these section names, in any case: none is `default`; `all` is everything
 * that is the server's own, `everything` also what only modules have; neither has sections that
 * want to be named. Unknown names add nothing.
 */
export function infoText(
  ports: Ports,
  parts: readonly InfoSection[],
  names: Iterable<string>,
): string {
  const { wanted, isNamed } = wantedOf(names, parts);
  const everything = wanted.has("everything");
  const all = everything || wanted.has("all");
  const defaults = !isNamed || wanted.has("default");
  const isWanted = ({ name, isDefault, isOnlyByName }: InfoSection) => {
    if (wanted.has(name)) return true;
    if (isOnlyByName === true) return false;
    return (
      (name === "module_list" && wanted.has("modules")) ||
      (defaults && isDefault) ||
      (order.includes(name) ? all : everything || wanted.has("modules"))
    );
  };
  const present = new Set([...order, ...parts.map(({ name }) => name)]);
  return [...present]
    .map((name) => parts.filter((part) => part.name === name))
    .filter(([first]) => first !== undefined && isWanted(first))
    .map((own) => sectionText(ports, own))
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

/** A section made of all parts that bear its name; the later part wins, row by row or as a whole. */
function sectionText(ports: Ports, parts: readonly InfoSection[]): string {
  const rows = new Map<string, string | number>();
  for (const { replaces, fields, rows: further } of parts) {
    if (replaces === true) rows.clear();
    for (const { name, value } of fields) {
      const shown = value(ports);
      if (shown === undefined) rows.delete(name);
      else rows.set(name, shown);
    }
    for (const [name, value] of further?.(ports) ?? []) rows.set(name, value);
  }
  let text = `# ${parts[0]?.title}\r\n`;
  for (const [name, value] of rows) text += `${name}:${value}\r\n`;
  return text;
}
