/** The unit file that the package brings along. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigStore, parseCommandLine } from "@kv/config";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";

const appFolder = fileURLToPath(new URL("../../", import.meta.url));
const unit = readFileSync(join(appFolder, "systemd/kv.service"), "utf8");

const isInstalled = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!isInstalled) console.warn("left out: the check of kv.service (systemd-analyze is missing)");

test("lets systemd listen to the tool of a Node that cannot speak for itself", () => {
  const lines = unit.split("\n");
  for (const line of ["Type=notify", "NotifyAccess=all", "User=kv"]) expect(lines).toContain(line);
  expect(lines.find((line) => line.startsWith("ExecStart="))).toContain("--supervised systemd");
});

test("calls the program with words that it understands", () => {
  const line = unit.split("\n").find((each) => each.startsWith("ExecStart=")) ?? "";
  const { configFile, optionsText } = parseCommandLine(line.split(" ").slice(1));
  expect(configFile).toBe("/etc/kv/kv.conf");
  const config = new ConfigStore();
  config.load(optionsText);
  expect([config.print("supervised"), config.print("daemonize")]).toEqual(["systemd", "no"]);
});

test("is in the package", () => {
  const { files } = JSON.parse(readFileSync(join(appFolder, "package.json"), "utf8"));
  expect(files).toContain("systemd");
});

test.skipIf(!isInstalled)("has no line that systemd does not understand", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "kv.service");
  // The program is not installed where the unit expects it.
  const program = unit.replace("/usr/local/bin/kv-server", process.execPath);
  const verify = (text: string) => {
    writeFileSync(path, text);
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
    // It looks at the machine's other units, too, and may have something to say of these.
    const said = stderr.split("\n").filter((line) => line.includes("kv.service"));
    return { status, said };
  };
  expect(verify(program)).toEqual({ status: 0, said: [] });
  const wrong = program.replace("NotifyAccess=", "NotifyAcces=");
  expect(verify(wrong).said).toEqual([expect.stringContaining("NotifyAcces")]);
});
