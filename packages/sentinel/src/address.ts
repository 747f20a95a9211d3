/**
 * Address: where an instance is. Operators and peers may give a name in place of a number; the number
 * behind it is known once the name was looked up, whether or not anybody answers there.
 */

/** Host and port of an instance. */
export class Address {
  /** As it was given: a number or a name. */
  readonly host: string;
  readonly port: number;
  /** The number; "" while only the name is known. */
  ip: string;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
    this.ip = isNumeric(host) ? host : "";
  }

  /** The name leads to these numbers: to the one that was reached, as long as that is among them. */
  isBehind([first = this.ip, ...others]: readonly string[]): void {
    if (![first, ...others].includes(this.ip)) this.ip = first;
  }

  equals(other: Address): boolean {
    return this.port === other.port && this.isHost(other.host, other.ip);
  }

  /** Whether words of a message mean this address. */
  isAt(host: string, port: number): boolean {
    return this.port === port && this.isHost(host, host);
  }

  private isHost(host: string, ip: string): boolean {
    if (this.host.toLowerCase() === host.toLowerCase()) return true;
    return this.ip !== "" && this.ip === ip;
  }

  /** As it is told: by its name, or by its number. */
  shown(byName: boolean): string {
    return byName || this.ip === "" ? this.host : this.ip;
  }
}

/** Whether it is an address already, of either kind, and no name to look up. */
export function isNumeric(host: string): boolean {
  const parts = host.split(".");
  if (parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return true;
  return host.includes(":") && /^[0-9a-fA-F:.]+(%\w+)?$/.test(host);
}

/** The host of `127.0.0.1:6379` and `[::1]:6379`, as connections tell where they lead. */
export function hostOf(place: string): string {
  return place.slice(0, place.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
