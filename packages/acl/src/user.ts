/**
 * User: who may log in with which passwords, and what it may do then. rules.ts changes one, words()
 * shows it in the same language.
 *
 * Passwords are kept as their SHA-256. Comparing digests in full takes the same time wherever they
 * differ.
 */
import type { CommandRow, FoundKeys } from "@kv/commands";
import type { KnownCommands } from "./known-commands.ts";
import { type AclRequest, keysIn } from "./request.ts";
import { type Denial, Selector } from "./selector.ts";

/** Of several denials the one that came nearest to being none is told. */
const nearness: Readonly<Record<Denial["reason"], number>> = { command: 0, key: 1, channel: 2 };

/** A user: its passwords, and the selectors that say what it may do. */
export class User {
  /** As AUTH and ACL SETUSER call it; never changes. */
  readonly name: string;
  /** `on`: may log in. Whoever is logged in already stays so when it is off. */
  enabled = false;
  /** nopass: any password will do. */
  anyPassword = false;
  /** Whether what it gives to RESTORE is checked. Here everybody's payloads are; this is shown. */
  sanitizesPayload = true;
  /** SHA-256 of each accepted password, lower-case hex. */
  readonly passwords = new Set<string>();
  /** What the rules outside parentheses build. */
  readonly root: Selector;
  /** The selectors in parentheses, in the order in which they came. */
  selectors: Selector[] = [];

  /** A user that may do nothing. `known` are the commands that its rules will be about. */
  constructor(name: string, known: KnownCommands) {
    this.name = name;
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
    this.selectors = other.selectors.map((selector) => selector.copy());
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
    let found: readonly FoundKeys[] | undefined;
    const keys = () => {
      found ??= keysIn(row, request);
      return found;
    };
    let nearest = this.root.denial(row, request, keys);
    for (const selector of this.selectors) {
      if (nearest === null) return null;
      const denial = selector.denial(row, request, keys);
      if (denial === null || isNearer(denial, nearest)) nearest = denial;
    }
    return nearest;
  }

  /**
   * True when a selector that allows the request lets any key be used in this way (bits of
   * KeyAccess), too: what SORT with BY or GET asks, whose keys its words do not tell.
   */
  mayUseAnyKey(row: CommandRow, request: AclRequest, access: number): boolean {
    const keys = () => keysIn(row, request);
    return [this.root, ...this.selectors].some(
      (selector) =>
        selector.keys.allowsEvery(access) && selector.denial(row, request, keys) === null,
    );
  }

  /** True when it may listen to the channel bytes[start, end), or to this pattern of channels. */
  mayListen(bytes: Uint8Array, start: number, end: number, isPattern: boolean): boolean {
    return [this.root, ...this.selectors].some(({ channels }) =>
      channels.allows(bytes, start, end, isPattern),
    );
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
