import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { takeReadings } from "./daemonize.ts";

test("a process that nobody put into the background was handed nothing", () => {
  expect(takeReadings()).toBe(undefined);
});

test("one in the background takes it once, and those that it starts do not look for it", () => {
  const readings = [{ source: "file", name: "/etc/kv.conf", found: "port 1" }];
  const module = JSON.stringify(new URL("./daemonize.ts", import.meta.url).href);
  const script = `
    const { takeReadings } = await import(${module});
    const taken = [takeReadings(), takeReadings(), process.env.KV_IN_BACKGROUND];
    console.log(JSON.stringify(taken));`;
  const shell = `exec "$0" --conditions=@kv/source --input-type=module -e "$1" 3<<'EOF'
${JSON.stringify(readings)}
EOF
`;
  const { stdout, stderr } = spawnSync("sh", ["-c", shell, process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, KV_IN_BACKGROUND: "1" },
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual([readings, null, null]);
});
