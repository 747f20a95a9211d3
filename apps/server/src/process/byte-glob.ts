/**
 * Wildcards in paths (`include conf.d/*.conf`), over names that are bytes: what Node's own globs cannot
 * find when it is no UTF-8.
 *
 * `*`, `?` and `[...]` stand for what is between two slashes; a dot at the beginning of a name has to be
 * there in the pattern, too. Nothing found is no error, nor is a folder that cannot be read.
 */
import { existsSync, readdirSync } from "node:fs";
import { pathBytes } from "./byte-string.ts";

/** The paths that a pattern stands for, sorted by their bytes. */
export function globBytes(pattern: string): string[] {
  const isAbsolute = pattern.startsWith("/");
  let found = [isAbsolute ? "/" : ""];
  for (const part of pattern.split("/").filter((each) => each !== "")) {
    found = found.flatMap((folder) => within(folder, part));
  }
  return found.toSorted();
}

/** The paths of what is in `folder` and called like `part`. */
function within(folder: string, part: string): string[] {
  const prefix = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
  if (!/[*?[\\]/.test(part)) {
    const path = `${prefix}${part}`;
    return existsSync(pathBytes(path)) ? [path] : [];
  }
  const isNamed = nameTest(part);
  return namesIn(folder === "" ? "." : folder)
    .filter((name) => isNamed.test(name) && (!name.startsWith(".") || part.startsWith(".")))
    .map((name) => `${prefix}${name}`);
}

function namesIn(folder: string): string[] {
  try {
    const names = readdirSync(pathBytes(folder), { encoding: "buffer" });
    return names.map((name) => name.toString("latin1"));
  } catch {
    return [];
  }
}

/** One part of a pattern as a regular expression. */
function nameTest(part: string): RegExp {
  const source = part.replace(
    /\*+|\?|\[([!^]?)(\]?[^\]]*)\]|\\(.)|[^*?[\\]|./gs,
    (found, negation: string | undefined, members: string | undefined, literal?: string) => {
      if (found.startsWith("*")) return "[^]*";
      if (found === "?") return "[^]";
      if (members !== undefined) {
        return `[${negation === "" ? "" : "^"}${members.replace(/[\\\]^]/g, "\\$&")}]`;
      }
      return (literal ?? found).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    },
  );
  return new RegExp(`^${source}$`);
}
