/**
 * The last step of the build: starts the program as a user would, and keeps what V8 compiled till the
 * first reply, as dist/program.cache. What is not in it is compiled when it is first called.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadProgram } from "../../bin/program.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kv-compile-"));
process.on("exit", () => {
  process.chdir(dist);
  rmSync(folder, { recursive: true, force: true });
});

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const port = await freePort();
process.argv.push("--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder);
process.argv.push("--logfile", join(folder, "log"), "--save", "");
rmSync(join(dist, "program.cache"), { force: true });
const { main, script } = loadProgram(dist);
await main();
const socket = connect(port, "127.0.0.1");
socket.write("PING\r\n");
await once(socket, "data");
writeFileSync(join(dist, "program.cache"), script.createCachedData());
process.exit(0);
