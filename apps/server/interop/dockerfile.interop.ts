/**
 * The Dockerfile, as far as it can be tried without Docker: it is valid, and a folder that is filled
 * by its steps holds a server that serves, is found healthy, and ends in order.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@kv/testing";
import { validate } from "dockerfile-utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const text = readFileSync(join(root, "Dockerfile"), "utf8");

interface Step {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of each stage. */
const stages: Step[][] = [];
for (const line of text
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split("\n")) {
  const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
  if (name === undefined) continue;
  if (name === "FROM") stages.push([]);
  stages.at(-1)?.push({ name, rest });
}
const [building = [], image = []] = stages;
const all = (name: string, stage = image) =>
  stage.filter((step) => step.name === name).map(({ rest }) => rest);
const only = (name: string, stage = image) => {
  expect(all(name, stage), name).toHaveLength(1);
  return all(name, stage)[0];
};

describe("the Dockerfile", () => {
  test("is valid", () => {
    expect(validate(text)).toEqual([]);
    expect(validate(text.replace("WORKDIR", "WORKDRI"))).not.toEqual([]);
  });

  test("builds and runs on the pinned Node", () => {
    const version = readFileSync(join(root, ".node-version"), "utf8").trim();
    const bases = stages.map(([from]) => from.rest.split(" ")[0]);
    expect(bases).toEqual([`node:${version}-slim`, `node:${version}-slim`]);
  });

  test("runs without privileges, as the first process, with its data in a volume", () => {
    expect(only("USER")).not.toMatch(/^(root|0)\b/);
    expect(JSON.parse(only("ENTRYPOINT"))).toEqual(["kv-server"]);
    expect(only("VOLUME")).toBe(only("WORKDIR"));
    expect(only("STOPSIGNAL")).toBe("SIGTERM");
    // What belongs to root comes before, what is the user's after.
    const names = image.map(({ name }) => name);
    expect(names.lastIndexOf("RUN")).toBeLessThan(names.indexOf("USER"));
  });

  test("copies what is there, and not ignored", () => {
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    for (const source of contextSources()) {
      expect(existsSync(join(root, source)), source).toBe(true);
      for (const part of source.split("/").filter((name) => name !== "")) {
        expect(ignored).not.toContain(part);
        expect(ignored).not.toContain(`**/${part}`);
      }
    }
  });
});

function contextSources(): string[] {
  return all("COPY")
    .filter((rest) => !rest.startsWith("--"))
    .flatMap((rest) => rest.split(/\s+/).slice(0, -1));
}

/** Where the registry cannot be reached pnpm tries again for many minutes, and all tests behind wait. */
const STEP_LIMIT_MS = 120_000;

describe("what it puts together", () => {
  let folder: string;
  const inside = (path: string) => join(folder, path);
  /** Runs a part of a step, with these folders of the image in ours. */
  function run(commands: string | undefined, paths: RegExp): void {
    const moved = commands?.replaceAll(paths, inside);
    const { status, stderr } = spawnSync("sh", ["-ec", moved ?? "false"], {
      cwd: root,
      encoding: "utf8",
      timeout: STEP_LIMIT_MS,
      killSignal: "SIGKILL",
      env: { ...process.env, npm_config_prefer_offline: "true" },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-image-"));
    mkdirSync(inside(only("WORKDIR")), { recursive: true });
    mkdirSync(inside("/usr/local/bin"), { recursive: true });
    // The build is ours, what is taken out of it the Dockerfile's.
    run(/node_modules\/.bin\/pnpm .*/.exec(only("RUN", building))?.[0], /\/image\b/g);
    for (const rest of all("COPY")) copy(rest.split(/\s+/));
    // Of the RUN step the links; users and owners are the image's own affair.
    run(/for tool in.*?done/.exec(only("RUN"))?.[0], /\/(opt|usr)\b/g);
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  function copy(words: string[]): void {
    const isBuilt = words[0] === "--from=build";
    const sources = (isBuilt ? words.slice(1) : words).slice(0, -1);
    const to = words.at(-1) ?? "";
    for (const source of sources) {
      const path = isBuilt ? inside(source) : join(root, source);
      const isFolder = statSync(path).isDirectory();
      const target = inside(isFolder ? to : join(to, basename(path)));
      cpSync(path, target, { recursive: true, verbatimSymlinks: true });
    }
  }

  const environment = (port: number) => ({
    PATH: `${inside("/usr/local/bin")}${delimiter}${dirname(process.execPath)}${delimiter}/bin:/usr/bin`,
    KV_PORT: `${port}`,
  });

  function isHealthy(port: number): boolean {
    const command = /CMD (\[.*\])/.exec(only("HEALTHCHECK"))?.[1] ?? "[]";
    const [program, ...words] = JSON.parse(command).map((word: string) =>
      word.startsWith("/") ? inside(word) : word,
    );
    return spawnSync(program, words, { env: environment(port), timeout: 10_000 }).status === 0;
  }

  test.each([
    ["", []],
    [" with a password", ["--requirepass", "secret"]],
  ])("serves%s, is healthy while it does, and saves when it is told to end", async (_, words) => {
    const port = await freePort();
    const [program] = JSON.parse(only("ENTRYPOINT"));
    const options = ["--port", `${port}`, "--save", "3600 1", ...words];
    const child = spawn(program, options, {
      cwd: inside(only("WORKDIR")),
      env: environment(port),
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    try {
      await expect.poll(() => isHealthy(port), { timeout: 20_000 }).toBe(true);
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
    expect(isHealthy(port)).toBe(false);
    expect(existsSync(inside(join(only("VOLUME"), "dump.rdb")))).toBe(true);
    const check = spawnSync("kv-check-rdb", ["dump.rdb"], {
      cwd: inside(only("WORKDIR")),
      env: environment(port),
    });
    expect(check.status).toBe(0);
  });
});
