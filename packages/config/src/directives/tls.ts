/** Directives: TLS. */
import { directive } from "../directive.ts";
import { boolean, integer, oneOf, text } from "../kinds.ts";
import { intMax } from "../value-grammar.ts";

/** Passwords and lists of names: text that may be absent. */
function optionalText<const Name extends string>(name: Name, summary: string, sensitive = false) {
  return directive({ name, kind: text(), default: "", emptyIsUnset: true, sensitive, summary });
}

/** Certificates and the like are renewed under the same name: to set it again is to read them again. */
function optionalPath<const Name extends string>(name: Name, summary: string) {
  return directive({
    name,
    kind: text(),
    default: "",
    emptyIsUnset: true,
    namesFile: true,
    summary,
  });
}

export const tls = [
  directive({
    name: "tls-port",
    kind: integer(0, 65535),
    default: 0,
    summary: "TCP port for TLS connections; 0 listens on none.",
  }),
  directive({
    name: "tls-session-cache-size",
    kind: integer(0, intMax),
    default: 20480,
    noEffectBecause: "Clients keep their sessions, in tickets, and the server none.",
    summary: "TLS sessions to keep; 0 keeps any number.",
  }),
  directive({
    name: "tls-session-cache-timeout",
    kind: integer(0, intMax),
    default: 300,
    summary: "Seconds for which a TLS session can be resumed.",
  }),
  directive({
    name: "tls-cluster",
    kind: boolean,
    default: false,
    differs: "There is no cluster bus: what it encrypts is MIGRATE alone.",
    summary: "Use TLS on the cluster bus.",
  }),
  directive({
    name: "tls-replication",
    kind: boolean,
    default: false,
    summary: "Use TLS on the link to the primary.",
  }),
  directive({
    name: "tls-auth-clients",
    kind: oneOf(["no", "yes", "optional"]),
    default: "yes",
    summary: "Whether clients must show a certificate.",
  }),
  directive({
    name: "tls-prefer-server-ciphers",
    kind: boolean,
    default: false,
    summary: "Choose the cipher by the server's order, not the client's.",
  }),
  directive({
    name: "tls-session-caching",
    kind: boolean,
    default: true,
    summary: "Let clients resume TLS sessions.",
  }),
  optionalPath("tls-cert-file", "Certificate of the server."),
  optionalPath("tls-key-file", "Private key of the server's certificate."),
  optionalText("tls-key-file-pass", "Password of the server's private key.", true),
  optionalPath("tls-client-cert-file", "Certificate for connections the server opens."),
  optionalPath("tls-client-key-file", "Private key of the client certificate."),
  optionalText("tls-client-key-file-pass", "Password of the client private key.", true),
  optionalPath("tls-dh-params-file", "Diffie-Hellman parameters."),
  optionalPath("tls-ca-cert-file", "Certificates of trusted authorities."),
  optionalPath("tls-ca-cert-dir", "Directory with certificates of trusted authorities."),
  optionalText("tls-protocols", "TLS versions to allow."),
  optionalText("tls-ciphers", "Ciphers up to TLS 1.2."),
  optionalText("tls-ciphersuites", "Cipher suites of TLS 1.3."),
] as const;
