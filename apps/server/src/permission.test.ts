/** Under Node's permission model. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./testing/server-process.ts";

/** What a program that may read everything and write `folder` prints. */
async function permitted(folder: string, code: string): Promise<string> {
  const server = new URL("./index.ts", import.meta.url);
  const words = [
    ...["--permission", "--allow-fs-read=*", `--allow-fs-write=${folder}`],
    ...["--conditions=@kv/source", "--input-type=module", "--eval"],
    `import { createServer } from "${server}"; ${code}`,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return stdout;
}

test("a folder is refused at once, as nothing in it can be synced; memory is not", async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  const said = await permitted(
    path,
    `const refusal = await createServer({ bind: "", dir: "${path}" }).catch((error) => error);
     console.log(refusal.name, refusal.code, refusal.message);
     const server = await createServer({ bind: "" });
     const stream = server.connect();
     stream.write("SET k v\\r\\nSAVE\\r\\nGET k\\r\\n");
     console.log(JSON.stringify(await new Promise((done) => stream.once("data", (data) => done(String(data))))));
     await server.close();`,
  );
  expect(said.split("\n")).toEqual([
    `ServerError ERR_ACCESS_DENIED The data folder ${path} cannot be used: fsync API is disabled when Permission Model is enabled.`,
    JSON.stringify("+OK\r\n+OK\r\n$1\r\nv\r\n"),
    "",
  ]);
});
