/**
 * The manifest of an append-only folder: which files hold the data set, and in which order.
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b      the data set as it was
 *     file appendonly.aof.1.incr.aof seq 1 type h      left from before: may be removed
 *     file appendonly.aof.2.incr.aof seq 2 type i      the commands since then,
 *     file appendonly.aof.3.incr.aof seq 3 type i      oldest first
 *
 * Pairs of a key and a value, quoted like the words of an inline request where need be; keys that
 * nobody knows are passed over, and so are lines that begin with "#". What is taken for a manifest, and
 * what is said of one that is not, is as in Redis 7. It also takes, and we do not: the names "", "." and
 * "..", which are folders; numbers that JavaScript cannot hold; a manifest of more than 4 MiB.
 *
 * The order of incremental files is that of their numbers, which must rise. Text here is a byte string:
 * one character for each byte.
 */
import { ArgVector, defaultRequestLimits, latin1, latin1Bytes, RequestReader } from "@kv/resp";

/** A file that the manifest names. */
export interface AofFile {
  /** A character for each byte. */
  name: string;
  /** From 1 on, among those of its type. */
  sequence: number;
  /** The data set; commands that are needed no more (or such a data set); commands. */
  type: "base" | "history" | "incremental";
}

/** The files of an append-only folder. */
export interface AofManifest {
  /** The data set as it was when the first of the incremental files began. */
  base: AofFile | undefined;
  /** The commands since, oldest file first. */
  incrementals: AofFile[];
  /** Files that are needed no more and may still be there, in the order in which they are listed. */
  history: AofFile[];
}

/** Why a text is no manifest. */
export class ManifestError {
  /** Of the line at fault, from 1 on; 0 when it is none of them. */
  readonly lineNumber: number;
  /** That line, without the white space around it; undefined when it is not to be shown. */
  readonly line: string | undefined;
  /** What is wrong, as Redis words it. */
  readonly message: string;

  /** The three, in this order. */
  constructor(lineNumber: number, line: string | undefined, message: string) {
    this.lineNumber = lineNumber;
    this.line = line;
    this.message = message;
  }
}

/** A longer text is no manifest. This one names 80,000 files. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
/** A line is at most so long, its end included. Of a longer comment the rest is a line of its own. */
const LINE_BYTES_MAX = 1024;

const FORMAT = "Invalid AOF manifest file format";

const types = { b: "base", h: "history", i: "incremental" } as const;

/** The files that a manifest names; or why it is none. */
export function parseManifest(text: string): AofManifest | ManifestError {
  if (text === "") return new ManifestError(0, undefined, "Found an empty AOF manifest");
  if (text.length > MANIFEST_BYTES_MAX)
    return new ManifestError(0, undefined, "The AOF manifest file is too large");
  const manifest: AofManifest = { base: undefined, incrementals: [], history: [] };
  const words = new ManifestWords();
  for (let at = 0, lineNumber = 1; at < text.length; lineNumber++) {
    const most = text.slice(at, at + LINE_BYTES_MAX);
    const newline = most.indexOf("\n");
    at += newline === -1 ? most.length : newline + 1;
    if (most[0] === "#") continue;
    const line = most.slice(0, newline);
    // C ends a text at a zero byte, and so finds no end of this line either.
    if (newline === -1 || line.includes("\0"))
      return new ManifestError(
        lineNumber,
        undefined,
        "The AOF manifest file contains too long line",
      );
    const shown = line.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    const file = fileOf(words.of(shown));
    const fault = typeof file === "string" ? file : addFile(manifest, file);
    if (fault !== "") return new ManifestError(lineNumber, shown, fault);
  }
  return manifest;
}

/** The words of lines, which are those of inline requests. */
class ManifestWords {
  private readonly batch = new ArgVector();

  /** None when a quote is not closed, or more follows a closed one. */
  of(line: string): string[] {
    const { batch } = this;
    // Behind a blank, nothing is taken for a request in the other form.
    const bytes = latin1Bytes(` ${line}\n`);
    batch.clear();
    const reader = new RequestReader(defaultRequestLimits());
    reader.read(bytes, new DataView(bytes.buffer), 0, bytes.length, batch);
    const words: string[] = [];
    for (let i = 0; i < batch.argTotal; i++)
      words.push(latin1(batch.bytes, batch.starts[i], batch.ends[i]));
    return words;
  }
}

/** The file that the words of a line tell of, or what is wrong with them. */
function fileOf(words: readonly string[]): AofFile | string {
  // Three pairs are needed; there may be more in times to come.
  if (words.length < 6 || words.length % 2 === 1) return FORMAT;
  let name: string | undefined;
  let sequence = 0;
  let letter = "";
  for (let i = 0; i < words.length; i += 2) {
    const value = untilZero(words[i + 1]);
    switch (untilZero(words[i]).toLowerCase()) {
      case "file":
        if (!isPlainName(value)) return "File can't be a path, just a filename";
        name = value;
        break;
      case "seq":
        sequence = Number(/^[ \t-\r]*([+-]?\d+)/.exec(value)?.[1] ?? 0);
        break;
      case "type":
        letter = value.slice(0, 1);
    }
  }
  if (name === undefined || sequence === 0 || letter === "") return FORMAT;
  if (!Number.isSafeInteger(sequence)) return FORMAT;
  if (!Object.hasOwn(types, letter)) return "Unknown AOF file type";
  return { name, sequence, type: types[letter as keyof typeof types] };
}

/** A word can hold a zero byte by its escape; C takes what is before it. */
function untilZero(word: string): string {
  const at = word.indexOf("\0");
  return at === -1 ? word : word.slice(0, at);
}

function isPlainName(name: string): boolean {
  return !/[/\\]/.test(name) && name !== "" && name !== "." && name !== "..";
}

/** Files it under its type. Returns what is wrong with that, or "". */
function addFile(manifest: AofManifest, file: AofFile): string {
  if (file.type === "history") {
    manifest.history.push(file);
  } else if (file.type === "base") {
    if (manifest.base !== undefined) return "Found duplicate base file information";
    manifest.base = file;
  } else {
    const last = manifest.incrementals.at(-1)?.sequence ?? 0;
    if (file.sequence <= last) return "Found a non-monotonic sequence number";
    manifest.incrementals.push(file);
  }
  return "";
}

/** The manifest as its file has it. */
export function printManifest(manifest: AofManifest): string {
  const { base, history, incrementals } = manifest;
  const files = [...(base === undefined ? [] : [base]), ...history, ...incrementals];
  return files
    .map(({ name, sequence, type }) => `file ${quoted(name)} seq ${sequence} type ${type[0]}\n`)
    .join("");
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/**
 * A name as a word of a line: as it is, unless something in it has to be quoted. A single quote is
 * among that; Redis prints it as it is, and does not read what it has printed.
 */
function quoted(name: string): string {
  if (/^[!#-&(-[\]-~]*$/.test(name)) return name;
  const escaped = name.replace(
    /[^ !#-[\]-~]/g,
    (char) => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}

/** The manifest of the files called after `appendfilename`. */
export function manifestName(appendfilename: string): string {
  return `${appendfilename}.manifest`;
}

/** The name under which a manifest is written, before it takes the place of the one that is there. */
export function temporaryManifestName(appendfilename: string): string {
  return `temp-${manifestName(appendfilename)}`;
}

/** The data set number `sequence`, as a snapshot or as commands. */
export function baseName(appendfilename: string, sequence: number, isRdb: boolean): string {
  return `${appendfilename}.${sequence}.base.${isRdb ? "rdb" : "aof"}`;
}

/** The commands number `sequence`. */
export function incrementalName(appendfilename: string, sequence: number): string {
  return `${appendfilename}.${sequence}.incr.aof`;
}

/** Commands that no manifest names yet: their data set is still being written. */
export function temporaryIncrementalName(appendfilename: string): string {
  return `temp-${appendfilename}.incr`;
}
