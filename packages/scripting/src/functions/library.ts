/**
 * Libraries and the functions that they have registered. A set of libraries is made whole before it
 * takes the place of another: FUNCTION RESTORE and a file that is loaded change all or nothing.
 *
 * Names of libraries are told apart by case; those of functions are not, across all libraries.
 */
import { CommandError } from "@kv/commands";
import type { LuaScript } from "@kv/lua";
import { latin1 } from "@kv/resp";

/** What a library takes besides its code, and a function besides its description. */
const LIBRARY_BYTES = 200;
const FUNCTION_BYTES = 200;
/** A longer name is none: it is not made a text of to find that out. */
const CALLED_NAME_BYTES_MAX = 1024;

/** A function that a library has registered. */
export interface LibraryFunction {
  readonly name: string;
  /** Bits of ScriptFlag. */
  readonly flags: number;
  readonly description: Uint8Array | null;
  /** In the machine that is there; null: that one is gone, and could not be made anew. */
  callback: LuaScript | null;
}

/** A library: what FUNCTION LOAD was given, and what came of it. */
export interface Library {
  readonly name: string;
  /** With its first line: as it came. */
  readonly code: Uint8Array;
  readonly functions: readonly LibraryFunction[];
}

/** Libraries whose functions have different names. */
export class LibrarySet {
  /** By name, in the order in which they came. */
  readonly libraries = new Map<string, Library>();
  private readonly functions = new Map<string, LibraryFunction>();
  /** The function that was found last, and its name as it was written: no text is made of it again. */
  private recent: LibraryFunction | undefined;
  private recentName = new Uint8Array(0);
  /** Bytes that codes, descriptions and entries take. */
  bytes = 0;

  /** The function of this name, in any case. */
  find(name: string): LibraryFunction | undefined {
    return this.functions.get(name.toLowerCase());
  }

  /** The function whose name stands in bytes[start, end), in any case. */
  findWritten(bytes: Uint8Array, start: number, end: number): LibraryFunction | undefined {
    const { recentName } = this;
    if (end - start === recentName.length) {
      let i = 0;
      while (i < recentName.length && bytes[start + i] === recentName[i]) i++;
      if (i === recentName.length) return this.recent;
    }
    if (end - start > CALLED_NAME_BYTES_MAX) return undefined;
    const found = this.find(latin1(bytes, start, end));
    if (found !== undefined) {
      this.recent = found;
      this.recentName = bytes.slice(start, end);
    }
    return found;
  }

  private forgetRecent(): void {
    this.recent = undefined;
    this.recentName = new Uint8Array(0);
  }

  /** Two of one library whose names differ in case count as two, although only the first is found. */
  get functionCount(): number {
    let count = 0;
    for (const { functions } of this.libraries.values()) count += functions.length;
    return count;
  }

  add(library: Library): void {
    this.forgetRecent();
    this.libraries.set(library.name, library);
    for (const each of library.functions) {
      const key = each.name.toLowerCase();
      if (!this.functions.has(key)) this.functions.set(key, each);
    }
    this.bytes += bytesOf(library);
  }

  remove(library: Library): void {
    this.forgetRecent();
    this.libraries.delete(library.name);
    for (const each of library.functions) {
      const key = each.name.toLowerCase();
      if (this.functions.get(key) === each) this.functions.delete(key);
    }
    this.bytes -= bytesOf(library);
  }

  /** Throws when a function of `library` has a name that one of another than `replaced` has. */
  refuseTaken(library: Library, replaced: (library: Library) => boolean): void {
    for (const { name } of library.functions) {
      const taken = this.find(name);
      if (taken === undefined) continue;
      for (const other of this.libraries.values())
        if (!replaced(other) && other.functions.includes(taken))
          throw new CommandError(`ERR Function ${name} already exists`);
    }
  }
}

function bytesOf({ code, functions }: Library): number {
  let bytes = LIBRARY_BYTES + code.length;
  for (const { description } of functions) bytes += FUNCTION_BYTES + (description?.length ?? 0);
  return bytes;
}

const nameLetters = /^[A-Za-z0-9_]+$/;

/** Whether a library or a function may have this name. */
export function isName(name: string): boolean {
  return nameLetters.test(name);
}

/** What is said of both. */
export const badName =
  "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
