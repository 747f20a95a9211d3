/**
 * LogFolder: the folder of the append-only file (`appenddirname`), and the manifest in it that says which
 * of its files hold the data set.
 *
 *      appendonlydir/
 *        appendonly.aof.manifest           names the others; replaced as a whole
 *        appendonly.aof.2.base.rdb         the data set as it was when
 *        appendonly.aof.3.incr.aof         the first of the commands was written that are here
 *
 * At any instant the manifest on disk names files that are there: a file is made before the manifest
 * that names it, and removed behind the one that does not.
 */
import {
  type AofFile,
  type AofManifest,
  type AppendFile,
  baseName,
  incrementalName,
  MANIFEST_BYTES_MAX,
  ManifestError,
  manifestName,
  parseManifest,
  printManifest,
  SaveFile,
  type SaveNames,
  type SaveResult,
  type Storage,
  StorageError,
  type SyncStorage,
  saveFileNow,
  temporaryManifestName,
} from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import type { Host } from "../../kernel/host.ts";

/** Of the manifest and of what grows; a base is a snapshot, and as open as one. */
export const LOG_MODE = 0o644;

/** How the names of both kinds of files end: with their number and their kind. */
const numberedName = /\.(\d+)\.(base|incr)\.[a-z]+$/;

/** The folder of the append-only file: see the head of this file. */
export class LogFolder {
  /** The files by now, as the manifest on disk says. Plain data: replaced, never changed. */
  manifest: AofManifest = { base: undefined, incrementals: [], history: [] };
  /** The name of the file that commands go to; "": none has been opened that the manifest names. */
  presentName = "";
  /** Files whose numbers are taken, although no manifest names them. */
  private strays: readonly AofFile[] = [];
  private readonly host: Host;
  private readonly folderName: string;
  private readonly fileName: string;

  /** `fileName` is `appendfilename`, which all names begin with. */
  constructor(host: Host, folderName: string, fileName: string) {
    this.host = host;
    this.folderName = folderName;
    this.fileName = fileName;
  }

  /** Its files, while everybody waits. */
  get now(): SyncStorage {
    return this.host.syncStorage.folder(this.folderName);
  }

  /** Its files, beside the event loop. */
  get later(): Storage {
    return this.host.storage.folder(this.folderName);
  }

  /** The folder is there when this returns, for good. */
  make(): void {
    named(`Can't open or create append-only dir ${this.folderName}`, () => {
      this.host.syncStorage.makeFolder(this.folderName);
      this.host.syncStorage.syncFolder();
    });
  }

  /** The same where it is known to have been there: a disk that is busy is not asked to sync it again. */
  makeAgain(): void {
    try {
      this.now.list();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "ENOENT") throw error;
      this.make();
    }
  }

  /** The name that a base file with this number has. */
  baseName(sequence: number, isSnapshot: boolean): string {
    return baseName(this.fileName, sequence, isSnapshot);
  }

  /** The name that an incremental file with this number has. */
  incrementalName(sequence: number): string {
    return incrementalName(this.fileName, sequence);
  }

  /** A number that no base file has. */
  get nextBase(): number {
    return largest([this.manifest.base, ...this.leftovers("base")]) + 1;
  }

  /** A number that no incremental file has. */
  get nextIncremental(): number {
    return largest([...this.manifest.incrementals, ...this.leftovers("incr")]) + 1;
  }

  /** Files that are needed no more but may be there, of the kind that their names tell; or of neither. */
  private leftovers(kind: "base" | "incr"): AofFile[] {
    const files = [...this.manifest.history, ...this.strays];
    return files.filter(({ name }) => (numberedName.exec(name)?.[2] ?? kind) === kind);
  }

  /**
   * A file of a version that knew no folder becomes the base, whether or not a try to do so was cut off
   * before: the manifest names it first. `isFound`: there is a manifest. False: there is no such file.
   */
  adoptSingleFile(isFound: boolean): boolean {
    const { fileName: name, host, manifest, now } = this;
    const isNamed = manifest.base?.name === name && manifest.incrementals.length === 0;
    const isMissing = isNamed && this.sizeOf(name) === undefined;
    if ((isFound && !isMissing) || !this.hasBeside(name)) return false;
    if (!isFound) this.writeNow({ ...manifest, base: { name, sequence: 1, type: "base" } });
    host.syncStorage.move(name, this.folderName);
    now.syncFolder();
    host.syncStorage.syncFolder();
    return true;
  }

  /** Whether a file stands beside the folder. The folder itself, whose name may be the same, is none. */
  hasBeside(name: string): boolean {
    try {
      return sizeIn(this.host.syncStorage, name) !== undefined;
    } catch (error) {
      if (error instanceof StorageError && error.code === "EISDIR") return false;
      throw error;
    }
  }

  /**
   * Without a manifest the files in the folder are nobody's, but somebody may still want them: new ones
   * get numbers behind theirs.
   */
  avoidStrayFiles(): void {
    const history: AofFile[] = [];
    for (const name of this.now.list()) {
      const sequence = Number(numberedName.exec(name)?.[1] ?? 0);
      if (sequence > 0) history.push({ name, sequence, type: "history" });
    }
    this.strays = history;
  }

  /** Removes these files, if that can be done. */
  removeNow(names: readonly string[]): void {
    const { now } = this;
    for (const name of names) {
      try {
        now.remove(name);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
  }

  /** Removes files whose names begin so: nobody will end what a killed process has begun. */
  removeUnfinished(prefix: string): void {
    const { now } = this;
    for (const name of now.list()) if (name.startsWith(prefix)) now.remove(name);
  }

  /** Reads the manifest. False: there is none. An error: what is there is none. Throws StorageError. */
  read(): boolean | ManifestError {
    const name = manifestName(this.fileName);
    const text = named(
      `Fatal error: can't open the AOF manifest file ${this.folderName}/${name} for reading`,
      () => readText(this.now, name),
    );
    if (text === undefined) {
      this.manifest = { base: undefined, incrementals: [], history: [] };
      return false;
    }
    const manifest = parseManifest(text);
    if (manifest instanceof ManifestError) return manifest;
    this.manifest = manifest;
    return true;
  }

  /** Puts a manifest in the place of the one that is there, while everybody waits. Throws StorageError. */
  writeNow(manifest: AofManifest): void {
    const bytes = latin1Bytes(printManifest(manifest));
    const result = saveFileNow(this.now, this.saveNames, (write) => write(bytes, 0, bytes.length));
    this.written(manifest, result);
  }

  /** The same beside the event loop. Rejects with a StorageError. */
  async write(manifest: AofManifest): Promise<void> {
    const bytes = latin1Bytes(printManifest(manifest));
    const file = new SaveFile(this.later, this.saveNames);
    file.write(bytes, 0, bytes.length);
    file.complete();
    this.written(manifest, await file.result);
  }

  private get saveNames(): SaveNames {
    const { fileName } = this;
    return {
      name: manifestName(fileName),
      temporaryName: temporaryManifestName(fileName),
      mode: LOG_MODE,
    };
  }

  private written(manifest: AofManifest, result: SaveResult): void {
    // From the renaming on it is the one that is there, whatever the power does.
    if (result.ok || result.step === "sync-folder") this.manifest = manifest;
    if (!result.ok) throw result.error;
  }

  /** Opens a file to go on at its end. Throws StorageError. */
  append(name: string): AppendFile {
    return this.now.append(name);
  }

  /** Bytes of a file; undefined: there is none. Throws StorageError. */
  sizeOf(name: string): number | undefined {
    return sizeIn(this.now, name);
  }

  /**
   * Files that are needed no more go, and then their places in the manifest. One that the disk keeps (it may
   * be immutable, or its folder is not ours) is told, keeps its place, and is tried again the next time: the
   * data set is whole with it or without. Never rejects for what a disk can do.
   */
  async removeHistory(): Promise<void> {
    const { manifest, later } = this;
    if (manifest.history.length === 0) return;
    const kept: AofFile[] = [];
    for (const file of manifest.history) {
      this.host.log("notice", `Removing the history file ${file.name} in the background`);
      try {
        await later.remove(file.name);
      } catch (error) {
        this.tellKept(file.name, error);
        kept.push(file);
      }
    }
    if (kept.length === manifest.history.length) return;
    try {
      await this.write({ ...manifest, history: kept });
    } catch (error) {
      this.tellKept(manifestName(this.fileName), error);
    }
  }

  private tellKept(name: string, error: unknown): void {
    if (!(error instanceof StorageError)) throw error;
    this.host.log("warning", `Old files of the AOF cannot be removed: ${name}: ${error.message}`);
  }
}

/**
 * The result of a step that the disk may refuse. Its reason is then said of what was tried: a start that
 * fails with "Permission denied" tells nobody where.
 */
export function named<Result>(failure: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new StorageError(error.code, `${failure}: ${error.message}`);
  }
}

function largest(files: readonly (AofFile | undefined)[]): number {
  return files.reduce((most, file) => Math.max(most, file?.sequence ?? 0), 0);
}

/** Bytes of a file in the folder; undefined: there is none. */
function sizeIn(folder: SyncStorage, name: string): number | undefined {
  const file = folder.open(name);
  file?.close();
  return file?.sizeBytes;
}

/** The whole of a short file, a character a byte; undefined: there is none. */
function readText(storage: SyncStorage, name: string): string | undefined {
  const file = storage.open(name);
  if (file === undefined) return undefined;
  try {
    let text = "";
    const chunk = new Uint8Array(4096);
    for (let length = file.read(chunk); length > 0; length = file.read(chunk)) {
      text += String.fromCharCode(...chunk.subarray(0, length));
      if (text.length > MANIFEST_BYTES_MAX) break;
    }
    return text;
  } finally {
    file.close();
  }
}
