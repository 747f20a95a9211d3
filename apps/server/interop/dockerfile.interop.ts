/**
 * The Dockerfile, as far as it can be tried without Docker: it is valid, and a folder that is filled
 * by its COPY steps and its links holds a server that serves, is found healthy, and ends in order.
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
const image = stages.at(-1) ?? [];
const all = (name: string) => image.filter((step) => step.name === name).map(({ rest }) => rest);
const only = (name: string) => {
  expect(all(name), name).toHaveLength(1);
  return all(name)[0];
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

describe("what it puts together", () => {
  let folder: string;
  const inside = (path: string) => join(folder, path);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-image-"));
    mkdirSync(inside(only("WORKDIR")), { recursive: true });
    mkdirSync(inside("/usr/local/bin"), { recursive: true });
    for (const rest of all("COPY")) copy(rest.split(/\s+/));
    // Of the RUN step the links; users and owners are the image's own affair.
    const links = /for tool in.*?done/s.exec(only("RUN"))?.[0] ?? "false";
    const { status, stderr } = spawnSync("sh", ["-ec", links.replaceAll(" /", ` ${folder}/`)]);
    expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: "" });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function copy(words: string[]): void {
    const isBuilt = words[0] === "--from=build";
    const sources = (isBuilt ? words.slice(1) : words).slice(0, -1);
    const to = words.at(-1) ?? "";
    for (const source of sources) {
      const path = join(root, isBuilt ? source.replace(/^\/kv\//, "") : source);
      const isFolder = statSync(path).isDirectory();
      cpSync(path, inside(isFolder ? to : join(to, basename(path))), {
        recursive: true,
        // The build leaves only the code: see its RUN step.
        filter: (file) => !isBuilt || statSync(file).isDirectory() || file.endsWith(".js"),
      });
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
