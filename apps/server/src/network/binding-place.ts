/**
 * Where a Unix socket is bound, when the name it is to have is no text: Node takes nothing else.
 *
 * Linux has a path to an open folder that is text, whatever the folder is called. The socket is bound
 * there under a name of our own, and renamed: clients find it under the name that was asked for.
 */
import { closeSync, constants, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { absolutePath } from "../process/byte-path.ts";
import { isText, pathBytes, textOf } from "../process/byte-string.ts";

export interface BindingPlace {
  /** What Node is to be told. */
  readonly path: string;
  /** The socket is bound: it gets its name. */
  bound(): void;
  /** Whether or not it was. */
  release(): void;
}

/** `path` is a byte string. Throws the system's error. */
export function bindingPlace(path: string): BindingPlace {
  if (isText(path)) return { path: textOf(path), bound() {}, release() {} };
  const target = absolutePath(path);
  const { O_RDONLY, O_DIRECTORY = 0 } = constants;
  const folder = openSync(pathBytes(dirname(target)), O_RDONLY | O_DIRECTORY);
  const alias = `/proc/self/fd/${folder}/kv-${process.pid}.sock`;
  return {
    path: alias,
    bound: () => renameSync(alias, pathBytes(target)),
    release: () => closeSync(folder),
  };
}
