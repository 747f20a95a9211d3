// The program run from its sources: what bin/kv-server.mjs is after a build.
import { main } from "../main.ts";

await main();
