/**
 * ScriptCache: the scripts that EVALSHA finds, by their SHA-1. Those of SCRIPT LOAD stay until SCRIPT
 * FLUSH; of those that only EVAL has brought, the ones used last stay (EVAL_SCRIPTS_MAX, as Redis 7.4
 * has it): a program that makes a new script for each call fills no memory.
 *
 * A source that EVAL has seen is recognised by a hash and a comparison, so that a SHA-1 is made of it
 * once only.
 */
import { hashBytes } from "@kv/core";
import type { LuaScript } from "@kv/lua";
import { latin1 } from "@kv/resp";
import type { Shebang } from "./shebang.ts";

const EVAL_SCRIPTS_MAX = 500;
/** Characters of a SHA-1 as it is written. */
export const SHA_DIGITS = 40;
/** What an entry takes besides its source: the object, its names, its places in two maps. */
const ENTRY_BYTES = 300;
const RECENT = 64;
const HASH_SEED = 0x5c819751;

export interface CachedScript {
  readonly sha: string;
  readonly source: Uint8Array;
  readonly shebang: Shebang;
  /** In the machine that it was compiled for; null: not yet, or the machine is gone. */
  compiled: LuaScript | null;
  /** SCRIPT LOAD was said: it is not forgotten by itself. */
  isKept: boolean;
  /** Its neighbours among those that may be forgotten, in the order of their last use. */
  older: CachedScript | null;
  newer: CachedScript | null;
}

/** One that EVALSHA has found: its SHA-1 as it was written, in upper or lower case. */
interface Recent {
  readonly script: CachedScript;
  readonly words: readonly number[];
}

export class ScriptCache {
  /** Scripts of EVAL that made room for newer ones. */
  evictedCount = 0;
  /** Bytes that sources and entries take. */
  bytes = 0;
  private readonly bySha = new Map<string, CachedScript>();
  /** The script that was seen last of those whose sources have this hash. */
  private readonly byHash = new Map<number, CachedScript>();
  /** Those that EVALSHA has found last, by their first digits: no text is made. */
  private recent: (Recent | undefined)[] = [];
  /** The ends of the list of those that may be forgotten. */
  private oldest: CachedScript | null = null;
  private newest: CachedScript | null = null;
  private evalCount = 0;
  private readonly forget: (script: CachedScript) => void;

  /** `forget` is told of each script that goes. */
  constructor(forget: (script: CachedScript) => void) {
    this.forget = forget;
  }

  get count(): number {
    return this.bySha.size;
  }

  /** The script of this SHA-1, in lower case. */
  find(sha: string): CachedScript | undefined {
    const script = this.bySha.get(sha);
    if (script !== undefined) this.used(script);
    return script;
  }

  /** The script whose SHA-1 stands in bytes[start, end), in either case. */
  findWritten(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): CachedScript | undefined {
    if (end - start !== SHA_DIGITS) return undefined;
    const slot = ((bytes[start] as number) * 31 + (bytes[start + 1] as number)) % RECENT;
    const recent = this.recent[slot];
    if (recent !== undefined && isWritten(recent.words, view, start)) {
      this.used(recent.script);
      return recent.script;
    }
    const script = this.find(latin1(bytes, start, end).toLowerCase());
    if (script !== undefined) this.recent[slot] = { script, words: wordsAt(view, start) };
    return script;
  }

  has(sha: string): boolean {
    return this.bySha.has(sha);
  }

  /** The script with this source, if it was seen lately. */
  findSource(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): CachedScript | undefined {
    const script = this.byHash.get(hashBytes(bytes, view, start, end, HASH_SEED));
    if (script === undefined || !isSame(script.source, bytes, start, end)) return undefined;
    this.used(script);
    return script;
  }

  /** A script that is not there yet. */
  add(script: CachedScript): void {
    if (!script.isKept) {
      if (this.evalCount === EVAL_SCRIPTS_MAX) this.evict();
      this.append(script);
    }
    this.bySha.set(script.sha, script);
    this.byHash.set(hashOf(script.source), script);
    this.bytes += script.source.length + ENTRY_BYTES;
  }

  /** SCRIPT LOAD of one that is there: from now on it stays. */
  keep(script: CachedScript): void {
    if (script.isKept) return;
    this.unlink(script);
    script.isKept = true;
  }

  /** SCRIPT FLUSH. */
  clear(): void {
    for (const script of this.bySha.values()) this.forget(script);
    this.bySha.clear();
    this.byHash.clear();
    this.recent = [];
    this.oldest = null;
    this.newest = null;
    this.evalCount = 0;
    this.bytes = 0;
  }

  /** The machine is gone, and what was compiled with it. */
  machineLost(): void {
    for (const script of this.bySha.values()) script.compiled = null;
  }

  private used(script: CachedScript): void {
    if (script.isKept || script === this.newest) return;
    this.unlink(script);
    this.append(script);
  }

  private append(script: CachedScript): void {
    script.older = this.newest;
    if (this.newest === null) this.oldest = script;
    else this.newest.newer = script;
    this.newest = script;
    this.evalCount++;
  }

  private unlink(script: CachedScript): void {
    const { older, newer } = script;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    script.older = null;
    script.newer = null;
    this.evalCount--;
  }

  private evict(): void {
    const { oldest, recent } = this;
    if (oldest === null) return;
    this.unlink(oldest);
    this.forget(oldest);
    for (let i = 0; i < recent.length; i++) if (recent[i]?.script === oldest) recent[i] = undefined;
    this.bySha.delete(oldest.sha);
    const hash = hashOf(oldest.source);
    if (this.byHash.get(hash) === oldest) this.byHash.delete(hash);
    this.bytes -= oldest.source.length + ENTRY_BYTES;
    this.evictedCount++;
  }
}

function hashOf(source: Uint8Array): number {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  return hashBytes(source, view, 0, source.length, HASH_SEED);
}

/** The forty digits there, four by four. */
function wordsAt(view: DataView, start: number): number[] {
  const words: number[] = [];
  for (let i = 0; i < SHA_DIGITS; i += 4) words.push(view.getInt32(start + i));
  return words;
}

function isWritten(words: readonly number[], view: DataView, start: number): boolean {
  for (let i = 0; i < words.length; i++)
    if (view.getInt32(start + 4 * i) !== words[i]) return false;
  return true;
}

function isSame(source: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (source.length !== end - start) return false;
  for (let i = 0; i < source.length; i++) if (source[i] !== bytes[start + i]) return false;
  return true;
}
