/** Patterns: which keys a user may read and write, and which channels it may use. */
import { globMatch } from "@kv/core";
import { latin1Bytes } from "@kv/resp";

/** Bits: what may be done with a key. */
export const KeyAccess = { READ: 1, WRITE: 2, BOTH: 3 } as const;

interface KeyPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Bits of KeyAccess. */
  readonly access: number;
}

const signs: Readonly<Record<number, string>> = {
  [KeyAccess.READ]: "%R~",
  [KeyAccess.WRITE]: "%W~",
  [KeyAccess.BOTH]: "~",
};

/**
 * The keys that a selector allows, by glob patterns, each for reading, writing or both. None at
 * first.
 */
export class KeyPatterns {
  /** `~*` or `allkeys`: every key in every way, and no pattern is looked at. */
  allowsAll = false;
  private readonly byText = new Map<string, KeyPattern>();

  /** Becomes what `other` is; a later change of one does not change the other. */
  copyFrom(other: KeyPatterns): void {
    this.allowsAll = other.allowsAll;
    this.byText.clear();
    for (const [text, pattern] of other.byText) this.byText.set(text, pattern);
  }

  /** How many patterns there are. */
  get count(): number {
    return this.byText.size;
  }

  /** `allkeys`: takes the place of all patterns. */
  allowAll(): void {
    this.reset();
    this.allowsAll = true;
  }

  /** `resetkeys`: no key from now on. */
  reset(): void {
    this.allowsAll = false;
    this.byText.clear();
  }

  /**
   * One more pattern, one character a byte, with bits of KeyAccess. The same pattern again may be
   * used in both ways: `%R~a %W~a` is `~a`.
   */
  add(text: string, access: number): void {
    const known = this.byText.get(text);
    const bytes = known?.bytes ?? latin1Bytes(text);
    this.byText.set(text, { text, bytes, access: access | (known?.access ?? 0) });
  }

  /**
   * Whether the key bytes[start, end) may be used so: one pattern that it matches gives all the
   * bits of `access`. 0: something that tells nothing of the value is asked, and any pattern will
   * do.
   */
  allows(bytes: Uint8Array, start: number, end: number, access: number): boolean {
    if (this.allowsAll) return true;
    for (const pattern of this.byText.values()) {
      if ((pattern.access & access) !== access) continue;
      if (globMatch(pattern.bytes, 0, pattern.bytes.length, bytes, start, end, false)) return true;
    }
    return false;
  }

  /** True when every key may be used so (bits of KeyAccess), known today or not. */
  allowsEvery(access: number): boolean {
    return this.allowsAll || ((this.byText.get("*")?.access ?? 0) & access) === access;
  }

  /**
   * The patterns as rules, in the order in which they came: `~a`, `%R~b`; `~*` alone when all keys
   * are allowed.
   */
  words(): string[] {
    if (this.allowsAll) return ["~*"];
    return Array.from(this.byText.values(), ({ text, access }) => `${signs[access]}${text}`);
  }
}

/** The channels that a selector allows, by glob patterns. None at first. */
export class ChannelPatterns {
  /** `&*` or `allchannels`: every channel and every pattern of channels. */
  allowsAll = false;
  private readonly byText = new Map<string, Uint8Array>();

  /** Becomes what `other` is; a later change of one does not change the other. */
  copyFrom(other: ChannelPatterns): void {
    this.allowsAll = other.allowsAll;
    this.byText.clear();
    for (const [text, bytes] of other.byText) this.byText.set(text, bytes);
  }

  /** How many patterns there are. */
  get count(): number {
    return this.byText.size;
  }

  /** `allchannels`: takes the place of all patterns. */
  allowAll(): void {
    this.reset();
    this.allowsAll = true;
  }

  /** `resetchannels`: no channel from now on. */
  reset(): void {
    this.allowsAll = false;
    this.byText.clear();
  }

  /** One more pattern, one character a byte. A pattern that is there already changes nothing. */
  add(text: string): void {
    if (!this.byText.has(text)) this.byText.set(text, latin1Bytes(text));
  }

  /** True when this very pattern was given. */
  has(text: string): boolean {
    return this.byText.has(text);
  }

  /** The patterns, in the order in which they came. */
  texts(): Iterable<string> {
    return this.byText.keys();
  }

  /**
   * Whether bytes[start, end) may be listened or published to. A channel is matched. Whoever
   * subscribes to a pattern must have been given that very pattern: whether all its channels are
   * within another one cannot be told.
   */
  allows(bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
    if (this.allowsAll) return true;
    for (const pattern of this.byText.values()) {
      if (isPattern) {
        if (equal(pattern, bytes, start, end)) return true;
      } else if (globMatch(pattern, 0, pattern.length, bytes, start, end, false)) return true;
    }
    return false;
  }

  /** The patterns as rules, `&x`, as GETUSER shows them; `&*` alone when all are allowed. */
  words(): string[] {
    return this.allowsAll ? ["&*"] : Array.from(this.byText.keys(), (text) => `&${text}`);
  }
}

function equal(pattern: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (pattern.length !== end - start) return false;
  for (let i = 0; i < pattern.length; i++) if (pattern[i] !== bytes[start + i]) return false;
  return true;
}
