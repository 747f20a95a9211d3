/** Checking a snapshot file without loading it, in the format that recognises its first bytes. */
import { formatOf, signatureBytesMax } from "./format-choice.ts";
import type { SyncStorage } from "./storage.ts";

/**
 * Checks the file `name`, printing what is found line by line. True when it is good; undefined when
 * there is none. `nowMs` is the wall clock. `isDamageReport`: the file is known to be damaged, and only
 * what is wrong with it is to be told. Throws StorageError.
 */
export function checkFile(
  storage: SyncStorage,
  name: string,
  nowMs: number,
  print: (line: string) => void,
  isDamageReport = false,
): boolean | undefined {
  const file = storage.open(name);
  if (file === undefined) return undefined;
  const head = new Uint8Array(signatureBytesMax());
  let length = 0;
  try {
    length = file.read(head);
  } finally {
    file.close();
  }
  return formatOf(head, 0, length).check(storage, name, nowMs, print, isDamageReport);
}
