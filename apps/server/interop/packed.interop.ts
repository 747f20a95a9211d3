/**
 * The packages as their users get them: packed, installed elsewhere without a network, and used from ES
 * modules, from CommonJS, from TypeScript and from Jest, whose loader knows no ES modules.
 */
import { execFile } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const tool = (name: string) => join(root, "node_modules", ".bin", name);
/** The packages that are published. */
const parts = readdirSync(join(root, "packages")).filter((part) => {
  const text = readFileSync(join(root, "packages", part, "package.json"), "utf8");
  return (JSON.parse(text) as { private?: boolean }).private !== true;
});
const jest = fileURLToPath(import.meta.resolve("jest/package.json"));

/** Where the packages are installed. */
let folder = "";

/** The real folder of a package that one of ours depends on. */
const installed = (owner: string, name: string) =>
  realpathSync(join(root, owner, "node_modules", name));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kv-packed-"));
  await run(tool("tsc"), ["-b"], { cwd: root });
  const folders = [...parts.map((part) => `packages/${part}`), "apps/server"];
  for (const each of folders) {
    await run(tool("pnpm"), ["--dir", each, "pack", "--pack-destination", folder], { cwd: root });
  }
  const tarballs = Object.fromEntries(
    readdirSync(folder).map((file) => [`@kv/${file.split("-")[1]}`, `file:${file}`]),
  );
  // Of what they depend on, nothing is asked of a registry, nor of what is kept of one.
  const zod = `link:${installed("packages/config", "zod")}`;
  const lua = `link:${installed("packages/lua", "wasmoon-lua5.1")}`;
  const ioredis = `link:${installed("apps/server", "ioredis")}`;
  const manifest = {
    private: true,
    dependencies: { ...tarballs, ioredis },
    pnpm: { overrides: { ...tarballs, zod, "wasmoon-lua5.1": lua } },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  await run(tool("pnpm"), ["install", "--offline", "--ignore-workspace"], { cwd: folder });
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in the folder, and gives its lines. */
async function lines(name: string, code: string): Promise<string[]> {
  writeFileSync(join(folder, name), code);
  const { stdout } = await run(process.execPath, [name], { cwd: folder });
  return stdout.trimEnd().split("\n");
}

/** Runs a test file, and gives what Jest says of it. */
async function underJest(name: string, code: string): Promise<string> {
  writeFileSync(join(folder, `${name}.test.js`), code);
  const words = [join(dirname(jest), "bin/jest.js"), "--rootDir", folder, "--ci", name];
  const { stderr } = await run(process.execPath, words, { cwd: folder });
  expect(stderr).not.toMatch(/did not exit|Warning/);
  return stderr;
}

const useOfServer = `
  const server = await createServer();
  const stream = server.connect();
  stream.write("EVAL \\"return redis.call('SET', 'k', 'v')\\" 1 k\\r\\nGET k\\r\\n");
  console.log(JSON.stringify(await new Promise((done) => stream.once("data", (data) => done(String(data))))));
  await server.close();
`;
const replies = JSON.stringify("+OK\r\n$1\r\nv\r\n");

describe("the packed server", () => {
  test("is an ES module", async () => {
    const code = `import { createServer } from "@kv/server"; ${useOfServer}`;
    expect(await lines("esm.mjs", code)).toEqual([replies]);
  });

  test("can be required, and is the one that is imported", async () => {
    const code = `
      const { createServer } = require("@kv/server");
      (async () => {
        ${useOfServer}
        console.log((await import("@kv/server")).createServer === createServer);
      })();
    `;
    expect(await lines("cjs.cjs", code)).toEqual([replies, "true"]);
  });

  test("has a file for loaders that know no ES modules", async () => {
    const file = join(folder, "node_modules/@kv/server/dist/index.cjs");
    expect(readFileSync(file, "utf8")).not.toMatch(/require\("(@kv|zod)/);
    const code = `const { createServer } = require(${JSON.stringify(file)}); (async () => { ${useOfServer} })();`;
    expect(await lines("bundled.cjs", code)).toEqual([replies]);
  });

  test("shares the packages that it depends on with who uses them, too", async () => {
    const code = `
      import { arg, command, CommandError } from "@kv/commands";
      import { createServer } from "@kv/server";
      const refuse = command({
        name: "refuse", group: "generic", since: "7.2.0", complexity: "O(1)",
        summary: "Refuses.", arity: 1, flags: ["fast"], args: [],
        run() { throw new CommandError("ERR refused"); },
      });
      const server = await createServer({}, { modules: [{ name: "refusing", commands: [refuse] }] });
      const stream = server.connect();
      stream.write("REFUSE\\r\\n");
      console.log(String(await new Promise((done) => stream.once("data", done))).trim());
      await server.close();
    `;
    expect(await lines("module.mjs", code)).toEqual(["-ERR refused"]);
    // And holds none of their code beside the file for require().
    const dist = join(folder, "node_modules/@kv/server/dist");
    for (const name of readdirSync(dist).filter((each) => each.endsWith(".js"))) {
      expect(readFileSync(join(dist, name), "utf8"), name).not.toContain("packages/engine/src");
    }
  });

  test.each(["nodenext", "node20"])("has types for both kinds of module: %s", async (module) => {
    const code = `
      import { createServer, ServerError, type EmbeddedServer } from "@kv/server";
      export async function start(): Promise<EmbeddedServer> {
        const server = await createServer({ maxmemory: "100mb", save: "" });
        const port: number = server.connect().bytesRead + server.port;
        // @ts-expect-error There is no such directive.
        await createServer({ maxmem: 1 });
        return port > 0 ? server : Promise.reject(new ServerError("none", "ERR_NONE"));
      }
    `;
    for (const name of ["types.mts", "types.cts"]) writeFileSync(join(folder, name), code);
    const nodeTypes = join(root, "node_modules/@types");
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2024"];
    const types = ["--types", "node", "--typeRoots", nodeTypes, "--module", module];
    const words = [...options, ...types, "types.mts", "types.cts"];
    const { stdout } = await run(tool("tsc"), words, { cwd: folder }).catch((error) => error);
    expect(stdout).toBe("");
  });

  test("runs under Jest from CommonJS, where fake timers move times to live", async () => {
    const code = `
      const { createServer, ServerError } = require("@kv/server");
      const { AbstractConnector, Redis } = require("ioredis");

      let server;
      beforeAll(async () => { server = await createServer(); });
      afterAll(() => server.close());

      test("errors are errors", async () => {
        const error = await createServer({ port: server.port }).catch((reason) => reason);
        expect(error).toBeInstanceOf(ServerError);
        expect(error).toMatchObject({ code: "EADDRINUSE", cause: { code: "EADDRINUSE" } });
      });

      test("over a socket", async () => {
        const redis = new Redis(server.url);
        expect(await redis.set("k", "v")).toBe("OK");
        await redis.quit();
      });

      test("without one", async () => {
        class InProcess extends AbstractConnector {
          constructor({ disconnectTimeout }) { super(disconnectTimeout); }
          async connect() { return (this.stream = server.connect()); }
        }
        const redis = new Redis({ Connector: InProcess });
        expect(await redis.get("k")).toBe("v");
        jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] });
        await redis.set("session", "Ada", "EX", 60);
        jest.advanceTimersByTime(59_000);
        expect(await redis.ttl("session")).toBe(1);
        jest.advanceTimersByTime(1001);
        expect(await redis.get("session")).toBe(null);
        jest.useRealTimers();
        redis.disconnect();
      });
    `;
    expect(await underJest("server", code)).toContain("Tests:       3 passed, 3 total");
  });

  test("runs under Jest where the globals are a browser's", async () => {
    const code = `
      for (const name of ["TextDecoder", "TextEncoder", "setImmediate", "clearImmediate"])
        delete globalThis[name];
      const { createServer } = require("@kv/server");
      const net = require("node:net");

      test("to the end of a connection", async () => {
        const server = await createServer();
        const socket = net.connect(server.port, "127.0.0.1");
        let answer = "";
        socket.on("data", (data) => (answer += data));
        const closed = new Promise((done) => socket.on("close", done));
        socket.end("EVAL \\"return 'é'\\" 0\\r\\n");
        await closed;
        expect(answer).toBe("$2\\r\\né\\r\\n");
        // As much is given back to the system when it goes.
        const stream = server.connect();
        for (const command of ["SETRANGE k 50000000 v", "FLUSHALL"]) {
          stream.write(command + "\\r\\n");
          await new Promise((done) => stream.once("data", done));
        }
        await server.close();
      });
    `;
    expect(await underJest("browser", code)).toContain("Tests:       1 passed, 1 total");
  });

  test("says nothing of its own in a worker thread, and leaves nothing open there", async () => {
    const code = `
      import { isMainThread, Worker } from "node:worker_threads";
      if (isMainThread) new Worker(new URL(import.meta.url));
      else {
        const { createServer } = await import("@kv/server");
        process.on("warning", (warning) => console.log(warning.message));
        ${useOfServer}
      }
    `;
    expect(await lines("worker.mjs", code)).toEqual([replies]);
  });
});
