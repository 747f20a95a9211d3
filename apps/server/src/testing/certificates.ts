/** Certificates for tests: see make.sh beside them. */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { fileURLToPath } from "node:url";

/** The path of a file by its name, as "server" or "client-key". */
export function pem(name: string): string {
  return fileURLToPath(new URL(`./certificates/${name}.pem`, import.meta.url));
}

/** Directives for a server that asks its clients for certificates. */
export function tlsOptions() {
  return {
    "tls-cert-file": pem("server"),
    "tls-key-file": pem("server-key"),
    "tls-ca-cert-file": pem("ca"),
  } as const;
}

/** What a client knows, and the certificate that it shows. */
export function clientOptions(name: string | null = "client"): ConnectionOptions {
  const options = { ca: readFileSync(pem("ca")), host: "127.0.0.1" };
  if (name === null) return options;
  return { ...options, cert: readFileSync(pem(name)), key: readFileSync(pem(`${name}-key`)) };
}
