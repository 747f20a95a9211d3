/**
 * User: who may log in with which passwords, and what it may do then. rules.ts changes one, words()
 * shows it in the same language.
 *
 * Passwords are kept as their SHA-256. Comparing digests in full takes the same time wherever they
 * differ.
 */
import type { CommandRow } from "@kv/commands";
import type { KnownCommands } from "./known-commands.ts";
import type { AclRequest } from "./request.ts";
import { type Denial, Selector } from "./selector.ts";

/** Of several denials the one that came nearest to being none is told. */
const nearness: Readonly<Record<Denial["reason"], number>> = { command: 0, key: 1, channel: 2 };

/** What an empty selector counts for in `size`: it takes as much memory as so many patterns. */
export const SELECTOR_SIZE = 8;

/** A user: its passwords, and the selectors that say what it may do. */
export class User {
  /** As AUTH and ACL SETUSER call it; never changes. */
  readonly name: string;
  private readonly known: KnownCommands;
  /** `on`: may log in. Whoever is logged in already stays so when it is off. */
  enabled = false;
  /** nopass: any password will do. */
  anyPassword = false;
  /**
   * `sanitize-payload`: what it gives to RESTORE is checked. Everybody's payloads are checked here,
   * whatever this says: it is kept because Redis shows it, and other servers read our files.
   */
  sanitizesPayload = true;
  /** SHA-256 of each accepted password, lower-case hex. */
  readonly passwords = new Set<string>();
  /** What the rules outside parentheses build. */
  readonly root: Selector;
  private further: readonly Selector[] = [];
  private furtherSize = 0;

  /** A user that may do nothing. `known` are the commands that its rules will be about. */
  constructor(name: string, known: KnownCommands) {
    this.name = name;
    this.known = known;
    this.root = new Selector(known);
  }

  /** Becomes what `other` is, apart from the name. Who holds this user sees the change. */
  become(other: User): void {
    this.enabled = other.enabled;
    this.anyPassword = other.anyPassword;
    this.sanitizesPayload = other.sanitizesPayload;
    const passwords = [...other.passwords];
    this.passwords.clear();
    for (const digest of passwords) this.passwords.add(digest);
    this.root.copyFrom(other.root);
    this.further = other.further; // None of them changes any more.
    this.furtherSize = other.furtherSize;
  }

  /** True when the user may do everything, so that no request need be looked at. */
  get isUnrestricted(): boolean {
    return this.root.allowsAll || this.selectors.some(({ allowsAll }) => allowsAll);
  }

  /**
   * Whether a password with this SHA-256, as lower-case hex, is one of the user's. Says nothing of
   * `enabled`.
   */
  accepts(digest: string): boolean {
    if (this.anyPassword) return true;
    let good = false;
    for (const password of this.passwords) if (sameText(password, digest)) good = true;
    return good;
  }

  /**
   * Why the user may not make the request; null when one selector alone allows all of it. Of
   * several selectors the one counts that came nearest to allowing it.
   */
  denial(row: CommandRow, request: AclRequest): Denial | null {
    const { keys } = this.known;
    keys.point(row, request);
    let nearest = this.root.denial(row, request, keys);
    for (let at = 0; nearest !== null && at < this.selectors.length; at++) {
      const denial = (this.selectors[at] as Selector).denial(row, request, keys);
      if (denial === null || isNearer(denial, nearest)) nearest = denial;
    }
    return nearest;
  }

  /**
   * True when a selector that allows the request lets any key be used in this way (bits of
   * KeyAccess), too: what SORT with BY or GET asks, whose keys its words do not tell.
   */
  mayUseAnyKey(row: CommandRow, request: AclRequest, access: number): boolean {
    const { keys } = this.known;
    keys.point(row, request);
    return this.all.some(
      (selector) =>
        selector.keys.allowsEvery(access) && selector.denial(row, request, keys) === null,
    );
  }

  /** True when it may listen to the channel bytes[start, end), or to this pattern of channels. */
  mayListen(bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
    return this.all.some(({ channels }) => channels.allows(bytes, start, end, isPattern));
  }

  /**
   * True when every channel and every pattern of channels that `other` was given is this user's as
   * well: then nobody who listens as `other` needs to be looked at.
   */
  hearsAllOf(other: User): boolean {
    if (this.all.some(({ channels }) => channels.allowsAll)) return true;
    return other.all.every(
      ({ channels }) =>
        !channels.allowsAll &&
        Array.from(channels.texts()).every((text) =>
          this.all.some((selector) => selector.channels.has(text)),
        ),
    );
  }

  private get all(): readonly Selector[] {
    return [this.root, ...this.selectors];
  }

  /** How many rules, patterns and passwords it has; a selector counts for several. */
  get size(): number {
    return this.passwords.size + this.root.count + this.furtherSize;
  }

  /** The selectors in parentheses, in the order in which they came. None of them changes any more. */
  get selectors(): readonly Selector[] {
    return this.further;
  }

  /** One more selector. Whoever adds it does not change it afterwards. */
  addSelector(selector: Selector): void {
    this.further = [...this.further, selector];
    this.furtherSize += SELECTOR_SIZE + selector.count;
  }

  /** `clearselectors`: what stands outside of parentheses is left. */
  clearSelectors(): void {
    this.further = [];
    this.furtherSize = 0;
  }

  /**
   * `on` or `off`, `nopass` where it is so, and how payloads are checked: the flags of ACL GETUSER,
   * which are rules as well.
   */
  flags(): string[] {
    return [
      this.enabled ? "on" : "off",
      ...(this.anyPassword ? ["nopass"] : []),
      this.sanitizesPayload ? "sanitize-payload" : "skip-sanitize-payload",
    ];
  }

  /** The rules that make such a user of one that may do nothing; a selector is one of them. */
  rules(): string[] {
    return [
      ...this.flags(),
      ...[...this.passwords].map((digest) => `#${digest}`),
      ...this.root.words(),
      ...this.selectors.map((selector) => `(${selector.words().join(" ")})`),
    ];
  }

  /** The user as a line of ACL LIST and of an ACL file. */
  line(): string {
    return `user ${[this.name, ...this.rules()].join(" ")}`;
  }
}

function isNearer(one: Denial, other: Denial): boolean {
  const difference = nearness[one.reason] - nearness[other.reason];
  return difference > 0 || (difference === 0 && one.argument > other.argument);
}

function sameText(a: string, b: string): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
  return different === 0;
}
