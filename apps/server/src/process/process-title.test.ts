import { ConfigStore } from "@kv/config";
import { describe, expect, test } from "vitest";
import { processTitle } from "./process-title.ts";

const facts = { executable: "/opt/kv/bin/redis-server", configFile: "/etc/kv.conf" };

function titleOf(text: string): string {
  const config = new ConfigStore();
  config.load(text);
  return processTitle(config, facts);
}

describe("the process title", () => {
  test.each([
    ["", "/opt/kv/bin/redis-server *:6379"],
    ["bind -::1 127.0.0.1\nport 7000", "/opt/kv/bin/redis-server ::1:7000"],
    ["cluster-enabled yes", "/opt/kv/bin/redis-server *:6379 [cluster]"],
    ["port 0\nunixsocket /tmp/s", "/opt/kv/bin/redis-server /tmp/s"],
    ["port 0\ntls-port 7001", "/opt/kv/bin/redis-server *:7001"],
    [
      'proc-title-template "TEST {title} {port} {tls-port} {unixsocket} {config-file} {{x}"',
      "TEST /opt/kv/bin/redis-server 6379 0  /etc/kv.conf {x}",
    ],
  ])("%j", (text, title) => {
    expect(titleOf(text)).toBe(title);
  });

  test("without a file a dash stands for it", () => {
    const config = new ConfigStore();
    config.load('proc-title-template "kv {config-file}"');
    expect(processTitle(config, { ...facts, configFile: "" })).toBe("kv -");
  });

  test("a script loses its extension", () => {
    const title = processTitle(new ConfigStore(), {
      ...facts,
      executable: "/kv/bin/kv-server.mjs",
    });
    expect(title).toBe("/kv/bin/kv-server *:6379");
  });
});
