/**
 * Says in plain words that Node is too old: what would follow is something that it lacks, some time.
 * The programs have `bin/needs-node.mjs`.
 */
import { ownCodes, ServerError } from "./server-error.ts";

/** As `engines` in package.json says. */
const NODE_MIN = 24;

/** Throws a ServerError unless `version` is one that a server runs on. */
export function needsNode(version: string = process.versions.node): void {
  if (Number.parseInt(version, 10) >= NODE_MIN) return;
  const text = `@kv/server needs Node.js ${NODE_MIN} or later, but this is Node.js ${version}.`;
  throw new ServerError(text, ownCodes.runtime);
}
