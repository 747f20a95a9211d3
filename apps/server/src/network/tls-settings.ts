/**
 * TLS settings: what the `tls-*` directives ask for, as `node:tls` takes it, or why it cannot be had.
 *
 *      tls-cert-file, tls-key-file ──read, tried──┐
 *      tls-ca-cert-file, tls-ca-cert-dir ─────────┼──> TlsOptions      or TlsSettingsError, in the words
 *      tls-protocols, tls-ciphers ... ────────────┘                    that operators of Redis know
 *
 * Promises:
 *   - who is refused is refused here: options that are handed out make a server;
 *   - only authorities of the directives are trusted, never those that come with the runtime;
 *   - `node:tls` is loaded when TLS is first asked for, as it costs every start some milliseconds.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { TlsOptions } from "node:tls";
import type { ConfigStore } from "@kv/config";
import { pathBytes, textOf } from "../process/byte-string.ts";
import { systemErrorText } from "../process/system-error.ts";

/** The message is the line for the log. */
export class TlsSettingsError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "TlsSettingsError";
}

export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}

function nodeCrypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}

/** Which side of connections: those that others open, or those that this server opens. */
export type TlsSide = "server" | "client";

/** The directive, if any, by which connections that this server opens are to be encrypted. */
export function outgoingTls(config: ConfigStore): "tls-replication" | "tls-cluster" | undefined {
  if (config.boolean("tls-replication")) return "tls-replication";
  return config.boolean("tls-cluster") ? "tls-cluster" : undefined;
}

/** Reads the files and tries all of it, in the order in which Redis does. Throws a TlsSettingsError. */
export function tlsSettings(config: ConfigStore, side: TlsSide = "server"): TlsOptions {
  for (const name of ["tls-cert-file", "tls-key-file"]) {
    if (config.text(name) === "") throw new TlsSettingsError(`No ${name} configured!`);
  }
  const hasToCheck = side === "client" || config.text("tls-auth-clients") !== "no";
  if (hasToCheck && !namesAuthority(config)) {
    throw new TlsSettingsError(
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!",
    );
  }
  const { minVersion, maxVersion, without } = protocols(config.text("tls-protocols"));
  const options: TlsOptions = {
    minVersion,
    maxVersion,
    secureOptions: without | furtherOptions(config),
    ...identity(config, side),
    ca: authorities(config),
    ciphers: ciphers(config.text("tls-ciphers"), config.text("tls-ciphersuites")),
    honorCipherOrder: config.boolean("tls-prefer-server-ciphers"),
    dhparam: exchangeParameters(config.text("tls-dh-params-file")),
    sessionTimeout: config.number("tls-session-cache-timeout"),
    sessionIdContext: "kv",
  };
  tried("Failed to configure TLS", () => nodeTls().createSecureContext(options));
  return side === "client" ? options : { ...options, ...clientChecks(config) };
}

/**
 * A second handshake within a connection costs the server more than the client. Sessions are kept by
 * clients, in tickets: without those there is none to come back to.
 */
function furtherOptions(config: ConfigStore): number {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = nodeCrypto().constants;
  return SSL_OP_NO_RENEGOTIATION | (config.boolean("tls-session-caching") ? 0 : SSL_OP_NO_TICKET);
}

/** What becomes of a client's certificate. Says yes to no authority, too: then nobody is let in. */
export function clientChecks(config: ConfigStore): TlsOptions {
  const checks = config.text("tls-auth-clients");
  return { requestCert: checks !== "no", rejectUnauthorized: checks === "yes" };
}

function namesAuthority(config: ConfigStore): boolean {
  return config.text("tls-ca-cert-file") !== "" || config.text("tls-ca-cert-dir") !== "";
}

const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** Any set of versions, also one with a gap: the lowest and the highest, without those between. */
function protocols(text: string) {
  const { constants } = nodeCrypto();
  const words = text === "" ? ["tlsv1.2", "tlsv1.3"] : text.toLowerCase().split(/\s+/);
  const asked = words.filter((word) => word !== "");
  const isAsked = versions.map((version) => asked.includes(version.toLowerCase()));
  const isKnown = (word: string) => versions.some((version) => version.toLowerCase() === word);
  if (asked.length === 0 || !asked.every(isKnown)) {
    throw new TlsSettingsError(
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
    );
  }
  const refusals = [
    constants.SSL_OP_NO_TLSv1,
    constants.SSL_OP_NO_TLSv1_1,
    constants.SSL_OP_NO_TLSv1_2,
    constants.SSL_OP_NO_TLSv1_3,
  ];
  const without = isAsked.reduce(
    (flags, isIn, index) => (isIn ? flags : flags | refusals[index]),
    0,
  );
  return {
    minVersion: versions[isAsked.indexOf(true)],
    maxVersion: versions[isAsked.lastIndexOf(true)],
    without,
  };
}

/** Certificate and key, which must be a pair. Those of outgoing connections may be their own. */
function identity(config: ConfigStore, side: TlsSide): TlsOptions {
  const { createSecureContext } = nodeTls();
  const hasOwn = side === "client" && config.text("tls-client-cert-file") !== "";
  const prefix = hasOwn ? "tls-client" : "tls";
  const certFile = config.text(`${prefix}-cert-file`);
  const keyFile = config.text(`${prefix}-key-file`);
  const password = config.text(`${prefix}-key-file-pass`);
  const passphrase = password === "" ? {} : { passphrase: textOf(password) };
  const cert = tried(`Failed to load certificate: ${certFile}`, () => {
    const bytes = readFileSync(pathBytes(certFile));
    createSecureContext({ cert: bytes, ca: [] });
    return bytes;
  });
  const key = tried(`Failed to load private key: ${keyFile}`, () => {
    const bytes = readFileSync(pathBytes(keyFile));
    createSecureContext({ cert, key: bytes, ...passphrase, ca: [] });
    return bytes;
  });
  return { cert, key, ...passphrase };
}

const certificate =
  /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (TRUSTED |X509 )?CERTIFICATE-----/g;

/** The certificates of all authorities. An empty list trusts nobody; no list would trust the runtime's. */
function authorities(config: ConfigStore): string[] {
  const file = config.text("tls-ca-cert-file");
  const folder = config.text("tls-ca-cert-dir");
  const found = tried("Failed to configure CA certificate(s) file/directory", () =>
    file === "" ? [] : certificatesOf(readFileSync(pathBytes(file))),
  );
  return folder === "" ? found : [...found, ...certificatesIn(folder)];
}

function certificatesOf(bytes: Buffer): string[] {
  const { X509Certificate } = nodeCrypto();
  const found = bytes.toString("latin1").match(certificate) ?? [];
  if (found.length === 0) {
    throw new Error("error:05800088:x509 certificate routines::no certificate or crl found");
  }
  // The runtime would pass over a damaged one, and its clients would be turned away without a word.
  for (const each of found) new X509Certificate(each);
  return found;
}

/** A folder made by `openssl rehash`: other names OpenSSL does not look at, and no more does this. */
const hashedName = /^[0-9a-f]{8}\.\d+$/;

/** As in OpenSSL, whatever cannot be read there is not trusted, and no error. */
function certificatesIn(folder: string): string[] {
  const found: string[] = [];
  try {
    for (const name of readdirSync(pathBytes(folder), "latin1").sort()) {
      if (!hashedName.test(name)) continue;
      try {
        found.push(...certificatesOf(readFileSync(pathBytes(`${folder}/${name}`))));
      } catch {
        // Not a certificate, or gone meanwhile.
      }
    }
  } catch {
    // There is no such folder.
  }
  return found;
}

/**
 * One list for both directives. Suites of TLS 1.3 are told from other ciphers by their first letters;
 * without any of one sort the runtime would refuse the protocols that need them, so its own stand in.
 */
function ciphers(older: string, suites: string): string {
  const { createSecureContext, DEFAULT_CIPHERS } = nodeTls();
  const isSuite = (name: string) => name.startsWith("TLS_");
  const defaults = listed(DEFAULT_CIPHERS);
  const olderNames = older === "" ? defaults.filter((name) => !isSuite(name)) : listed(older);
  const suiteNames = suites === "" ? defaults.filter(isSuite) : listed(suites);
  const list = [...suiteNames, ...olderNames].join(":");
  if (olderNames.some(isSuite) || !accepted(olderNames.join(":"))) {
    throw new TlsSettingsError(`Failed to configure ciphers: ${older}`);
  }
  if (!suiteNames.every(isSuite) || !accepted(list)) {
    throw new TlsSettingsError(`Failed to configure ciphersuites: ${suites}`);
  }
  return list;

  function accepted(names: string): boolean {
    try {
      createSecureContext({ ciphers: names, ca: [] });
      return true;
    } catch {
      return false;
    }
  }
}

/** OpenSSL lets lists have any of these between names. */
function listed(text: string): string[] {
  return text.split(/[:, ;]+/).filter((name) => name !== "");
}

const exchangeLabel = /^-----BEGIN (X9\.42 )?DH PARAMETERS-----/m;

/** "auto": as long as the certificate's key asks for. Undefined: where the runtime has none of its own. */
function exchangeParameters(file: string): "auto" | Buffer | undefined {
  if (file === "") return hasParameters() ? "auto" : undefined;
  let bytes: Buffer;
  try {
    bytes = readFileSync(pathBytes(file));
  } catch (error) {
    throw new TlsSettingsError(`Failed to load ${file}: ${systemErrorText(error)}`, {
      cause: error,
    });
  }
  try {
    // What is none the runtime takes without a word, and has no parameters then.
    if (!exchangeLabel.test(bytes.toString("latin1"))) throw new Error("there are none");
    nodeTls().createSecureContext({ dhparam: bytes, ca: [] });
  } catch {
    throw new TlsSettingsError(`${file}: failed to read DH params.`);
  }
  return bytes;
}

/** Bun has none: ciphers that need them are not offered then, and all others are. */
function hasParameters(): boolean {
  if (process.versions.bun === undefined) return true;
  try {
    nodeTls().createSecureContext({ dhparam: "auto" });
    return true;
  } catch {
    return false;
  }
}

function tried<Result>(what: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw new TlsSettingsError(`${what}: ${tlsErrorText(error)}`, { cause: error });
  }
}

/** OpenSSL numbers the system's errors from here on. */
const SYSTEM_ERROR_BASE = 0x80000000;

/** Of a message of OpenSSL's: number, library, and what is wrong; the rest is lines of its source. */
const opensslMessage = /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:\n]*)/;

/** "error:0480006C:PEM routines::no start line", as OpenSSL words its errors and the system's. */
export function tlsErrorText(error: unknown): string {
  const { errno, message } = error as { errno?: unknown; message?: unknown };
  if (typeof errno === "number") {
    const number = (SYSTEM_ERROR_BASE + Math.abs(errno)).toString(16).toUpperCase();
    return `error:${number}:system library::${systemErrorText(error)}`;
  }
  const found = opensslMessage.exec(String(message));
  if (found === null) return String(message ?? error);
  const [, number, library, reason] = found;
  return `error:${number}:${library}::${reason}`;
}
