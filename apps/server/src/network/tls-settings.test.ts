import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigStore } from "@kv/config";
import { afterAll, describe, expect, test } from "vitest";
import { pem, tlsOptions } from "../testing/certificates.ts";
import { TlsSettingsError, tlsSettings } from "./tls-settings.ts";

const folder = mkdtempSync(join(tmpdir(), "kv-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

function settings(options: Record<string, string> = {}) {
  const config = new ConfigStore();
  config.loadOptions(tlsOptions());
  for (const [name, value] of Object.entries(options)) config.configSet([[name, value]]);
  return tlsSettings(config);
}

const readText = (name: string) => readFileSync(pem(name), "latin1");

/** A file with this text. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("what cannot be had is refused with the line that Redis logs", () => {
  const noStart = "error:0480006C:PEM routines::no start line";
  const noFile = "error:80000002:system library::No such file or directory";
  test.each([
    ["tls-cert-file", "", "No tls-cert-file configured!"],
    ["tls-key-file", "", "No tls-key-file configured!"],
    [
      "tls-ca-cert-file",
      "",
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!",
    ],
    ["tls-cert-file", "/nope", `Failed to load certificate: /nope: ${noFile}`],
    [
      "tls-cert-file",
      pem("server-key"),
      `Failed to load certificate: ${pem("server-key")}: ${noStart}`,
    ],
    ["tls-key-file", "/nope", `Failed to load private key: /nope: ${noFile}`],
    [
      "tls-key-file",
      pem("client-key"),
      `Failed to load private key: ${pem("client-key")}: error:05800074:x509 certificate routines::key values mismatch`,
    ],
    [
      "tls-ca-cert-file",
      "/nope",
      `Failed to configure CA certificate(s) file/directory: ${noFile}`,
    ],
    [
      "tls-ca-cert-file",
      pem("server-key"),
      "Failed to configure CA certificate(s) file/directory: error:05800088:x509 certificate routines::no certificate or crl found",
    ],
    ["tls-ciphers", "nope", "Failed to configure ciphers: nope"],
    [
      "tls-ciphers",
      "TLS_AES_128_GCM_SHA256",
      "Failed to configure ciphers: TLS_AES_128_GCM_SHA256",
    ],
    ["tls-ciphersuites", "nope", "Failed to configure ciphersuites: nope"],
    ["tls-ciphersuites", "TLS_NOPE", "Failed to configure ciphersuites: TLS_NOPE"],
    ["tls-dh-params-file", "/nope", "Failed to load /nope: No such file or directory"],
    ["tls-dh-params-file", pem("ca"), `${pem("ca")}: failed to read DH params.`],
  ])("%s %s", (name, value, line) => {
    expect(() => settings({ [name]: value })).toThrow(new TlsSettingsError(line));
  });

  test.each(["nope", "tlsv1.2 nope", "TLSv1.4", "SSLv3"])("tls-protocols %s", (value) => {
    expect(() => settings({ "tls-protocols": value })).toThrow(
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
    );
  });

  test("a key that is locked, without its password or with another", () => {
    const locked = { "tls-key-file": pem("server-locked-key") };
    const reason = /^Failed to load private key: .*server-locked-key.pem: error:[0-9A-F]{8}:/;
    expect(() => settings(locked)).toThrow(reason);
    expect(() => settings({ ...locked, "tls-key-file-pass": "other" })).toThrow(reason);
    expect(settings({ ...locked, "tls-key-file-pass": "secret" }).passphrase).toBe("secret");
  });

  test("one damaged authority among others", () => {
    const good = readText("ca");
    const damaged = good.replace(/\nMII./, "\nAAAA");
    const path = file("damaged.pem", `${good}${damaged}`);
    expect(() => settings({ "tls-ca-cert-file": path })).toThrow(
      /^Failed to configure CA certificate\(s\) file\/directory: error:/,
    );
  });
});

describe("authorities", () => {
  test("all of a file, and those of a folder that have OpenSSL's names", () => {
    const both = file("both.pem", `# two\n${readText("ca")}\nand\n${readText("other-ca")}`);
    expect(settings({ "tls-ca-cert-file": both }).ca).toHaveLength(2);
    copyFileSync(pem("ca"), join(folder, "aaf75ee7.0"));
    copyFileSync(pem("other-ca"), join(folder, "other-ca.pem"));
    file("00000000.0", "no certificate");
    const found = settings({ "tls-ca-cert-file": "", "tls-ca-cert-dir": folder });
    // The file counts for none any more, and neither does the other name.
    expect(found.ca).toEqual([readText("ca").trim()]);
  });

  test("a folder that is not there trusts nobody, and not those that come with the runtime", () => {
    const found = settings({ "tls-auth-clients": "no", "tls-ca-cert-file": "" });
    expect(found.ca).toEqual([]);
  });
});

describe("what follows from directives", () => {
  test("protocols, also with one left out between others", () => {
    expect(settings()).toMatchObject({ minVersion: "TLSv1.2", maxVersion: "TLSv1.3" });
    const one = settings({ "tls-protocols": "tlsv1.2" });
    expect(one).toMatchObject({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    const gap = settings({ "tls-protocols": "TLSv1.3 TLSv1.1" });
    expect(gap).toMatchObject({ minVersion: "TLSv1.1", maxVersion: "TLSv1.3" });
    expect(gap.secureOptions).not.toBe(one.secureOptions);
  });

  test("ciphers of one sort leave the others as they are", () => {
    expect(settings({ "tls-ciphers": "AES128-SHA,AES256-SHA" }).ciphers).toBe(
      "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:AES128-SHA:AES256-SHA",
    );
    expect(settings({ "tls-ciphersuites": "TLS_AES_128_GCM_SHA256" }).ciphers).toMatch(
      /^TLS_AES_128_GCM_SHA256:ECDHE-/,
    );
  });

  test("who is asked for a certificate", () => {
    const asked = { requestCert: true, rejectUnauthorized: true };
    expect(settings()).toMatchObject(asked);
    expect(settings({ "tls-auth-clients": "optional" })).toMatchObject({
      ...asked,
      rejectUnauthorized: false,
    });
    expect(settings({ "tls-auth-clients": "no" }).requestCert).toBe(false);
  });

  test("the client's order of ciphers, unless the server's is asked for", () => {
    expect(settings().honorCipherOrder).toBe(false);
    expect(settings({ "tls-prefer-server-ciphers": "yes" }).honorCipherOrder).toBe(true);
  });

  test("parameters of a file", () => {
    expect(settings().dhparam).toBe("auto");
    expect(settings({ "tls-dh-params-file": pem("dh") }).dhparam).toBeInstanceOf(Buffer);
  });
});
