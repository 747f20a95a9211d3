/** Patterns: which keys a user may read and write, and which channels it may use. */
import { globMatch } from "@kv/core";
import { latin1Bytes } from "@kv/resp";

/** Bits: what may be done with a key. */
export const KeyAccess = { READ: 1, WRITE: 2, BOTH: 3 } as const;

interface KeyPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Bits of KeyAccess. */
  access: number;
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
  private patterns: KeyPattern[] = [];

  /** Becomes what `other` is; a later change of one does not change the other. */
  copyFrom(other: KeyPatterns): void {
    this.allowsAll = other.allowsAll;
    this.patterns = other.patterns.map((pattern) => ({ ...pattern }));
  }

  /** `allkeys`: takes the place of all patterns. */
  allowAll(): void {
    this.allowsAll = true;
    this.patterns = [];
  }

  /** `resetkeys`: no key from now on. */
  reset(): void {
    this.allowsAll = false;
    this.patterns = [];
  }

  /**
   * One more pattern, one character a byte, with bits of KeyAccess. The same pattern again may be
   * used in both ways: `%R~a %W~a` is `~a`.
   */
  add(text: string, access: number): void {
    const known = this.patterns.find((pattern) => pattern.text === text);
    if (known !== undefined) known.access |= access;
    else this.patterns.push({ text, bytes: latin1Bytes(text), access });
  }

  /**
   * Whether the key bytes[start, end) may be used so: one pattern that it matches gives all the
   * bits of `access`. 0: something that tells nothing of the value is asked, and any pattern will
   * do.
   */
  allows(bytes: Uint8Array, start: number, end: number, access: number): boolean {
    if (this.allowsAll) return true;
    return this.patterns.some(
      (pattern) =>
        (pattern.access & access) === access &&
        globMatch(pattern.bytes, 0, pattern.bytes.length, bytes, start, end, false),
    );
  }

  /** True when every key may be used so (bits of KeyAccess), known today or not. */
  allowsEvery(access: number): boolean {
    return (
      this.allowsAll ||
      this.patterns.some(({ text, access: given }) => text === "*" && (given & access) === access)
    );
  }

  /**
   * The patterns as rules, in the order in which they came: `~a`, `%R~b`; `~*` alone when all keys
   * are allowed.
   */
  words(): string[] {
    if (this.allowsAll) return ["~*"];
    return this.patterns.map(({ text, access }) => `${signs[access]}${text}`);
  }
}

/** The channels that a selector allows, by glob patterns. None at first. */
export class ChannelPatterns {
  /** `&*` or `allchannels`: every channel and every pattern of channels. */
  allowsAll = false;
  private patterns: { readonly text: string; readonly bytes: Uint8Array }[] = [];

  /** Becomes what `other` is; a later change of one does not change the other. */
  copyFrom(other: ChannelPatterns): void {
    this.allowsAll = other.allowsAll;
    this.patterns = [...other.patterns];
  }

  /** `allchannels`: takes the place of all patterns. */
  allowAll(): void {
    this.allowsAll = true;
    this.patterns = [];
  }

  /** `resetchannels`: no channel from now on. */
  reset(): void {
    this.allowsAll = false;
    this.patterns = [];
  }

  /** One more pattern, one character a byte. A pattern that is there already changes nothing. */
  add(text: string): void {
    if (this.patterns.some((pattern) => pattern.text === text)) return;
    this.patterns.push({ text, bytes: latin1Bytes(text) });
  }

  /**
   * Whether bytes[start, end) may be listened or published to. A channel is matched. Whoever
   * subscribes to a pattern must have been given that very pattern: whether all its channels are
   * within another one cannot be told.
   */
  allows(bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
    if (this.allowsAll) return true;
    return this.patterns.some((pattern) =>
      isPattern
        ? equal(pattern.bytes, bytes, start, end)
        : globMatch(pattern.bytes, 0, pattern.bytes.length, bytes, start, end, false),
    );
  }

  /** The patterns as rules, `&x`, as GETUSER shows them; `&*` alone when all are allowed. */
  words(): string[] {
    return this.allowsAll ? ["&*"] : this.patterns.map(({ text }) => `&${text}`);
  }
}

function equal(pattern: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (pattern.length !== end - start) return false;
  for (let i = 0; i < pattern.length; i++) if (pattern[i] !== bytes[start + i]) return false;
  return true;
}
